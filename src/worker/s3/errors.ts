// What goes wrong with objects, as errors that authors of object stores throw and that `host.s3` throws to their users, and as the
// codes in between.
import { Code, ConnectError } from "@connectrpc/connect";
import { HostServiceError, NotFoundError } from "../host/errors.ts";

/** The object, its version or its bucket does not exist. */
export class S3NotFoundError extends NotFoundError {
  override readonly name = "S3NotFoundError";

  constructor(message = "", options?: ErrorOptions) {
    super("s3", Code.NotFound, message, options);
  }
}

/** A condition does not hold; "not modified" is one of them. */
export class S3PreconditionFailedError extends HostServiceError {
  override readonly name = "S3PreconditionFailedError";

  constructor(message = "", options?: ErrorOptions) {
    super("s3", Code.FailedPrecondition, message, options);
  }
}

/** The range is malformed, or it starts at or past the object's end. */
export class S3InvalidRangeError extends HostServiceError {
  override readonly name = "S3InvalidRangeError";

  constructor(message = "", options?: ErrorOptions) {
    super("s3", Code.OutOfRange, message, options);
  }
}

/** The three codes that gestaltd tells apart; everything else reaches a plugin as INTERNAL (reference/gestaltd.md §4.2). */
const CODES = [
  [S3NotFoundError, Code.NotFound],
  [S3PreconditionFailedError, Code.FailedPrecondition],
  [S3InvalidRangeError, Code.OutOfRange],
] as const;

/** The error to throw from a surface: a typed one with its code, any other unchanged. */
export function toSurfaceError(error: unknown): unknown {
  for (const [type, code] of CODES) {
    if (error instanceof type) return new ConnectError(error.message, code, undefined, undefined, error);
  }
  return error;
}

/** Settles as `work` does, with typed errors translated. */
export async function translated<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toSurfaceError(error);
  }
}
