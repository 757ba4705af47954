// Which headers are metadata of the call and cross the bridge, in either direction, and which belong to one hop only.
import type { OutgoingHttpHeaders } from "node:http2";
import { MAX_REPLY_METADATA_BYTES } from "./limits.ts";

/** Names and values in turn, as Node's raw headers and undici have them: duplicates and their order are kept. */
export type HeaderList = readonly string[];

/**
 * Names that never cross, besides {@link RESERVED_PREFIXES}. A caller over gRPC must not be able to speak for the bridge
 * (credentials, deadlines, sessions) or for the network in between; nor may an answer's HTTP headers pose as metadata.
 */
const RESERVED: ReadonlySet<string> = new Set([
  // Credentials and cookies.
  ...["authorization", "cookie", "set-cookie", "www-authenticate", "authentication-info"],
  // Who asks whom, and by which way.
  ...[
    "host",
    "origin",
    "referer",
    "from",
    "forwarded",
    "via",
    "max-forwards",
    "x-real-ip",
    "true-client-ip",
    "cdn-loop",
  ],
  ...["user-agent", "server", "x-powered-by", "alt-svc", "nel", "report-to", "server-timing", "expect-ct"],
  // The connection (RFC 9110 §7.6, RFC 9113 §8.2.2).
  ...["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "http2-settings", "expect"],
  // The body and what a cache may do with it.
  ...["accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "range", "date", "age"],
  ...["cache-control", "pragma", "expires", "etag", "last-modified", "vary", "location", "retry-after", "allow", "tk"],
  ...["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "strict-transport-security"],
  ...["dnt", "upgrade-insecure-requests", "x-content-type-options", "x-frame-options", "x-http-method-override"],
]);

/** Groups of such names: pseudo-headers, gRPC, Connect and its unary trailers, the body, Cloudflare, proxies, browsers, ours. */
const RESERVED_PREFIXES = [
  ...[":", "grpc-", "connect-", "trailer-", "content-", "cf-", "x-forwarded-", "proxy-", "sec-"],
  ...["access-control-", "gestalt-"],
] as const;

/** gRPC over HTTP/2, "Header-Name". */
const NAME = /^[0-9a-z_.-]+$/;

/** gRPC over HTTP/2, "ASCII-Value". */
const ASCII_VALUE = /^[\x20-\x7e]*$/;

const BASE64_VALUE = /^[A-Za-z0-9+/]*={0,2}$/;

const BINARY_SUFFIX = "-bin";

/** Whether the header with this lower-case name is metadata of the call. */
export function isMetadata(name: string): boolean {
  if (RESERVED.has(name)) return false;
  for (const prefix of RESERVED_PREFIXES) if (name.startsWith(prefix)) return false;
  return NAME.test(name);
}

/** The metadata among an HTTP/2 request's raw headers. */
export function metadataFromRequest(rawHeaders: HeaderList): string[] {
  const metadata: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    addMetadata(metadata, rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  return metadata;
}

/**
 * Adds a header to a list if it is metadata and its value is fit for gRPC. Binary values that HTTP/1 has joined with
 * commas are taken apart again: grpc-go decodes each as one.
 */
export function addMetadata(metadata: string[], name: string, value: string): void {
  if (!isMetadata(name)) return;
  if (name.endsWith(BINARY_SUFFIX)) {
    for (const piece of value.split(",")) {
      const trimmed = piece.trim();
      if (BASE64_VALUE.test(trimmed)) metadata.push(name, trimmed);
    }
  } else if (ASCII_VALUE.test(value)) {
    metadata.push(name, value);
  }
}

/** Puts metadata into headers for Node, duplicates as arrays; what is over the limit is left out. */
export function putMetadata(headers: OutgoingHttpHeaders, metadata: HeaderList): void {
  let bytes = 0;
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const name = metadata[i] ?? "";
    const value = metadata[i + 1] ?? "";
    bytes += name.length + value.length;
    if (bytes > MAX_REPLY_METADATA_BYTES) return;
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else headers[name] = Array.isArray(earlier) ? [...earlier, value] : [String(earlier), value];
  }
}

/** All values of one name. */
export function metadataValues(metadata: HeaderList, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < metadata.length; i += 2) if (metadata[i] === name) values.push(metadata[i + 1] ?? "");
  return values;
}
