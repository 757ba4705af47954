// What goes with a host call beside its messages: there the caller's headers and the request's trace, back the host's trailers.
import type { Metadata } from "../../wire/channel/frames.ts";
import { TRACE_HEADERS } from "../../wire/trace-headers.ts";

/** Names that mean something to a hop and nothing to the method; the bridge passes on none of them either. */
const NOT_METADATA = /^(:|grpc-|connect-|content-)/;

/** `request` are the headers of the provider call. */
export function callMetadata(given: HeadersInit | undefined, request: Headers): Metadata {
  const metadata: string[] = [];
  const headers = given === undefined ? undefined : new Headers(given);
  for (const [name, value] of headers ?? []) if (!NOT_METADATA.test(name)) metadata.push(name, value);
  for (const name of TRACE_HEADERS) {
    const value = headers?.has(name) === true ? null : request.get(name);
    if (value !== null) metadata.push(name, value);
  }
  return metadata;
}

/** Adds what came with a status; `headers` is returned. */
export function appendMetadata(headers: Headers, metadata: Metadata): Headers {
  for (let i = 0; i + 1 < metadata.length; i += 2) headers.append(metadata[i] ?? "", metadata[i + 1] ?? "");
  return headers;
}
