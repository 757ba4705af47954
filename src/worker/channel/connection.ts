// One WebSocket of a bridge with the peer that speaks on it.
import type { Clock } from "../../wire/channel/call.ts";
import { CLOSE_CODES } from "../../wire/channel/close.ts";
import { ChannelPeer } from "../../wire/channel/peer.ts";
import type { ChannelSocket } from "../../wire/channel/sender.ts";
import type { ConnectionTimes } from "./limits.ts";

/** Timers of an object run only while it is awake, and keep it so. */
const clock: Clock = {
  now: () => Date.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface ConnectionEvents {
  /** The peer takes no more calls, though it may still have some. Told once or twice. */
  unusable(): void;
  /** The peer has no calls any more. */
  ended(): void;
}

export class Connection {
  readonly peer: ChannelPeer;
  readonly #socket: WebSocket;
  readonly #times: ConnectionTimes;
  #heard: number;
  #stopWatch: (() => void) | undefined;
  #stopLinger: (() => void) | undefined;
  #asking = false;
  /** Whoever has been superseded must not come back, and take over from the newer one in turn. */
  #closeCode: number = CLOSE_CODES.shutdown;

  /** `heard` is when the other side last said something, as far as is known, in milliseconds since the epoch. */
  constructor(socket: WebSocket, times: ConnectionTimes, heard: number, { unusable, ended }: ConnectionEvents) {
    this.#socket = socket;
    this.#times = times;
    this.#heard = heard;
    this.peer = new ChannelPeer({
      role: { name: "opener", incarnation: randomIncarnation() },
      socket: channelSocket(socket),
      clock,
      onLeave: unusable,
      onEnd: () => {
        this.#stopWatch?.();
        this.#stopLinger?.();
        unusable();
        ended();
      },
    });
  }

  receive(packet: ArrayBuffer): void {
    this.#heard = Date.now();
    this.peer.receive(new Uint8Array(packet));
  }

  /**
   * Ends the connection if the other side is silent while there are calls in flight. To be called before each: after a long silence
   * its first packet asks for a sign of life.
   */
  watch(): void {
    if (this.#stopWatch !== undefined) return;
    if (Date.now() - this.#heard >= this.#times.silence) void this.#assertAlive();
    this.#stopWatch = clock.after(this.#times.watchInterval, () => {
      this.#stopWatch = undefined;
      if (this.peer.callsInFlight > 0) this.watch();
    });
  }

  /** A newer connection has taken over. Calls in flight may end, as long as there is somebody who could end them. */
  supersede(): void {
    this.peer.leave("superseded");
    if (this.peer.end !== undefined) return;
    this.#closeCode = CLOSE_CODES.superseded;
    const late = () => this.#giveUp("took too long after a newer channel took over");
    this.#stopLinger = clock.after(this.#times.supersededLinger, late);
    void this.#assertAlive();
  }

  async #assertAlive(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const silent = () => this.#giveUp("the bridge does not answer");
    const stop = clock.after(this.#times.pingWait, silent);
    await this.peer.ping();
    stop();
    this.#asking = false;
  }

  /** Ends all calls UNAVAILABLE and closes the socket. */
  #giveUp(reason: string): void {
    this.peer.lost(reason);
    closeQuietly(this.#socket, this.#closeCode, reason);
  }
}

/** Closes a socket that may be closed already. */
export function closeQuietly(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // There is nobody left to tell.
  }
}

function channelSocket(socket: WebSocket): ChannelSocket {
  return {
    send: (packet) => socket.send(packet),
    close: (code, reason) => closeQuietly(socket, code, reason),
    // workerd does not tell what a socket has buffered; other calls get their turn, and credit bounds the rest.
    later: (task) => void setTimeout(task, 0),
  };
}

function randomIncarnation(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
