// From what a handler did to an `OperationResult`: a status that HTTP knows and a body that is JSON, whatever happens.
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";

export interface Result {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
}

/** gestaltd hands the status to Go's `WriteHeader`, which panics outside this range (reference: OperationResult.status). */
const LOWEST_STATUS = 100;
const HIGHEST_STATUS = 999;

/** What is left for the body in one message beside the status and the two field headers, rounded down. */
const MAX_BODY_BYTES = MAX_MESSAGE_BYTES - 64;

/** A UTF-16 code unit takes at most this many bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

/** An error in gestaltd's form. */
export function errorResult(status: number, error: string, more: object = {}): Result {
  return { status, body: JSON.stringify({ error, ...more }) };
}

export const INTERNAL_ERROR: Result = errorResult(500, "internal error");

/** `undefined` becomes `null`. Throws a TypeError when status or body cannot be sent; the caller answers 500. */
export function resultOf(status: number, body: unknown): Result {
  if (!Number.isInteger(status) || status < LOWEST_STATUS || status > HIGHEST_STATUS) {
    throw new TypeError(`${status} is no HTTP status`);
  }
  // Functions and symbols stringify to undefined, like undefined itself.
  const text = JSON.stringify(body) ?? "null";
  const bytes = text.length * MAX_BYTES_PER_UNIT <= MAX_BODY_BYTES ? 0 : new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_BODY_BYTES) return errorResult(500, `the result of ${bytes} bytes is over the limit of 4 MiB`);
  return { status, body: text };
}
