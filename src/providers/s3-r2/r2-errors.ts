// What a failed R2 operation means to callers: one table by R2's error codes (R2 documentation, "Error codes").
import { Code, ConnectError } from "@connectrpc/connect";
import { S3InvalidRangeError, S3NotFoundError, S3PreconditionFailedError } from "../../worker/index.ts";

/** Too many requests: the one refusal that comes before anything was done. */
const TOO_MANY_REQUESTS = 10058;

const MEANINGS: ReadonlyMap<number, () => Error> = new Map([
  [10002, status(Code.PermissionDenied, "The worker may not use its R2 bucket. Check the binding.")],
  [10003, status(Code.PermissionDenied, "The worker may not use its R2 bucket. Check the binding.")],
  [10006, () => new S3NotFoundError("The R2 bucket of this binding does not exist. Check the worker's bindings.")],
  [10007, () => new S3NotFoundError("There is no such object.")],
  [10011, status(Code.InvalidArgument, "All parts of an upload but the last need at least 5 MiB.")],
  [10012, status(Code.InvalidArgument, "The object's metadata is over R2's limit.")],
  [10020, status(Code.InvalidArgument, "R2 does not take this key.")],
  [10024, status(Code.NotFound, "The upload has ended: it was completed, aborted, or is older than 7 days.")],
  [10025, status(Code.InvalidArgument, "A part of the upload is missing, or its etag is another.")],
  [10031, () => new S3PreconditionFailedError("A condition on the object does not hold.")],
  [10039, () => new S3InvalidRangeError("The range lies outside the object.")],
  [10042, status(Code.PermissionDenied, "This Cloudflare account has no R2 subscription.")],
  [
    10048,
    status(Code.InvalidArgument, "All parts of an upload but the last must have one size, and the last no more."),
  ],
  [
    10058,
    status(
      Code.Unavailable,
      "R2 refused the operation because there are too many (429): it takes one write per second for each key.",
    ),
  ],
  [10069, status(Code.PermissionDenied, "The object is locked by a rule of its R2 bucket.")],
  [100100, status(Code.InvalidArgument, "The object is larger than R2 takes.")],
]);

/** The object may be there or not: nothing was said about it. */
const DOWN = status(Code.Unavailable, "R2 did not answer. Try again.");

/** Failures of R2 itself: internal error, service unavailable. */
const FAULTS: ReadonlySet<number> = new Set([10001, 10043]);

/** Whether R2 refused the operation before it did anything. */
export function isRefused(failure: unknown): boolean {
  return r2Code(failure) === TOO_MANY_REQUESTS;
}

/** Whether the operation failed on the way or inside R2, with or without effect. */
export function isFault(failure: unknown): boolean {
  const code = r2Code(failure);
  return code === undefined ? isLost(failure) : FAULTS.has(code);
}

/** R2's error code, which the binding writes at the end of the message: `put: … (10012)`. */
function r2Code(failure: unknown): number | undefined {
  const match = failure instanceof Error ? /\((\d{5,6})\)$/.exec(failure.message) : null;
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The error to answer with. Errors that R2 did not make stay what they are. */
export function meaningOf(failure: unknown): unknown {
  if (isFault(failure)) return DOWN();
  const code = r2Code(failure);
  if (code === undefined) return failure;
  return MEANINGS.get(code)?.() ?? new ConnectError(`R2 refused the operation (${code}).`, Code.Internal);
}

/** workerd's own words when the way to R2 broke; they carry no code. */
function isLost(failure: unknown): boolean {
  return failure instanceof Error && /^(?:\w+: )?(?:network connection lost|internal error)/i.test(failure.message);
}

function status(code: Code, text: string): () => Error {
  return () => new ConnectError(text, code);
}
