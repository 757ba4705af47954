// What a worker's answer means in gRPC terms.

import { addMetadata, type HeaderList } from "../grpc/metadata.ts";
import { type CallStatus, StatusError } from "../grpc/status.ts";
import type { ResponseHeaders } from "./worker-request.ts";

export type Outcome = Success | Failure;

export interface Success {
  readonly kind: "success";
  /** The message, in the pieces it came in. */
  readonly payload: readonly Buffer[];
  /** Headers of the HTTP answer, metadata or not. */
  readonly http: ResponseHeaders;
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
}

export interface Failure {
  readonly kind: "failure";
  readonly status: CallStatus;
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
}

/** The message in one piece. Throws a {@link StatusError} for a failure. */
export function payloadOrThrow(outcome: Outcome): Buffer {
  if (outcome.kind === "failure") throw new StatusError(outcome.status, [...outcome.headers, ...outcome.trailers]);
  const [only, ...more] = outcome.payload;
  return only !== undefined && more.length === 0 ? only : Buffer.concat(outcome.payload);
}

/** Connect sends the trailers of a unary call as headers with this prefix. */
const TRAILER_PREFIX = "trailer-";

/** Metadata of an answer: what comes before the message, and what comes after. */
export function splitMetadata(headers: ResponseHeaders): { headers: HeaderList; trailers: HeaderList } {
  const leading: string[] = [];
  const trailing: string[] = [];
  for (const name in headers) {
    const isTrailer = name.startsWith(TRAILER_PREFIX);
    const list = isTrailer ? trailing : leading;
    const plain = isTrailer ? name.slice(TRAILER_PREFIX.length) : name;
    const value = headers[name];
    if (typeof value === "string") addMetadata(list, plain, value);
    else for (const one of value ?? []) addMetadata(list, plain, one);
  }
  return { headers: leading, trailers: trailing };
}

/** One value of a response header. */
export function headerValue(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}
