// What a failed KV operation means to gestaltd.
import { Code, ConnectError } from "@connectrpc/connect";

interface Meaning {
  readonly code: Code;
  readonly text: string;
}

const BUSY: Meaning = {
  code: Code.Unavailable,
  text:
    "Workers KV refused the operation because there are too many (429): it takes one write per second for each key. " +
    "Write the key less often, or use the cache on a Durable Object.",
};

const DOWN: Meaning = { code: Code.Unavailable, text: "Workers KV did not answer. Try again." };

/** By HTTP status, as the binding reports it. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [401, { code: Code.FailedPrecondition, text: "The worker may not use its KV namespace. Check the binding." }],
  [403, { code: Code.FailedPrecondition, text: "The worker may not use its KV namespace. Check the binding." }],
  [404, { code: Code.FailedPrecondition, text: "The KV namespace does not exist. Check the binding's id." }],
  [413, { code: Code.ResourceExhausted, text: "Workers KV refused the value as too large." }],
  [429, BUSY],
]);

/** Statuses after which the same operation may succeed. Every KV operation can be repeated. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** A bulk read whose values together are too large answers this. */
export const TOO_LARGE = 413;

/** The HTTP status in an error of the binding, `KV PUT failed: 429 Too Many Requests`; undefined in any other error. */
export function kvStatus(failure: unknown): number | undefined {
  const match = failure instanceof Error ? /^KV \w+ failed: (\d{3})\b/.exec(failure.message) : null;
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function isRetryable(failure: unknown): boolean {
  return RETRYABLE.has(kvStatus(failure) ?? 0);
}

/** The error to answer with. Errors that KV did not make stay what they are. */
export function asConnectError(failure: unknown): unknown {
  const status = kvStatus(failure);
  if (status === undefined) return failure;
  const { code, text } = MEANINGS.get(status) ?? (status >= 500 ? DOWN : INTERNAL);
  return new ConnectError(text, code, undefined, undefined, failure);
}

/** Any other refusal is a fault of ours: names and options are made to be valid. */
const INTERNAL: Meaning = { code: Code.Internal, text: "Workers KV refused the operation." };
