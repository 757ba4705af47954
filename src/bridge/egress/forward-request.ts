// Forwards one admitted HTTP request: bodies stream both ways with back-pressure, nothing is held or decoded.
import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream";
import { inUrl } from "../../wire/egress/host.ts";
import { type Destination, dial, type ProxyRoute } from "./dial.ts";
import { requestHeaders, responseHeaders } from "./http-headers.ts";

export interface Agents {
  /** Connections to hosts that are kept and used again, but never across ways out. */
  through(proxy: ProxyRoute | undefined, secure: boolean): Agent;
  /** Closes kept connections. */
  forget(): void;
}

/** Longest header block of a host's answer, in bytes; Node's own limit of 16 KiB is less than browsers take. */
export const MAX_ANSWER_HEADERS_BYTES = 128 * 1024;
/** A kept connection is closed after this time, in milliseconds; most servers close theirs after 5 s or more. */
const IDLE_MS = 4_000;

export function openAgents(): Agents {
  const agents = new Map<string, Agent>();
  return {
    through(proxy, secure) {
      const key = JSON.stringify([proxy ?? null, secure]);
      const agent = agents.get(key) ?? new DialingAgent(proxy, secure);
      agents.set(key, agent);
      return agent;
    },
    forget() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

class DialingAgent extends Agent {
  readonly #proxy: ProxyRoute | undefined;
  readonly #secure: boolean;

  constructor(proxy: ProxyRoute | undefined, secure: boolean) {
    super({ keepAlive: true, timeout: IDLE_MS });
    this.#proxy = proxy;
    this.#secure = secure;
  }

  override createConnection(...[options, callback]: Parameters<Agent["createConnection"]>): undefined {
    const destination = { host: options.host ?? "", port: Number(options.port), secure: this.#secure };
    dial(destination, this.#proxy).then(
      (socket) => callback?.(null, socket),
      // Node's types want a stream beside the error.
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }
}

export interface Forwarding extends Destination {
  readonly agent: Agent;
  /** Answers a request that could not be sent, or says false. */
  unreachable(error: Error): boolean;
}

/** Answers with what the host answers; a host that cannot be reached is a lost connection, as without the gate. */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { agent, unreachable, ...destination }: Forwarding,
): void {
  const outgoing = startRequest(request, destination, agent);
  outgoing.on("error", (error) => {
    if (response.headersSent || !unreachable(error)) response.destroy();
  });
  outgoing.on("response", (answer) => sendAnswer(answer, response));
  // workerd has given the call up.
  response.on("close", () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  // Not a pipeline, which would end workerd's connection with the host's: an answer may still go over it.
  request.pipe(outgoing);
}

/** Asks the host for what the request asks the gate for; the body is left to the caller. */
function startRequest(request: IncomingMessage, { host, port, secure }: Destination, agent: Agent): ClientRequest {
  const { pathname, search } = new URL(request.url ?? "");
  return httpRequest({
    agent,
    host,
    port,
    method: request.method ?? "GET",
    path: `${pathname}${search}`,
    headers: requestHeaders(request.rawHeaders, hostHeader(host, port, secure)),
    maxHeaderSize: MAX_ANSWER_HEADERS_BYTES,
  });
}

/** RFC 9110 §4.2.3: without the port that the scheme implies. */
export function hostHeader(host: string, port: number, secure: boolean): string {
  return port === (secure ? 443 : 80) ? inUrl(host) : `${inUrl(host)}:${port}`;
}

function sendAnswer(answer: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  try {
    response.writeHead(answer.statusCode ?? 0, answer.statusMessage, responseHeaders(answer.rawHeaders));
  } catch {
    // A header Node would not send on, although it took it.
    answer.destroy();
    response.destroy();
    return;
  }
  pipeline(answer, response, () => undefined);
}
