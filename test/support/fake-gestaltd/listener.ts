// One address of the fake gestaltd: a raw HTTP/2 server before Connect's gRPC handlers, which are nobody's but Connect's.
import { once } from "node:events";
import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TestCertificate } from "./certificate.ts";

export type RequestHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

export interface ListenerOptions {
  /** A socket's path; otherwise a port of 127.0.0.1. */
  readonly path?: string;
  readonly certificate?: TestCertificate;
}

/** Go's HTTP/2 server, which the relay is, allows this many streams on a connection. */
const GO_MAX_CONCURRENT_STREAMS = 250;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #handle: RequestHandler;
  #server: Http2Server | undefined;
  #port = 0;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  #accepted = 0;

  constructor(options: ListenerOptions, handle: RequestHandler) {
    this.#options = options;
    this.#handle = handle;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get sockets(): ReadonlySet<Socket> {
    return this.#sockets;
  }

  /** Connections that there ever were. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Listens, on the port it had before. */
  async start(): Promise<void> {
    const { path, certificate } = this.#options;
    const settings = {
      maxConcurrentStreams: path === undefined ? GO_MAX_CONCURRENT_STREAMS : 0xffff_ffff,
      // So that what a slow reader costs can be told from what this server buffers.
      initialWindowSize: 64 * 1024,
    };
    const server =
      certificate === undefined
        ? createServer({ settings }, this.#handle)
        : createSecureServer({ settings, key: certificate.key, cert: certificate.certificate }, this.#handle);
    server.on(certificate === undefined ? "connection" : "secureConnection", (socket: Socket) => this.#keep(socket));
    server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("error", () => {});
      session.once("close", () => this.#sessions.delete(session));
    });
    server.on("sessionError", () => {});
    server.listen(path === undefined ? { host: "127.0.0.1", port: this.#port } : { path });
    await once(server, "listening");
    if (path === undefined) this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Tells every connection that no more calls are taken on it; those it has finish. New connections are welcome. */
  drain(): void {
    for (const session of this.#sessions) session.goaway(constants.NGHTTP2_NO_ERROR);
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    // Not their sessions, which would say goodbye.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#accepted += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
