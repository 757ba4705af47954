// How a database fails: the words and codes that gestaltd classifies by (reference §4.7), and errors that authors of
// databases throw.
import { Code, ConnectError } from "@connectrpc/connect";
import { AlreadyExistsError, HostServiceError, NotFoundError } from "../host/errors.ts";

const NOT_FOUND = "datastore: not found";
const ALREADY_EXISTS = "datastore: already exists";

/** There is no such store, or the store has no such index. A record that does not exist is no error of a handler's. */
export class IndexedDBNotFoundError extends NotFoundError {
  override readonly name = "IndexedDBNotFoundError";

  constructor(message = NOT_FOUND, options?: ErrorOptions) {
    super("indexedDB", Code.NotFound, message, options);
  }
}

/** The primary key is taken, or a unique index has the key for another record. */
export class IndexedDBAlreadyExistsError extends AlreadyExistsError {
  override readonly name = "IndexedDBAlreadyExistsError";

  constructor(message = ALREADY_EXISTS, options?: ErrorOptions) {
    super("indexedDB", Code.AlreadyExists, message, options);
  }
}

export function notFound(): ConnectError {
  return new ConnectError(NOT_FOUND, Code.NotFound);
}

export function readonly(): ConnectError {
  return new ConnectError("datastore: transaction is readonly", Code.FailedPrecondition);
}

/** `why` is for people; gestaltd looks for the words before it. */
export function invalidTransaction(why: string): ConnectError {
  return new ConnectError(`datastore: invalid transaction: ${why}`, Code.InvalidArgument);
}

export function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

/** The error to send: a typed one with its code, any other unchanged. */
export function toSurfaceError(error: unknown): unknown {
  if (!(error instanceof HostServiceError) || error.service !== "indexedDB") return error;
  return new ConnectError(error.message, error.code, undefined, undefined, error);
}

/** Settles as `work` does, with typed errors translated. */
export async function translated<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toSurfaceError(error);
  }
}
