// The Durable Object that holds a session's channel: the bridge connects to it, and the session's calls go out through it.
import { DurableObject } from "cloudflare:workers";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallStatus } from "../../wire/channel/frames.ts";
import { KEEP_ALIVE_PING, KEEP_ALIVE_PONG } from "../../wire/channel/keep-alive.ts";
import { failure } from "../../wire/channel/status.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { Bindings } from "../call.ts";
import { HOST_CLIENTS } from "../host/clients.ts";
import { installHostClients } from "../host/host.ts";
import { installHosting } from "../host/hosting.ts";
import { errorResponse } from "../serving/errors.ts";
import { Authenticator } from "../sessions/authenticator.ts";
import type { Session } from "../sessions/session.ts";
import { closeQuietly } from "./connection.ts";
import { Connections } from "./connections.ts";
import { HostCalls, Lifeline, type PeerSource } from "./host-calls.ts";
import { HOSTING } from "./hosting.ts";
import { CONNECTION_TIMES, type ConnectionTimes, TOKEN_AFTERLIFE_SECONDS, TOKENS_KEPT } from "./limits.ts";
import { channelNamespace, channelObjectId } from "./object-name.ts";

// A worker that exports the class below has a way to gestaltd, and wants the clients for what is there.
installHosting(HOSTING);
installHostClients(HOST_CLIENTS);

/**
 * Export it from the worker's main module and bind it as `GESTALT_EDGE_CHANNEL`; without it no provider of the worker reaches a
 * host service. It is no part of the main entry because it can be loaded nowhere but in workerd, and a provider's own tests run
 * elsewhere too.
 *
 * There is one object for each session. Whoever has the binding can call it, the provider's own code for one, so the object checks
 * every session token itself, and serves no session but its own.
 *
 * @example
 * export { HostChannel } from "gestalt-edge/channel";
 */
export class HostChannel extends DurableObject<Bindings> {
  readonly #connections: Connections;
  readonly #bridges = new Authenticator(0, TOKENS_KEPT);
  readonly #requests = new Authenticator(TOKEN_AFTERLIFE_SECONDS, TOKENS_KEPT);
  /** Sessions that were found to be this object's. */
  readonly #own = new WeakSet<Session>();

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#connections = new Connections(state, this.times());
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEP_ALIVE_PING, KEEP_ALIVE_PONG));
  }

  /** Takes the WebSocket of a bridge, with its session token. */
  override async fetch(request: Request): Promise<Response> {
    try {
      this.#assertOwn(await this.#bridges.authenticate(request.headers, this.env));
    } catch (error) {
      return errorResponse(ConnectError.from(error, Code.Internal));
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.#connections.accept(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Host calls of one request, which is let go of with its `lifeline`. With a token it does not take, every call is refused. */
  async session(token: string): Promise<{ readonly calls: HostCalls; readonly lifeline: Lifeline }> {
    const calls = new HostCalls(await this.#peerSource(token));
    return { calls, lifeline: new Lifeline(calls) };
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message !== "string") this.#connections.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#connections.lost(socket, "the bridge closed the connection");
    // An answer is due, and there are codes that must not be sent (RFC 6455 §7.4.1).
    closeQuietly(socket, RESERVED_CLOSE_CODES.has(code) ? NORMAL_CLOSURE : code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#connections.lost(socket, "the connection broke");
  }

  async #peerSource(token: string): Promise<PeerSource> {
    let session: Session;
    try {
      session = await this.#requests.verify(token, this.env);
      this.#assertOwn(session);
    } catch (error) {
      const { rawMessage } = ConnectError.from(error);
      return () => failure(GrpcCode.unauthenticated, rawMessage);
    }
    return (timeoutMs) => this.#connections.peer() ?? this.#arrival(session, timeoutMs);
  }

  async #arrival({ hosts }: Session, timeoutMs: number | undefined) {
    if (hosts.length === 0) return NOTHING_OFFERED;
    return (await this.#connections.arrival(timeoutMs)) ?? NOT_CONNECTED;
  }

  protected times(): ConnectionTimes {
    return CONNECTION_TIMES;
  }

  #assertOwn(session: Session): void {
    if (this.#own.has(session)) return;
    const namespace = channelNamespace(this.env);
    if (namespace === undefined || !channelObjectId(namespace, session).equals(this.ctx.id)) {
      throw new ConnectError("The session token is for another session than this object's.", Code.Unauthenticated);
    }
    this.#own.add(session);
  }
}

const NORMAL_CLOSURE = 1000;
const RESERVED_CLOSE_CODES: ReadonlySet<number> = new Set([1005, 1006, 1015]);

const NOTHING_OFFERED: CallStatus = failure(
  GrpcCode.failedPrecondition,
  "gestaltd offers this session no host services, so its bridge opens no host channel; bind what the provider needs in gestaltd's config",
);

const NOT_CONNECTED: CallStatus = failure(
  GrpcCode.unavailable,
  "host channel: no bridge is connected to it; the bridge's log says why it cannot connect",
);
