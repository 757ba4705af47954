// Connects to a host for a guarded worker: straight, or through a tunnel of the proxy gestaltd named.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { isIP, connect as netConnect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { hostAndPort } from "../../wire/egress/host.ts";
import { isOwnSocket, mayBeOwnSocket, OwnSocketRefusal } from "./own-sockets.ts";
import { ProxyRefusal } from "./proxy-refusal.ts";

export interface Destination {
  /** Normalised host. */
  readonly host: string;
  readonly port: number;
  /** Speak TLS and check the certificate for {@link host}. */
  readonly secure: boolean;
}

/** A proxy that takes CONNECT. */
export interface ProxyRoute {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Value of `proxy-authorization`; a secret. */
  readonly authorization: string | undefined;
}

/** A host that does not accept within this time is not there, in milliseconds; gestaltd's own proxy waits as long. */
const CONNECT_TIMEOUT_MS = 10_000;

/** `http(s)://user:token@host:port`, as checked by session-egress.ts. */
export function proxyRoute(address: string): ProxyRoute {
  const url = new URL(address);
  const secure = url.protocol === "https:";
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (secure ? 443 : 80),
    secure,
    authorization: credentials === ":" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

/**
 * Rejects with an error that holds no secret; {@link ProxyRefusal} when it is the proxy that will not, {@link OwnSocketRefusal}
 * when it is the worker's own node that would be reached.
 */
export async function dial(destination: Destination, proxy: ProxyRoute | undefined): Promise<Socket> {
  const isOwn = proxy === undefined ? isOwnSocket : mayBeOwnSocket;
  if (isOwn(destination.host, destination.port)) throw new OwnSocketRefusal();
  const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const socket =
    proxy === undefined ? await openDirect(destination, signal) : await openTunnel(destination, proxy, signal);
  return destination.secure ? secured(socket, destination.host, signal) : socket;
}

/** Names are looked up only now, and any may stand for this machine. */
async function openDirect(destination: Destination, signal: AbortSignal): Promise<Socket> {
  const socket = await openSocket(destination, signal);
  if (!isOwnSocket(socket.remoteAddress, socket.remotePort)) return socket;
  socket.destroy();
  throw new OwnSocketRefusal();
}

async function openSocket({ host, port }: Pick<Destination, "host" | "port">, signal: AbortSignal): Promise<Socket> {
  // Each side may end its half first, as over any TCP connection.
  const socket = netConnect({ host, port, allowHalfOpen: true, noDelay: true });
  await connected(socket, "connect", signal);
  return socket;
}

/** CONNECT for plain HTTP as well: requests then need not be rewritten, and WebSockets work. */
async function openTunnel(destination: Destination, proxy: ProxyRoute, signal: AbortSignal): Promise<Socket> {
  const plain = await openSocket(proxy, signal);
  const way = proxy.secure ? await secured(plain, proxy.host, signal) : plain;
  const target = hostAndPort(destination.host, destination.port);
  const { authorization } = proxy;
  const request = httpRequest({
    method: "CONNECT",
    path: target,
    headers: { host: target, ...(authorization === undefined ? {} : { "proxy-authorization": authorization }) },
    createConnection: () => way,
  });
  // The proxy's answer to a refusal may be a body; its connection is given up in any case.
  request.once("response", (response) => request.destroy(new ProxyRefusal(response.statusCode)));
  request.end();
  try {
    const [response, socket, head] = await once(request, "connect", { signal });
    if (response.statusCode !== 200) throw new ProxyRefusal(response.statusCode);
    if (head.length > 0) socket.unshift(head);
    return socket;
  } catch (error) {
    way.destroy();
    throw error;
  }
}

/** TLS on a connection, with a certificate for `host`. */
export async function secured(
  socket: Duplex,
  host: string,
  signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS),
): Promise<Socket> {
  const secure = tlsConnect({
    socket,
    // RFC 6066: no addresses in SNI; the certificate is checked for the host either way.
    ...(isIP(host) ? { host } : { servername: host }),
    ALPNProtocols: ["http/1.1"],
  });
  await connected(secure, "secureConnect", signal);
  return secure;
}

async function connected(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`) : error;
  }
  // Whoever uses the socket listens for its errors; until then one must not end the process.
  socket.on("error", () => undefined);
}
