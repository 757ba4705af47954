// The headers of a request to a host service.
import { constants, type OutgoingHttpHeaders, sensitiveHeaders } from "node:http2";
import { addMetadata, type HeaderList, putMetadata } from "../grpc/metadata.ts";
import { formatGrpcTimeout } from "../grpc/timeout.ts";
import { authorityOf } from "./address.ts";
import type { HostService } from "./host-service.ts";

/** Opens gestaltd's relay (reference §3); gestaltd strips it before it dispatches the call. */
const RELAY_TOKEN_HEADER = "x-gestalt-host-service-relay-token";

/** `timeout` in milliseconds. The service's token is added here and nowhere else, and no metadata can stand in for it. */
export function requestHeaders(
  service: HostService,
  path: string,
  metadata: HeaderList,
  timeout: number | undefined,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_SCHEME]: service.address.kind === "tls" ? "https" : "http",
    [constants.HTTP2_HEADER_AUTHORITY]: authorityOf(service.address),
    "content-type": "application/grpc+proto",
    te: "trailers",
    "user-agent": "gestalt-edge-bridge",
    // gestaltd is near; what compresses for whoever takes it would only cost time.
    "grpc-accept-encoding": "identity",
  };
  if (timeout !== undefined) headers["grpc-timeout"] = formatGrpcTimeout(timeout);
  putMetadata(headers, crossing(metadata));
  if (service.token !== undefined) {
    headers[RELAY_TOKEN_HEADER] = service.token.headerValue();
    // Node's types know no symbol among headers. Never enters a compression table, here or in a proxy on the way (RFC 7541 §7.1.3).
    Object.assign(headers, { [sensitiveHeaders]: [RELAY_TOKEN_HEADER] });
  }
  return headers;
}

function crossing(metadata: HeaderList): string[] {
  const list: string[] = [];
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const name = metadata[i] ?? "";
    if (name !== RELAY_TOKEN_HEADER) addMetadata(list, name, metadata[i + 1] ?? "");
  }
  return list;
}
