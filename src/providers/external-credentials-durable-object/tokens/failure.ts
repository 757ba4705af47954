// How a token endpoint fails, and what that means. No text of an endpoint gets any further: some repeat the request in it.
import { MAX_RETRY_AFTER_MS } from "../limits.ts";
import type { RefusalKind } from "../outcome.ts";

export type TokenFailureKind = Extract<RefusalKind, "reconnect" | "unavailable" | "misconfigured">;

export class TokenFailure extends Error {
  readonly kind: TokenFailureKind;
  /** How long the endpoint wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: TokenFailureKind, text: string, retryAfterMs?: number | undefined) {
    super(text);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Error codes by which an endpoint says that the refresh token is of no use (RFC 6749 §5.2, OpenID Connect Core §3.1.2.6, GitHub, Slack). */
const DEAD_TOKEN_CODES: ReadonlySet<string> = new Set([
  ...["invalid_grant", "interaction_required", "login_required", "consent_required", "account_selection_required"],
  ...["bad_refresh_token", "invalid_refresh_token", "invalid_token", "token_expired", "token_revoked"],
]);

/** Codes of failures that pass (RFC 6749 §4.1.2.1, RFC 8628 §3.5, Slack). */
const PASSING_CODES: ReadonlySet<string> = new Set([
  ...["temporarily_unavailable", "server_error", "slow_down", "ratelimited", "rate_limited", "internal_error"],
]);

/** 408 Request Timeout, 425 Too Early, 429 Too Many Requests; those from 500 on pass too. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

export interface RefusedAnswer {
  /** Host of the endpoint. */
  readonly host: string;
  readonly status: number;
  /** `error` of the answer, whatever it is. */
  readonly error: unknown;
  readonly retryAfter: string | null;
  /** What a 401 or 403 without a code is about: what a user entered, or the client. */
  readonly about: "entered" | "client";
  /** Everything secret that went to the endpoint. */
  readonly sent: string;
}

export function failureOf({ host, status, error, retryAfter, about, sent }: RefusedAnswer, now: number): TokenFailure {
  const code = codeOf(error);
  const shown = code !== undefined && WORDS.test(code) && !sent.includes(code) ? ` ${code}` : "";
  const text = `the token endpoint at ${host} answered ${status}${shown}`;
  if (status >= 500 || PASSING_STATUSES.has(status) || (code !== undefined && PASSING_CODES.has(code))) {
    return new TokenFailure("unavailable", text, milliseconds(retryAfter, now));
  }
  const isDead = code === undefined ? isRefusalOfEntered(status, about) : DEAD_TOKEN_CODES.has(code);
  return new TokenFailure(isDead ? "reconnect" : "misconfigured", text);
}

/** What codes are made of that may be repeated: tokens and keys have digits, or capitals among small letters. */
const WORDS = /^(?:[a-z]+|[A-Z]+)(?:[_.-](?:[a-z]+|[A-Z]+))*$/;

/** The code, when it looks like one. It is only compared: an endpoint may put anything there, the token it was sent for one. */
function codeOf(error: unknown): string | undefined {
  return typeof error === "string" && /^[A-Za-z][A-Za-z0-9_.-]{0,79}$/.test(error) ? error : undefined;
}

/** Endpoints that take keys instead of grants know no codes of OAuth. */
function isRefusalOfEntered(status: number, about: RefusedAnswer["about"]): boolean {
  return about === "entered" && (status === 400 || status === 401 || status === 403);
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function milliseconds(retryAfter: string | null, now: number): number | undefined {
  if (retryAfter === null) return undefined;
  const wait = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now;
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER_MS) : undefined;
}
