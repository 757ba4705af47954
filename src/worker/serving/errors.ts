// How an error leaves the worker: as a Connect error in JSON. The status table is connect's own (`codeToHttpStatus`).
import { Code, ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Call } from "../call.ts";

/**
 * A `ConnectError` as it is. Anything else is a fault of the provider or ours: it is logged, and the caller learns
 * no more than INTERNAL.
 */
export function toConnectError(error: unknown, call: Call, label: string): ConnectError {
  if (error instanceof ConnectError) return error;
  call.log.error(`${label} failed`, { error });
  return new ConnectError("internal error", Code.Internal);
}

/** The whole error response of a unary call: status, metadata as headers, JSON with details. */
export function errorResponse(error: ConnectError, status = codeToHttpStatus(error.code)): Response {
  const headers = new Headers();
  mergeNonProtocolHeaders(headers, error.metadata);
  headers.set("content-type", "application/json");
  if (error.code === Code.Unauthenticated) headers.set("www-authenticate", "Bearer");
  return new Response(errorToJsonBytes(error, undefined), { status, headers });
}
