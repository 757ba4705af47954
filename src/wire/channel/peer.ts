// One side of a channel: many calls over one socket. The opener (the worker) opens calls, the acceptor (the bridge) performs them.
//
// Pure: it is told of time, of packets and of the socket's end, and does no I/O but through what it was given. docs/channel.md
// has the rules; a breach ends the channel, since two sides that disagree about credit or state can only get it more wrong.
import { GrpcCode } from "../codes.ts";
import { AcceptedCall, type IncomingCall } from "./accepted-call.ts";
import { fitText } from "./bytes.ts";
import type { Call, CallContext, CallFrame, CallInit, Clock } from "./call.ts";
import { type ChannelEnd, CLOSE_CODES, type EndKind } from "./close.ts";
import { decodePacket } from "./codec.ts";
import { ReceiveCredit } from "./credit.ts";
import { type CallId, type CallStatus, CHANNEL_ID, type Frame, type Leave, type OpenFrame } from "./frames.ts";
import {
  CALL_WINDOW_BYTES,
  CHANNEL_VERSION,
  CHANNEL_WINDOW_BYTES,
  costOf,
  MAX_CALLS,
  MAX_CLOSE_REASON_BYTES,
} from "./limits.ts";
import { OpenedCall, type OutgoingCall } from "./opened-call.ts";
import { type ChannelSocket, Sender } from "./sender.ts";
import { failure } from "./status.ts";
import { Violation } from "./violation.ts";

export type PeerRole =
  /**
   * `incarnation` tells this peer from earlier ones on the same socket, as after hibernation: a whole number from 0 that the one
   * before did not have.
   */
  | { readonly name: "opener"; readonly incarnation: number }
  /** Told of each call before any of its messages. Must not throw; a call whose handler does ends INTERNAL. */
  | { readonly name: "acceptor"; onCall(call: IncomingCall): void };

export interface PeerOptions {
  readonly role: PeerRole;
  readonly socket: ChannelSocket;
  readonly clock: Clock;
  /** The other side has said hello, in our version: calls can be made. Once for each of its incarnations. */
  readonly onGreeted?: () => void;
  /** The other side takes no new calls. */
  readonly onLeave?: (why: Leave) => void;
  /** The channel is over, whoever ended it; all calls have ended. Called exactly once. */
  readonly onEnd?: (end: ChannelEnd) => void;
  /** Bytes; both sides must have the same. For tests. */
  readonly windows?: { readonly call: number; readonly channel: number };
}

/**
 * `left`: the other side took leave. `leaving`: this side did, and closes when the last call has ended. `over`: whatever comes
 * is thrown away.
 */
type PeerState =
  | { readonly name: "open" | "left" }
  | { readonly name: "leaving"; readonly why: Leave }
  | { readonly name: "over"; readonly end: ChannelEnd };

export class ChannelPeer {
  readonly #options: PeerOptions;
  readonly #role: PeerRole;
  readonly #windows: { readonly call: number; readonly channel: number };
  readonly #sender: Sender;
  readonly #context: CallContext;
  readonly #calls = new Map<CallId, Call>();
  readonly #pings = new Map<number, (alive: boolean) => void>();
  #credit: ReceiveCredit;
  #state: PeerState = { name: "open" };
  /** Whether the other side's HELLO for this incarnation has come; until then nothing else from there counts. */
  #greeted = false;
  #lastCall: CallId = 0;
  #lastPing = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#role = options.role;
    this.#windows = options.windows ?? { call: CALL_WINDOW_BYTES, channel: CHANNEL_WINDOW_BYTES };
    this.#sender = new Sender(options.socket, this.#windows.channel, () => this.lost("the socket refused a packet"));
    this.#credit = this.#newCredit();
    this.#context = {
      sender: this.#sender,
      clock: options.clock,
      callWindow: this.#windows.call,
      released: (cost) => this.#credit.release(cost),
      over: (id) => this.#callOver(id),
    };
    if (this.#role.name === "opener") this.#greet(this.#role.incarnation);
  }

  /** Undefined while the channel lives. */
  get end(): ChannelEnd | undefined {
    return this.#state.name === "over" ? this.#state.end : undefined;
  }

  /** Calls in flight. Messages of a call that has ended may still be unread. */
  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Bytes received and not yet read, with what counts for each message. At most the channel's window and one message. */
  get bytesHeld(): number {
    return this.#credit.held;
  }

  /**
   * Opens a call; the first messages, written before anything is awaited, go in the same packet. Never throws: a call that cannot be
   * made is one that has ended, UNAVAILABLE when the channel is over or being left.
   */
  open(init: CallInit): OutgoingCall {
    if (this.#role.name !== "opener") throw new TypeError("only the opener of a channel opens calls");
    const refusal = this.#openRefusal();
    this.#lastCall += 1;
    const call = new OpenedCall(this.#lastCall, this.#context);
    if (refusal !== undefined) {
      call.lost(refusal);
      return call;
    }
    this.#calls.set(call.id, call);
    call.start(init);
    return call;
  }

  /** Takes a binary message of the socket, which is the channel's from here on. Never throws. */
  receive(packet: Uint8Array): void {
    if (this.#state.name === "over") return;
    const decoded = decodePacket(packet);
    if ("malformed" in decoded) {
      this.#finish("violation", `malformed packet: ${decoded.malformed}`);
      return;
    }
    try {
      for (const frame of decoded.frames) {
        if (this.end === undefined) this.#take(frame);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#finish("violation", error.message);
    }
  }

  /** Whether the other side is there: true with its answer, false when the channel ends first. */
  ping(): Promise<boolean> {
    if (this.#state.name === "over") return Promise.resolve(false);
    const token = ++this.#lastPing;
    this.#sender.put({ type: "ping", token });
    return new Promise((resolve) => this.#pings.set(token, resolve));
  }

  /** No new calls from here on; the channel closes when those in flight have ended. */
  leave(why: Leave): void {
    if (this.#state.name === "over" || this.#state.name === "leaving") return;
    this.#state = { name: "leaving", why };
    this.#sender.put({ type: "leave", why });
    this.#closeWhenIdle();
  }

  /** The socket is gone, or is to be taken for gone: every call in flight ends UNAVAILABLE, before this returns. */
  lost(reason: string): void {
    this.#finish("lost", reason);
  }

  #openRefusal(): CallStatus | undefined {
    if (this.#state.name === "over") return unavailable(this.#state.end.message);
    if (this.#state.name !== "open") return unavailable("channel takes no new calls");
    if (this.#calls.size < MAX_CALLS) return undefined;
    return failure(GrpcCode.resourceExhausted, `${MAX_CALLS} host-service calls are in flight`);
  }

  #take(frame: Frame): void {
    if (frame.type === "hello") {
      this.#helloCame(frame.version, frame.incarnation);
      return;
    }
    if (!this.#greeted) {
      // What an earlier incarnation was told may still be on its way here.
      if (this.#role.name === "opener") return;
      throw new Violation(`${frame.type} before hello`);
    }
    switch (frame.type) {
      case "open":
        this.#opened(frame);
        return;
      case "ping":
        this.#sender.put({ type: "pong", token: frame.token });
        return;
      case "pong":
        this.#pings.get(frame.token)?.(true);
        this.#pings.delete(frame.token);
        return;
      case "leave":
        if (this.#state.name === "open") this.#state = { name: "left" };
        this.#options.onLeave?.(frame.why);
        return;
      case "credit":
        if (frame.id === CHANNEL_ID) {
          this.#sender.addCredit(frame.bytes);
          return;
        }
    }
    this.#callFrame(frame);
  }

  #callFrame(frame: CallFrame): void {
    if (frame.id > this.#lastCall) throw new Violation(`${frame.type} for a call that was never opened`);
    const call = this.#calls.get(frame.id);
    if (frame.type === "message") {
      this.#credit.take(costOf(frame.size));
      // The call ended here before the other side knew. Its remaining pieces are passed over below.
      if (call === undefined) this.#credit.release(costOf(frame.size));
    }
    call?.receive(frame);
  }

  #opened(frame: OpenFrame): void {
    if (this.#role.name !== "acceptor") throw new Violation("open from the acceptor");
    if (frame.id <= this.#lastCall) throw new Violation("open with a used call id");
    if (this.#calls.size >= MAX_CALLS) throw new Violation(`more than ${MAX_CALLS} calls`);
    this.#lastCall = frame.id;
    const call = new AcceptedCall(frame, this.#context);
    this.#calls.set(call.id, call);
    // It was on its way when the opener was told.
    if (this.#state.name === "leaving") {
      call.end(unavailable("channel takes no new calls"));
      return;
    }
    try {
      this.#role.onCall(call);
    } catch {
      call.end(failure(GrpcCode.internal, "host-service call could not be handled"));
    }
  }

  #greet(incarnation: number): void {
    this.#sender.put({ type: "hello", version: CHANNEL_VERSION, incarnation });
  }

  #helloCame(version: number, incarnation: number): void {
    if (version !== CHANNEL_VERSION) {
      this.#finish("version", `channel of version ${version}, this side has ${CHANNEL_VERSION}`);
      return;
    }
    if (this.#role.name === "acceptor") {
      if (this.#greeted) this.#forget();
      this.#greet(incarnation);
    } else if (incarnation !== this.#role.incarnation) return;
    else if (this.#greeted) throw new Violation("hello twice");
    this.#greeted = true;
    this.#options.onGreeted?.();
  }

  /** The opener has lost its memory (hibernation, eviction) and begins anew: so does this side. */
  #forget(): void {
    this.#endCalls("the worker began anew");
    for (const [token, alive] of this.#pings) {
      this.#pings.delete(token);
      alive(true);
    }
    this.#lastCall = 0;
    this.#credit = this.#newCredit();
    this.#sender.reset(this.#windows.channel);
  }

  #newCredit(): ReceiveCredit {
    return new ReceiveCredit(this.#windows.channel, (bytes) =>
      this.#sender.put({ type: "credit", id: CHANNEL_ID, bytes }),
    );
  }

  #callOver(id: CallId): void {
    this.#calls.delete(id);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#state.name === "leaving" && this.#calls.size === 0) this.#finish(this.#state.why, "channel was left");
  }

  #finish(kind: EndKind, message: string): void {
    if (this.#state.name === "over") return;
    const end = { kind, message };
    this.#state = { name: "over", end };
    this.#sender.stop();
    if (kind !== "lost") this.#options.socket.close(CLOSE_CODES[kind], fitText(message, MAX_CLOSE_REASON_BYTES));
    this.#endCalls(message);
    for (const alive of this.#pings.values()) alive(false);
    this.#pings.clear();
    this.#options.onEnd?.(end);
  }

  #endCalls(reason: string): void {
    for (const call of [...this.#calls.values()]) call.lost(unavailable(reason));
  }
}

function unavailable(reason: string): CallStatus {
  return failure(GrpcCode.unavailable, `host channel: ${reason}`);
}
