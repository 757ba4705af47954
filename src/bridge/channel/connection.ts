// One connection of a channel: a WebSocket and the peer that speaks on it, from the first try to the last byte.
import type { Duplex } from "node:stream";
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import type { Clock } from "../../wire/channel/call.ts";
import { CLOSE_CODES } from "../../wire/channel/close.ts";
import { KEEP_ALIVE_PING } from "../../wire/channel/keep-alive.ts";
import { ChannelPeer } from "../../wire/channel/peer.ts";
import type { ChannelSocket } from "../../wire/channel/sender.ts";
import type { Upstream } from "../upstream.ts";
import { type Ending, endingOfChannel, endingOfClose } from "./ending.ts";
import { type KeepAlive, type KeepAliveTimes, keepAlive } from "./keep-alive.ts";
import { CLOSE_FLUSH_MS } from "./limits.ts";
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
  #peer: ChannelPeer | undefined;
  #keepAlive: KeepAlive | undefined;
  #stopTimer: () => void;
  #over = false;
  /** The socket is gone. */
  readonly gone: Promise<void>;

  constructor(upstream: Upstream, clock: Clock, times: ConnectionTimes, events: ConnectionEvents) {
    this.#events = events;
    this.#clock = clock;
    this.#times = times;
    this.#upgrade = upgrade(upstream);
    const { webSocket } = this.#upgrade;
    webSocket.addEventListener("open", () => this.#open());
    webSocket.addEventListener("message", ({ data }) => this.#receive(data));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    webSocket.addEventListener("close", ({ code, reason }) => {
      resolve();
      this.#end(this.#upgrade.failure ?? endingOfClose(code, reason));
    });
    this.#stopTimer = clock.after(times.connectTimeoutMs, () => this.#end(LATE));
  }

  get callsInFlight(): number {
    return this.#peer?.callsInFlight ?? 0;
  }

  /** No new calls; closes when those in flight have ended, which `ended` then tells. */
  leave(): void {
    if (this.#peer === undefined) this.drop("the session has ended");
    else this.#peer.leave("shutdown");
  }

  /** Ends at once, calls in flight UNAVAILABLE. */
  drop(reason: string): void {
    if (this.#over) return;
    this.#stop();
    this.#peer?.lost(reason);
    this.#closeSocket();
  }

  #open(): void {
    this.#peer = new ChannelPeer({
      role: { name: "acceptor", onCall: this.#events.call },
      socket: channelSocket(this.#upgrade),
      clock: this.#clock,
      onGreeted: () => this.#greeted(),
      onEnd: (end) => this.#end(endingOfChannel(end)),
    });
  }

  /** Once for each incarnation of the worker's side. */
  #greeted(): void {
    if (this.#keepAlive !== undefined) return;
    this.#stopTimer();
    const { webSocket } = this.#upgrade;
    const ask = () => webSocket.send(KEEP_ALIVE_PING);
    this.#keepAlive = keepAlive(this.#clock, this.#times, ask, () => this.#end(SILENT));
    this.#events.opened();
  }

  #receive(data: unknown): void {
    this.#keepAlive?.heard();
    // A text is the answer to a question of ours, and has said all by coming.
    if (data instanceof ArrayBuffer) this.#peer?.receive(new Uint8Array(data));
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#stop();
    this.#peer?.lost(ending.message);
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
    const { webSocket } = this.#upgrade;
    webSocket.close(CLOSE_CODES.shutdown);
    const stop = this.#clock.after(CLOSE_FLUSH_MS, () => this.#upgrade.socket?.destroy());
    void this.gone.then(stop);
  }
}

const LATE: Ending = { kind: "lost", message: "the worker did not open the channel in time" };
const SILENT: Ending = { kind: "lost", message: "the worker has fallen silent" };

function channelSocket({ webSocket, socket }: Upgrade): ChannelSocket {
  return {
    send: (packet) => webSocket.send(packet),
    close: (code, reason) => webSocket.close(code, reason),
    later: (task) => whenDrained(socket, task),
  };
}

/** Always later, and never when the socket is gone. */
function whenDrained(socket: Duplex | undefined, task: () => void): void {
  if (socket?.writableNeedDrain === true) socket.once("drain", task);
  else setImmediate(task);
}
