// Errors that are part of an answer instead of the end of a stream.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Log } from "../../log.ts";
import { toSurfaceError } from "../errors.ts";

/** In the form of `google.rpc.Status`. */
export interface CallerError {
  readonly code: number;
  readonly message: string;
}

/**
 * As a unary method would give it: what the provider did not mean for callers is logged, and they learn no more than
 * INTERNAL.
 */
export function callerError(thrown: unknown, log: Log, what: string): CallerError {
  const error = toSurfaceError(thrown);
  if (error instanceof ConnectError) return { code: error.code, message: error.rawMessage };
  log.error(`${what} failed`, { error });
  return { code: Code.Internal, message: "internal error" };
}
