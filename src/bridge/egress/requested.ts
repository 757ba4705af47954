// What a request to the gate asks for.
import type { IncomingMessage } from "node:http";
import { parseGatedName, START_TLS_URL, VERDICT_URL } from "../../wire/egress/gate-address.ts";
import { normaliseHost, splitPort } from "../../wire/egress/host.ts";
import type { Destination } from "./dial.ts";

const VERDICT_HOST = new URL(VERDICT_URL).host;
const START_TLS_HOST = new URL(START_TLS_URL).host;

/** `forward` has no destination when the request is none to a proxy, or names no host. */
export type Requested =
  | { readonly type: "forward"; readonly destination: Destination | undefined }
  | { readonly type: "verdict"; readonly destination: Destination | undefined }
  | { readonly type: "start-tls"; readonly id: string };

/** Of `https://host:port/path`, the request line of a request to a proxy. */
export function requested({ url = "" }: Pick<IncomingMessage, "url">): Requested {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    return { type: "forward", destination: undefined };
  }
  const { searchParams } = parsed;
  if (parsed.host === START_TLS_HOST) return { type: "start-tls", id: searchParams.get("id") ?? "" };
  if (parsed.host === VERDICT_HOST) {
    const port = Number(searchParams.get("port"));
    return { type: "verdict", destination: destination(searchParams.get("host") ?? "", port, false) };
  }
  const secure = parsed.protocol === "https:";
  const port = Number(parsed.port) || (secure ? 443 : 80);
  return { type: "forward", destination: destination(parsed.hostname, port, secure) };
}

export interface RequestedTunnel {
  readonly destination: Destination;
  /** The worker may ask by this id for TLS later. */
  readonly tlsId: string | undefined;
}

/** Of `host:port`, the request line of CONNECT. */
export function requestedTunnel({ url = "" }: Pick<IncomingMessage, "url">): RequestedTunnel | undefined {
  const split = splitPort(url);
  if (split?.port === undefined) return undefined;
  const gated = parseGatedName(split.host);
  const wanted = destination(gated?.host ?? split.host, split.port, gated?.tls === "on");
  if (wanted === undefined) return undefined;
  return { destination: wanted, tlsId: typeof gated?.tls === "object" ? gated.tls.id : undefined };
}

/** The one form of a host that is decided on is also the one that is connected to. */
function destination(host: string, port: number, secure: boolean): Destination | undefined {
  const normalised = normaliseHost(host);
  return normalised === undefined ? undefined : { host: normalised, port, secure };
}
