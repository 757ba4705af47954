// The gate of a guarded worker: workerd sends every `fetch`, WebSocket and `connect()` of that worker here, as to an HTTP
// proxy, and has no other way out. The gate asks whether the host may be reached, then connects by itself.
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { DENIED_HEADER, DENIED_STATUS } from "../../wire/egress/denial.ts";
import type { Denial, Verdict } from "../../wire/egress/policy.ts";
import type { Destination, ProxyRoute } from "./dial.ts";
import { forwardRequest, openAgents } from "./forward-request.ts";
import { forwardUpgrade } from "./forward-upgrade.ts";
import { denialOf } from "./proxy-refusal.ts";
import { requested, requestedTunnel } from "./requested.ts";
import { type Incoming, join, joinForTls, openTunnelTo } from "./tunnel.ts";

/** Whether a host may be reached, and how. */
export interface Admission {
  readonly verdict: Verdict;
  readonly proxy: ProxyRoute | undefined;
  /** Takes a denial that comes after all, from the proxy. */
  denied(reason: string): void;
}

/** Which of the two proxies of HTTP_PROXY and HTTPS_PROXY: plain HTTP has one of its own, everything else the other. */
export type Way = "http" | "https";

export interface GateRules {
  admit(destination: Destination, way: Way): Admission;
}

export interface Gate {
  readonly path: string;
  /** Ends connections to hosts that may not be reached any more. */
  recheck(): void;
  /** Ends what goes through at this moment: the session it belonged to has ended. */
  cut(): void;
  close(): Promise<void>;
}

/** workerd takes headers of at least 127 KB; so does the gate. In bytes. */
const MAX_HEADERS_BYTES = 256 * 1024;

/** Listens on the Unix socket `path`, for this user alone. */
export async function openGate(path: string, rules: GateRules): Promise<Gate> {
  const gate = new OpenGate(path, rules);
  await gate.listen();
  return gate;
}

class OpenGate implements Gate {
  readonly path: string;
  readonly #rules: GateRules;
  readonly #server: Server;
  readonly #agents = openAgents();
  /** workerd's connections, and where each one leads. */
  readonly #sockets = new Map<Duplex, { readonly destination: Destination; readonly way: Way } | undefined>();
  /** Connections that may be asked to speak TLS, by the ids the worker gave them. */
  readonly #startTls = new Map<string, () => Promise<void>>();

  constructor(path: string, rules: GateRules) {
    this.path = path;
    this.#rules = rules;
    this.#server = createServer({
      // A proxy request names its host in the request line; workerd sends no Host header with it.
      requireHostHeader: false,
      maxHeaderSize: MAX_HEADERS_BYTES,
      // workerd alone decides how long it waits: closing a connection it is about to use would fail a call.
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
    });
    this.#server.on("connection", (socket: Duplex) => {
      this.#sockets.set(socket, undefined);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (request, response) => this.#request(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, { socket, head }));
    this.#server.on("connect", (request, socket, head) => void this.#connect(request, { socket, head }));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.path, resolve);
    });
    chmodSync(this.path, 0o600);
  }

  recheck(): void {
    for (const [socket, leads] of this.#sockets) {
      if (leads !== undefined && !this.#rules.admit(leads.destination, leads.way).verdict.allowed) socket.destroy();
    }
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#agents.forget();
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    rmSync(this.path, { force: true });
    return closed;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const wanted = requested(request);
    if (wanted.type === "start-tls") return void this.#secure(wanted.id, response);
    const { destination } = wanted;
    const admission = this.#admit(request.socket, destination, destination?.secure ? "https" : "http");
    const { verdict, proxy } = admission;
    if (destination === undefined || !verdict.allowed) return void deny(request, response, verdict);
    if (wanted.type === "verdict") return void response.writeHead(204).end();
    const agent = this.#agents.through(proxy, destination.secure);
    const unreachable = afterwards(destination, admission, (denial) => deny(request, response, denial));
    forwardRequest(request, response, { ...destination, agent, unreachable });
  }

  #upgrade(request: IncomingMessage, incoming: Incoming): void {
    const wanted = requested(request);
    const destination = wanted.type === "forward" ? wanted.destination : undefined;
    const admission = this.#admit(incoming.socket, destination, destination?.secure ? "https" : "http");
    const { verdict, proxy } = admission;
    if (destination === undefined || !verdict.allowed) return void denyOn(incoming.socket, verdict);
    const unreachable = afterwards(destination, admission, (denial) => denyOn(incoming.socket, denial));
    forwardUpgrade(request, incoming, { ...destination, proxy, unreachable });
  }

  async #connect(request: IncomingMessage, incoming: Incoming): Promise<void> {
    const { socket } = incoming;
    const tunnel = requestedTunnel(request);
    const admission = this.#admit(socket, tunnel?.destination, "https");
    const { verdict, proxy } = admission;
    if (tunnel === undefined || !verdict.allowed) return denyOn(socket, verdict);
    const { destination, tlsId } = tunnel;
    const unreachable = afterwards(destination, admission, (denial) => denyOn(socket, denial));
    const connection = await openTunnelTo({ ...destination, proxy, unreachable }, incoming);
    if (connection === undefined) return;
    if (tlsId === undefined) return join(socket, connection);
    this.#startTls.set(tlsId, joinForTls(socket, connection, destination.host));
    socket.once("close", () => this.#startTls.delete(tlsId));
  }

  #secure(id: string, response: ServerResponse): void {
    const start = this.#startTls.get(id);
    this.#startTls.delete(id);
    const answer = (status: number) => response.writeHead(status).end();
    if (start === undefined) return void answer(404);
    start().then(
      () => answer(204),
      () => answer(502),
    );
  }

  #admit(socket: Duplex, destination: Destination | undefined, way: Way): Admission {
    if (destination === undefined) return { verdict: NO_HOST, proxy: undefined, denied: () => undefined };
    this.#sockets.set(socket, { destination, way });
    return this.#rules.admit(destination, way);
  }
}

const NO_HOST: Verdict = { allowed: false, rule: "not a host", reason: "egress is denied: the address names no host" };

/** For what was admitted and gestaltd's proxy denies: answered as what is denied here, and told. */
function afterwards(destination: Destination, { denied }: Admission, answer: (denial: Denial) => void) {
  return (error: Error): boolean => {
    const denial = denialOf(error, destination);
    if (denial === undefined) return false;
    denied(denial.reason);
    answer(denial);
    return true;
  };
}

function deny(request: IncomingMessage, response: ServerResponse, verdict: Verdict): void {
  const headers = { [DENIED_HEADER]: verdict.rule, "content-type": "text/plain; charset=utf-8" };
  response.writeHead(DENIED_STATUS, headers);
  response.end(reasonOf(verdict));
  // The rest of the body has nowhere to go, and the connection is used again.
  request.resume();
}

function denyOn(socket: Duplex, verdict: Verdict): void {
  socket.on("error", () => undefined);
  const body = reasonOf(verdict);
  const head = `HTTP/1.1 ${DENIED_STATUS} Forbidden\r\n${DENIED_HEADER}: ${verdict.rule}\r\nconnection: close\r\n`;
  socket.end(
    `${head}content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function reasonOf(verdict: Verdict): string {
  return verdict.allowed ? "" : verdict.reason;
}
