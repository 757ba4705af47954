// What a failed call to a Durable Object means to gestaltd.
import { Code, ConnectError } from "../../worker/index.ts";
import { NEWER_SCHEMA } from "../sqlite-schema.ts";

/** What the platform sets on errors of its own making (Durable Objects docs, "Error handling"). */
interface PlatformError {
  readonly retryable?: boolean;
  readonly overloaded?: boolean;
}

/**
 * Whether the platform failed in a way that passes. An overloaded object must not be asked again: that is what it has
 * too much of.
 */
export function isRetryable(failure: unknown): boolean {
  const { retryable, overloaded } = platformError(failure);
  return retryable === true && overloaded !== true;
}

export function asConnectError(failure: unknown): unknown {
  if (!(failure instanceof Error) || failure instanceof ConnectError) return failure;
  const { retryable, overloaded } = platformError(failure);
  if (overloaded === true) return made(Code.Unavailable, "The database has more requests than it can do.", failure);
  if (failure.message.includes(NEWER_SCHEMA)) return made(Code.FailedPrecondition, failure.message, failure);
  if (retryable !== true) return failure;
  return made(Code.Unavailable, "The database did not answer. Try again.", failure);
}

function made(code: Code, text: string, cause: Error): ConnectError {
  return new ConnectError(text, code, undefined, undefined, cause);
}

function platformError(failure: unknown): PlatformError {
  return typeof failure === "object" && failure !== null ? failure : {};
}
