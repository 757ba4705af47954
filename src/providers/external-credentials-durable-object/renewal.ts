// When a credential is renewed, and what holds after an attempt that failed: pure decisions on a row and a moment.
import type { CredentialRow, Failure } from "./credential-table.ts";
import { instantOf, millisecondsOf } from "./instants.ts";
import { PAUSE_MS, PLATFORM_KEPT_MS, RENEW_BEFORE_MS, RENEW_BEFORE_PART, UNSTATED_LIFETIME_MS } from "./limits.ts";
import { RefusedError } from "./outcome.ts";
import type { TokenFailure } from "./tokens/failure.ts";

type Timed = Pick<CredentialRow, "subject" | "expires_at" | "last_refreshed_at" | "updated_at">;

/** Whether the token can still be used. */
export function isValid(row: Timed, now: number): boolean {
  return now < endOf(row);
}

/** Whether the token is to be renewed: it has expired, or soon will. */
export function isDue(row: Timed, now: number): boolean {
  const end = endOf(row);
  const lifetime = end - millisecondsOf(row.last_refreshed_at ?? row.updated_at);
  return now >= end - Math.max(0, Math.min(RENEW_BEFORE_MS, lifetime * RENEW_BEFORE_PART));
}

/** Whether an attempt may be made now. `config` is the fingerprint of what it would be made with. */
export function mayTry({ failure, failed_config, retry_at }: Failure, config: string, now: number): boolean {
  if (failure === null || failed_config !== config) return true;
  return retry_at !== null && now >= retry_at;
}

/** What is kept of a failed attempt. A refresh token that the endpoint has refused is not tried again. */
export function failureAt(error: TokenFailure, errorsBefore: number, config: string, now: number): Failure {
  const pause = Math.min(PAUSE_MS.first * 2 ** errorsBefore, PAUSE_MS.most);
  return {
    failure: error.kind,
    failure_text: error.message,
    failed_config: config,
    retry_at: error.kind === "reconnect" ? null : now + (error.retryAfterMs ?? pause),
  };
}

/** Says why a token that has expired was not renewed. */
export function refusalOf(row: Failure & Pick<CredentialRow, "subject">, now: number): RefusedError {
  const { failure, failure_text, retry_at } = row;
  const why = failure_text ?? "the renewal did not end";
  if (failure === "reconnect" && row.subject !== "") {
    return new RefusedError("reconnect", `The credential can no longer be renewed: ${why}. Connect again.`);
  }
  if (failure === "misconfigured" || failure === "reconnect") {
    return new RefusedError("misconfigured", `The token cannot be renewed: ${why}. Check the connection's config.`);
  }
  const seconds = retry_at === null || retry_at <= now ? 0 : Math.ceil((retry_at - now) / 1000);
  const when = seconds === 0 ? "Try again" : `Try again in ${seconds} s`;
  return new RefusedError("unavailable", `The token could not be renewed: ${why}. ${when}.`);
}

/** Platform tokens last renewed before this are of no use to anybody. */
export function platformHorizon(now: number): string {
  return instantOf(new Date(now - PLATFORM_KEPT_MS));
}

/** In milliseconds. A user's token without an end has none; a platform's ends soon, because nobody can reconnect it. */
function endOf({ subject, expires_at, updated_at }: Timed): number {
  if (expires_at !== null) return millisecondsOf(expires_at);
  return subject === "" ? millisecondsOf(updated_at) + UNSTATED_LIFETIME_MS : Number.POSITIVE_INFINITY;
}
