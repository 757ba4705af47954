// One HTTP/2 connection to gestaltd and the calls on it.
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  type ClientSessionRequestOptions,
  connect,
} from "node:http2";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { connect as connectTls, TLSSocket } from "node:tls";
import { GrpcCode } from "../../wire/codes.ts";
import {
  MAX_FRAME_BYTES,
  MAX_HEADER_LIST_BYTES,
  MAX_HEADER_LIST_PAIRS,
  MAX_SESSION_MEMORY_MEGABYTES,
  SESSION_WINDOW_BYTES,
} from "../grpc/limits.ts";
import { errorName } from "../grpc/node-errors.ts";
import type { CallStatus } from "../grpc/status.ts";
import { trustedAuthorities } from "../trusted-authorities.ts";
import { authorityOf, type HostAddress } from "./address.ts";
import { type HostCall, LOST } from "./call.ts";
import { CLOSE_FLUSH_MS, HOST_STREAM_WINDOW_BYTES } from "./limits.ts";
import { requestHeaders } from "./request-headers.ts";

/**
 * `connecting` until the peer's settings have arrived, `ready` for calls, `draining` when the ones it has may finish and no
 * new one may begin, `closed`.
 */
export type SessionState = "connecting" | "ready" | "draining" | "closed";

export interface SessionTimes {
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
  readonly pingAfterMs: number;
  readonly pingTimeoutMs: number;
}

export interface SessionEvents {
  ready(session: HostSession): void;
  /** A call has ended and left room for another, or there will be none here. */
  room(session: HostSession): void;
  /** It never became ready. The status says why, without addresses. */
  failed(session: HostSession, status: CallStatus): void;
  /** The socket is gone; told exactly once, last of all. */
  gone(session: HostSession): void;
}

export class HostSession {
  readonly #address: HostAddress;
  readonly #times: SessionTimes;
  readonly #events: SessionEvents;
  readonly #socket: Socket;
  readonly #http: ClientHttp2Session;
  readonly #calls = new Set<HostCall>();
  /** Streams that are open, which may be more than calls: one that was cancelled takes its place until it is closed. */
  #streams = 0;
  #state: SessionState = "connecting";
  #error: unknown;
  #timer: NodeJS.Timeout | undefined;
  #heard = { bytes: 0, at: 0 };

  constructor(address: HostAddress, times: SessionTimes, events: SessionEvents) {
    this.#address = address;
    this.#times = times;
    this.#events = events;
    this.#socket = openSocket(address);
    // Before Node's own, which makes a lost connection look like calls cancelled by the peer.
    this.#socket.once("close", () => this.#lost());
    this.#socket.on("error", (error) => this.#remember(error));
    this.#http = connect(`${address.kind === "tls" ? "https" : "http"}://${authorityOf(address)}`, {
      ...OPTIONS,
      createConnection: () => this.#socket,
    });
    this.#http.on("error", (error) => this.#remember(error));
    this.#http.once("connect", () => this.#connected());
    this.#http.once("remoteSettings", () => this.#ready());
    this.#http.once("goaway", () => this.#drain());
    this.#timer = setTimeout(() => this.destroy(new ConnectTimeout()), times.connectTimeoutMs);
  }

  get state(): SessionState {
    // Node knows first that a connection is ending.
    const ending = this.#state === "ready" && (this.#http.closed || this.#http.destroyed);
    return ending ? "draining" : this.#state;
  }

  get streams(): number {
    return this.#streams;
  }

  /** Whether the peer takes another stream now; one more would wait in nghttp2. */
  get hasRoom(): boolean {
    return this.state === "ready" && this.#streams < (this.#http.remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  /** Begins a call. Only while `ready`. */
  start(call: HostCall): void {
    const timeout = call.deadline === undefined ? undefined : call.deadline - Date.now();
    const headers = requestHeaders(call.service, call.path, call.metadata, timeout);
    const stream = this.#http.request(headers, REQUEST);
    this.#streams += 1;
    this.#calls.add(call);
    if (this.#streams === 1) this.#watch();
    stream.once("close", () => this.#closed(call));
    call.open({ stream, lost: () => this.#http.destroyed || this.#state === "closed" });
  }

  /** Ends the connection at once, and its calls with a status. */
  destroy(error?: Error, status = LOST): void {
    this.#remember(error);
    for (const call of this.#calls) call.end(status);
    this.#http.destroy();
    // A session that has been destroyed still waits for a peer that neither reads nor closes.
    this.#socket.destroy();
  }

  #connected(): void {
    // A server without HTTP/2 takes the connection all the same when it knows nothing of ALPN.
    if (this.#address.kind === "tls" && this.#http.alpnProtocol !== "h2") this.destroy(new NoHttp2());
  }

  #ready(): void {
    if (this.#state !== "connecting") return;
    this.#state = "ready";
    this.#http.setLocalWindowSize(SESSION_WINDOW_BYTES);
    this.#heard = { bytes: this.#socket.bytesRead, at: performance.now() };
    this.#rest();
    this.#events.ready(this);
  }

  /** The peer wants no more calls; Node ends the connection after the last. */
  #drain(): void {
    if (this.#state !== "ready") return;
    this.#state = "draining";
    if (this.#streams === 0) this.#retire();
    this.#events.room(this);
  }

  #closed(call: HostCall): void {
    this.#streams -= 1;
    this.#calls.delete(call);
    if (this.#state === "draining" && this.#streams === 0) this.#retire();
    if (this.#state !== "ready") return;
    if (this.#streams === 0) this.#rest();
    this.#events.room(this);
  }

  /** No calls: the connection is kept for a while. */
  #rest(): void {
    clearTimeout(this.#timer);
    if (this.#streams > 0) return;
    this.#timer = setTimeout(() => this.#retire(), this.#times.idleMs).unref();
  }

  /** Closes in good order, and waits for the peer no longer than it takes a living one. */
  #retire(): void {
    this.#state = "draining";
    clearTimeout(this.#timer);
    this.#http.close();
    this.#timer = setTimeout(() => this.#socket.destroy(), CLOSE_FLUSH_MS);
  }

  /**
   * While there are calls, a peer that has been silent is asked whether it lives. Not over a Unix socket: the kernel tells
   * when its process has gone, and grpc-go ends connections that ping more often than every five minutes (its
   * `keepalive.EnforcementPolicy`). The relay behind tcp and tls is Go's own HTTP/2 server, which does not.
   */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#address.kind === "unix") return;
    const silent = this.#silentFor();
    if (silent >= this.#times.pingAfterMs) this.#ping();
    else this.#timer = setTimeout(() => this.#watch(), this.#times.pingAfterMs - silent).unref();
  }

  #ping(): void {
    if (this.#http.destroyed) return;
    this.#timer = setTimeout(() => this.destroy(new DeadPeer()), this.#times.pingTimeoutMs);
    this.#http.ping((error) => {
      if (error !== null || this.#state === "closed") return;
      this.#silentFor();
      if (this.#streams > 0) this.#watch();
    });
  }

  /** Milliseconds since anything has arrived, as far as has been looked. */
  #silentFor(): number {
    const now = performance.now();
    const bytes = this.#socket.bytesRead;
    if (bytes !== this.#heard.bytes) this.#heard = { bytes, at: now };
    return now - this.#heard.at;
  }

  #remember(error: unknown): void {
    this.#error ??= error;
  }

  #lost(): void {
    const before = this.#state;
    this.#state = "closed";
    clearTimeout(this.#timer);
    for (const call of this.#calls) call.end(LOST);
    if (before === "connecting") this.#events.failed(this, this.#failure());
    this.#events.gone(this);
  }

  #failure(): CallStatus {
    const untrusted = this.#socket instanceof TLSSocket && this.#socket.authorizationError;
    const what = untrusted ? "its certificate is not trusted" : "cannot reach gestaltd";
    const why = this.#error === undefined ? "connection closed" : errorName(this.#error);
    return { code: GrpcCode.unavailable, message: `${what} (${why})` };
  }
}

class ConnectTimeout extends Error {
  readonly code = "ETIMEDOUT";
}

class NoHttp2 extends Error {
  readonly code = "ERR_NO_HTTP2";
}

class DeadPeer extends Error {
  readonly code = "ERR_PING_TIMEOUT";
}

const REQUEST: ClientSessionRequestOptions = { endStream: false };

const OPTIONS: ClientSessionOptions = {
  maxSessionMemory: MAX_SESSION_MEMORY_MEGABYTES,
  maxHeaderListPairs: MAX_HEADER_LIST_PAIRS,
  maxSendHeaderBlockLength: MAX_HEADER_LIST_BYTES,
  settings: {
    enablePush: false,
    initialWindowSize: HOST_STREAM_WINDOW_BYTES,
    maxFrameSize: MAX_FRAME_BYTES,
    maxHeaderListSize: MAX_HEADER_LIST_BYTES,
  },
};

function openSocket(address: HostAddress): Socket {
  if (address.kind === "unix") return connectSocket({ path: address.path });
  const { host, port } = address;
  if (address.kind === "tcp") return connectSocket({ host, port, noDelay: true });
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    // A name for the server to choose its certificate by; RFC 6066 §3 allows no addresses.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Besides those that Node trusts: the variable may be set in an environment whose relay has a public certificate.
    ...(address.authority === undefined ? {} : { ca: trustedAuthorities(address.authority) }),
  });
  socket.setNoDelay(true);
  return socket;
}
