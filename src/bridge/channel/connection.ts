// One connection of a channel: a WebSocket and the peer that speaks on it, from the first try to the last byte.
import type { Duplex } from "node:stream";
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import type { Clock } from "../../wire/channel/call.ts";
import { CLOSE_CODES } from "../../wire/channel/close.ts";
import { KEEP_ALIVE_PING } from "../../wire/channel/keep-alive.ts";
import { ChannelPeer } from "../../wire/channel/peer.ts";
import type { ChannelSocket } from "../../wire/channel/sender.ts";
import type { Upstream } from "../upstream.ts";
import { type KeepAlive, type KeepAliveTimes, keepAlive } from "../web-socket/keep-alive.ts";
import { WebSocket } from "../web-socket/web-socket.ts";
import { type Ending, endingOfChannel, endingOfClose } from "./ending.ts";
import { CLOSE_FLUSH_MS, MAX_WEB_SOCKET_MESSAGE_BYTES } from "./limits.ts";
import { PacketRooms } from "./packet-rooms.ts";
import { type Upgrade, upgrade } from "./upgrade.ts";

export interface ConnectionTimes extends KeepAliveTimes {
  readonly connectTimeoutMs: number;
}

export interface ConnectionEvents {
  /** Must not throw. */
  call(call: IncomingCall): void;
  /** The worker has said hello. */
  opened(): void;
  /** Told exactly once; all calls have ended. Not told after {@link ChannelConnection.drop}. */
  ended(ending: Ending): void;
}

export class ChannelConnection {
  readonly #events: ConnectionEvents;
  readonly #clock: Clock;
  readonly #times: ConnectionTimes;
  readonly #upgrade: Upgrade;
  /** Once the worker has taken the upgrade. */
  #open: { readonly webSocket: WebSocket; readonly peer: ChannelPeer } | undefined;
  #keepAlive: KeepAlive | undefined;
  #stopTimer: () => void;
  #over = false;
  readonly #gone = Promise.withResolvers<void>();

  constructor(upstream: Upstream, clock: Clock, times: ConnectionTimes, events: ConnectionEvents) {
    this.#events = events;
    this.#clock = clock;
    this.#times = times;
    this.#upgrade = upgrade(upstream, {
      upgraded: (socket) => this.#upgraded(socket),
      failed: (ending) => this.#end(ending),
    });
    this.#stopTimer = clock.after(times.connectTimeoutMs, () => this.#end(LATE));
  }

  /** Resolves when the socket is gone. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  get callsInFlight(): number {
    return this.#open?.peer.callsInFlight ?? 0;
  }

  /** No new calls; closes when those in flight have ended, which `ended` then tells. */
  leave(): void {
    if (this.#open === undefined) this.drop("the session has ended");
    else this.#open.peer.leave("shutdown");
  }

  /** Ends at once, calls in flight UNAVAILABLE. */
  drop(reason: string): void {
    if (this.#over) return;
    this.#stop();
    this.#open?.peer.lost(reason);
    this.#closeSocket();
  }

  #upgraded(socket: Duplex): void {
    const webSocket = new WebSocket(socket, MAX_WEB_SOCKET_MESSAGE_BYTES, {
      heard: () => this.#keepAlive?.heard(),
      binary: (packet) => peer.receive(packet),
      closed: (code, reason) => {
        this.#gone.resolve();
        this.#end(endingOfClose(code, reason));
      },
    });
    const peer = new ChannelPeer({
      role: { name: "acceptor", onCall: this.#events.call },
      socket: channelSocket(webSocket),
      clock: this.#clock,
      onGreeted: () => this.#greeted(webSocket),
      onEnd: (end) => this.#end(endingOfChannel(end)),
    });
    this.#open = { webSocket, peer };
  }

  /** Once for each incarnation of the worker's side. */
  #greeted(webSocket: WebSocket): void {
    if (this.#keepAlive !== undefined) return;
    this.#stopTimer();
    const ask = () => webSocket.sendText(KEEP_ALIVE_PING);
    this.#keepAlive = keepAlive(this.#clock, this.#times, ask, () => this.#end(SILENT));
    this.#events.opened();
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#stop();
    this.#open?.peer.lost(ending.message);
    this.#closeSocket();
    this.#events.ended(ending);
  }

  #stop(): void {
    this.#over = true;
    this.#stopTimer();
    this.#keepAlive?.stop();
  }

  /** What has not been closed in good order by then never will be. */
  #closeSocket(): void {
    const webSocket = this.#open?.webSocket;
    if (webSocket === undefined) {
      this.#upgrade.abort();
      this.#gone.resolve();
      return;
    }
    webSocket.close(CLOSE_CODES.shutdown);
    const stop = this.#clock.after(CLOSE_FLUSH_MS, () => webSocket.destroy());
    void this.gone.then(stop);
  }
}

const LATE: Ending = { kind: "lost", message: "the worker did not open the channel in time" };
const SILENT: Ending = { kind: "lost", message: "the worker has fallen silent" };

/** Shared by all channels of the process. */
const rooms = new PacketRooms();

function channelSocket(webSocket: WebSocket): ChannelSocket {
  return {
    room: (bytes, before) => rooms.take(bytes, before),
    send: (packet) => webSocket.sendInPlace(packet, rooms.give(packet)),
    close: (code, reason) => webSocket.close(code, reason),
    later: (task) => webSocket.whenDrained(task),
  };
}
