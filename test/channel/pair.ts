// Two peers of a channel joined in memory. Nothing moves by itself: tests deliver packets, run the sockets' tasks and turn the clock.
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import { ByteWriter } from "../../src/wire/channel/bytes.ts";
import type { Clock } from "../../src/wire/channel/call.ts";
import type { ChannelEnd } from "../../src/wire/channel/close.ts";
import { decodePacket, encodeFrame } from "../../src/wire/channel/codec.ts";
import type { Frame, Leave } from "../../src/wire/channel/frames.ts";
import { ChannelPeer, type PeerRole } from "../../src/wire/channel/peer.ts";
import type { ChannelSocket } from "../../src/wire/channel/sender.ts";

export type Handler = (call: IncomingCall) => void;

/** Milliseconds since the epoch at which every test begins. */
export const START = 1_000_000;

export class TestClock implements Clock {
  #now = START;
  readonly #timers = new Set<{ at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, task: () => void): () => void {
    const timer = { at: this.#now + milliseconds, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.task();
    }
  }
}

/** A socket whose packets lie where the test can see, delay and lose them. */
export class TestSocket implements ChannelSocket {
  readonly sent: Uint8Array[] = [];
  readonly tasks: (() => void)[] = [];
  closed: { code: number; reason: string } | undefined;
  broken = false;

  send(packet: Uint8Array): void {
    if (this.broken) throw new Error("socket is closed");
    this.sent.push(packet);
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  later(task: () => void): void {
    this.tasks.push(task);
  }
}

/** One peer, its socket, and what it has said about itself. */
export class TestSide {
  readonly socket: TestSocket;
  readonly ends: ChannelEnd[] = [];
  readonly leaves: Leave[] = [];
  readonly peer: ChannelPeer;

  constructor(role: PeerRole, clock: Clock, windows?: Windows, socket = new TestSocket()) {
    this.socket = socket;
    this.peer = new ChannelPeer({
      role,
      socket,
      clock,
      onLeave: (why) => this.leaves.push(why),
      onEnd: (end) => this.ends.push(end),
      ...(windows && { windows }),
    });
  }
}

export type Windows = { readonly call: number; readonly channel: number };
export type PairOptions = { readonly handler?: Handler; readonly windows?: Windows };

export class ChannelPair {
  readonly clock = new TestClock();
  opener: TestSide;
  readonly acceptor: TestSide;
  readonly #windows: Windows | undefined;

  constructor({ handler = () => {}, windows }: PairOptions = {}) {
    this.#windows = windows;
    this.opener = new TestSide({ name: "opener", incarnation: 0 }, this.clock, windows);
    this.acceptor = new TestSide({ name: "acceptor", onCall: handler }, this.clock, windows);
  }

  /** Does one of the things that can happen next, `choice` says which. False when nothing can. */
  step(choice: number): boolean {
    const { opener, acceptor } = this;
    const possible = [
      ...(opener.socket.sent.length > 0 ? [() => acceptor.peer.receive(opener.socket.sent.shift() ?? none)] : []),
      ...(acceptor.socket.sent.length > 0 ? [() => opener.peer.receive(acceptor.socket.sent.shift() ?? none)] : []),
      ...[opener, acceptor].flatMap(({ socket }) => (socket.tasks.length > 0 ? [() => socket.tasks.shift()?.()] : [])),
    ];
    possible[choice % possible.length]?.();
    return possible.length > 0;
  }

  /** Lets everything happen, in the order the choices say, until nothing more does. */
  async settle(choices: readonly number[] = []): Promise<void> {
    for (let i = 0; ; i++) {
      await microtasks();
      if (!this.step(choices.length === 0 ? i : (choices[i % choices.length] ?? 0))) return;
    }
  }

  /** The network takes what is on its way, and both sides learn of it. */
  cut(): void {
    for (const { socket, peer } of [this.opener, this.acceptor]) {
      socket.sent.length = 0;
      socket.broken = true;
      peer.lost("cut");
    }
  }

  /** The opener forgets everything, as an object does that has hibernated; the socket stays. */
  hibernate(incarnation: number): void {
    const { socket } = this.opener;
    this.opener = new TestSide({ name: "opener", incarnation }, this.clock, this.#windows, socket);
  }
}

const none = new Uint8Array();

/** Until all that is ready to run has run. */
export function microtasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function packetOf(...frames: readonly Frame[]): Uint8Array {
  const writer = new ByteWriter();
  for (const frame of frames) encodeFrame(writer, frame);
  return writer.take();
}

/** The frames of all packets. */
export function framesOf(packets: readonly Uint8Array[]): Frame[] {
  return packets.flatMap((packet) => {
    const decoded = decodePacket(packet);
    if ("malformed" in decoded) throw new Error(decoded.malformed);
    return decoded.frames;
  });
}
