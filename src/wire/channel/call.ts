// One call as either side sees it: its state, what it has received, what it has to send, and its deadline.
import { GrpcCode } from "../codes.ts";
import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { type Bytes, sizeOf } from "./bytes.ts";
import { ReceiveCredit } from "./credit.ts";
import type { CallId, CallStatus, Frame, MessageFrame, Metadata, Streaming } from "./frames.ts";
import { Inbox, type Release } from "./inbox.ts";
import { costOf, MAX_TIMEOUT_MS } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { Sender } from "./sender.ts";
import { CallError, failure } from "./status.ts";

/** What a call is about. */
export interface CallInit {
  /** Name of the host service as the session has it. */
  readonly service: string;
  /** `/package.Service/Method` */
  readonly path: string;
  readonly streaming: Streaming;
  readonly metadata: Metadata;
  /** Milliseconds since the epoch, by the clock of the side that reads it. */
  readonly deadline?: number | undefined;
}

/** What both sides can do with a call. */
export interface CallStreams {
  /**
   * What the other side sends, for one reader. Reading gives the sender new credit; in the acceptor, reading
   * on does, so that what it does with a message counts as well. Ends when the other side has sent its last;
   * throws {@link CallError} when the call has ended otherwise, after what came before an error status. A message is the reader's.
   */
  readonly messages: AsyncIterable<Uint8Array>;
  /** The next of {@link messages} if it has come and nobody waits for it; for the same reader. */
  poll(): Uint8Array | undefined;
  /**
   * Sends a message in its turn, once there is credit. The bytes must not change until it settles: resolved when they have gone
   * to the socket, rejected with {@link CallError} when the call ended before; it need not be awaited. A message over
   * {@link MAX_MESSAGE_BYTES} ends the call RESOURCE_EXHAUSTED.
   */
  write(message: Bytes): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs the task after so many milliseconds, at most {@link MAX_TIMEOUT_MS}; returns what prevents it. Keeps no process alive. */
  after(milliseconds: number, task: () => void): () => void;
}

/** What a call needs of its channel. */
export interface CallContext {
  readonly sender: Sender;
  readonly clock: Clock;
  readonly callWindow: number;
  /** Bytes of this call have been read or thrown away: the channel may take as many again. */
  released(cost: number): void;
  /** Nothing more will be sent in this call; what still comes for it is to be thrown away. */
  over(id: CallId): void;
}

/**
 * `open`: the opener still sends. `half-closed`: it has said its last. `ending`: the acceptor's status waits behind its
 * messages. `over`: a status or a cancel is on its way or here.
 */
export type CallState = "open" | "half-closed" | "ending" | "over";

/** Frames that belong to a call, as they come. */
export type CallFrame = Extract<Frame, { type: "message" | "more" | "half-close" | "status" | "cancel" | "credit" }>;

export abstract class Call implements CallStreams {
  readonly id: CallId;
  protected readonly context: CallContext;
  protected readonly inbox: Inbox;
  protected readonly outbox: Outbox;
  protected state: CallState = "open";
  readonly #credit: ReceiveCredit;
  #stopTimer: (() => void) | undefined;

  constructor(id: CallId, context: CallContext, release: Release) {
    this.id = id;
    this.context = context;
    this.outbox = new Outbox(id, context.callWindow);
    this.#credit = new ReceiveCredit(context.callWindow, (bytes) => {
      if (this.state !== "over") context.sender.put({ type: "credit", id, bytes });
    });
    const events = {
      released: (cost: number) => {
        this.#credit.release(cost);
        context.released(cost);
      },
      left: () => this.readerLeft(),
      drained: () => this.drained(),
    };
    this.inbox = new Inbox(events, release);
  }

  get messages(): AsyncIterable<Uint8Array> {
    return this.inbox;
  }

  poll(): Uint8Array | undefined {
    return this.inbox.poll();
  }

  write(message: Bytes): Promise<void> {
    const size = sizeOf(message);
    if (size > MAX_MESSAGE_BYTES) {
      const text = `message of ${size} bytes is larger than the limit of ${MAX_MESSAGE_BYTES} bytes`;
      this.giveUp(failure(GrpcCode.resourceExhausted, text));
    }
    const refusal = this.writeRefusal();
    if (refusal !== undefined) return refused(refusal);
    const sent = this.outbox.add(message);
    this.context.sender.ready(this.outbox);
    return sent;
  }

  /** A frame of this call. Throws `Violation` when it has no place in the call's state. */
  abstract receive(frame: CallFrame): void;

  /** The channel has ended: nothing can be said any more. */
  abstract lost(status: CallStatus): void;

  /** Ends the call from this side, and says so to the other. */
  protected abstract giveUp(status: CallStatus): void;

  /** The reader stopped before the end. */
  protected abstract readerLeft(): void;

  /** The status for writers when there can be no more messages. */
  protected abstract writeRefusal(): CallStatus | undefined;

  protected drained(): void {}

  protected startTimer(deadline: number | undefined): void {
    if (deadline === undefined) return;
    const left = deadline - this.context.clock.now();
    if (left > MAX_TIMEOUT_MS) return;
    const expire = () => this.giveUp(failure(GrpcCode.deadlineExceeded, "deadline exceeded"));
    this.#stopTimer = this.context.clock.after(Math.max(0, left), expire);
  }

  protected stopTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  protected takeMessage(frame: MessageFrame): void {
    this.#credit.take(costOf(frame.size));
    this.inbox.begin(frame);
  }

  protected takeCredit(bytes: number): void {
    this.outbox.addCredit(bytes);
    this.context.sender.ready(this.outbox);
  }

  /** Leaves the channel: what was to be sent is given up. To be called once. */
  protected leaveChannel(status: CallStatus): void {
    this.state = "over";
    this.context.sender.forget(this.outbox);
    this.outbox.fail(status);
    this.context.over(this.id);
  }
}

function refused(status: CallStatus): Promise<void> {
  const rejected = Promise.reject(new CallError(status));
  // As in Outbox.add: it need not be awaited.
  rejected.catch(() => {});
  return rejected;
}
