// How a database fails beyond what every host service has: transactions, and answers too large for gestaltd.
import { Code } from "@connectrpc/connect";
import {
  FailedPreconditionError,
  type HostErrors,
  HostServiceError,
  hostServiceError,
  InvalidArgumentError,
} from "../errors.ts";

/**
 * The transaction does not allow it: it is readonly, over, or was begun wrongly. `cause` is what ended it, if
 * anything did.
 */
export class TransactionError extends HostServiceError {
  override readonly name: string = "TransactionError";

  constructor(message: string, options?: ErrorOptions, code: Code = Code.FailedPrecondition) {
    super(SERVICE, code, message, options);
  }
}

/** By code, and by gestaltd's words where a code says too little (reference §4.7, "Errors → host"). */
export const INDEXEDDB_ERRORS: HostErrors = {
  [Code.InvalidArgument]: (message, options) =>
    message.includes("invalid transaction")
      ? new TransactionError(message, options, Code.InvalidArgument)
      : new InvalidArgumentError(SERVICE, Code.InvalidArgument, message, options),
  [Code.FailedPrecondition]: (message, options) =>
    /readonly|already finished/.test(message)
      ? new TransactionError(message, options)
      : new FailedPreconditionError(SERVICE, Code.FailedPrecondition, message, options),
  [Code.ResourceExhausted]: (message, options) => exhausted(Code.ResourceExhausted, message, options),
  [Code.Internal]: (message, options) => exhausted(Code.Internal, message, options),
};

export function indexedDBError(thrown: unknown): HostServiceError {
  return hostServiceError(SERVICE, thrown, INDEXEDDB_ERRORS);
}

/** The author's mistake, found before anything was sent. */
export function invalid(message: string): InvalidArgumentError {
  return new InvalidArgumentError(SERVICE, Code.InvalidArgument, message);
}

/** gestaltd does not keep to the protocol. */
export function malformed(what: string): HostServiceError {
  return new HostServiceError(SERVICE, Code.Internal, `gestaltd answered with ${what}`);
}

const SERVICE = "indexedDB";

/** gestaltd cannot read an answer past 4 MiB of its own database, and mostly hands that on as INTERNAL. */
function exhausted(code: Code, message: string, options: ErrorOptions): HostServiceError {
  if (!message.includes("larger than max")) return new HostServiceError(SERVICE, code, message, options);
  const text = "The answer is over gestaltd's limit of 4 MiB: read less at a time, with a range or a cursor.";
  return new HostServiceError(SERVICE, Code.ResourceExhausted, text, options);
}
