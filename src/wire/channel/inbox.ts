// What a call has received: pieces put together, whole messages waiting to be read, and the end.
import { GrpcCode } from "../codes.ts";
import type { CallStatus, MessageFrame } from "./frames.ts";
import { CHUNK_BYTES, costOf } from "./limits.ts";
import { CallError } from "./status.ts";
import { Violation } from "./violation.ts";

export interface InboxEvents {
  /** A message of this cost has been read or thrown away. */
  released(cost: number): void;
  /** The reader has gone before the end. */
  left(): void;
  /** All has been read that ever will be. */
  drained(): void;
}

type Waiter = { resolve(result: IteratorResult<Uint8Array, undefined>): void; reject(error: CallError): void };
type Partial = { readonly pieces: Uint8Array[]; readonly size: number; have: number };

/** `open` takes messages, `ended` has the last of them, `dropped` throws away what comes. */
type InboxState =
  | { readonly name: "open" }
  | { readonly name: "ended"; readonly status: CallStatus }
  | { readonly name: "dropped"; readonly status: CallStatus };

/**
 * When the cost of a message goes back: when it is `read`, or when the reader asks for the `next` one, so that what it does with
 * the message counts against the window too.
 */
export type Release = "read" | "next";

/** Read by one reader. A message may be a view of what the socket gave; it is the reader's. */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #events: InboxEvents;
  readonly #release: Release;
  readonly #queue: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #partial: Partial | undefined;
  /** Cost of the message that is with the reader. */
  #handed = 0;
  #state: InboxState = { name: "open" };

  constructor(events: InboxEvents, release: Release = "read") {
    this.#events = events;
    this.#release = release;
  }

  /** Whether there is nothing to read and nothing will come. */
  get drained(): boolean {
    return this.#state.name !== "open" && this.#queue.length === 0;
  }

  /** The first piece. Its cost has been taken from the credit. */
  begin({ size, chunk }: MessageFrame): void {
    if (this.#partial !== undefined) throw new Violation("message within a message");
    if (chunk.length === size) {
      this.#deliver(chunk);
      return;
    }
    this.#partial = { pieces: [chunk], size, have: chunk.length };
  }

  more(chunk: Uint8Array): void {
    const partial = this.#partial;
    if (partial === undefined) throw new Violation("piece without a message");
    if (chunk.length !== Math.min(partial.size - partial.have, CHUNK_BYTES)) throw new Violation("piece of wrong size");
    partial.pieces.push(chunk);
    partial.have += chunk.length;
    if (partial.have < partial.size) return;
    this.#partial = undefined;
    this.#deliver(join(partial));
  }

  /** No more messages come. Those that are here can still be read; then the reader learns the status. */
  end(status: CallStatus): void {
    if (this.#partial !== undefined && status.code === GrpcCode.ok) throw new Violation("end within a message");
    this.#releasePartial();
    if (this.#state.name !== "open") return;
    this.#state = { name: "ended", status };
    for (const waiter of this.#waiters.splice(0)) settle(waiter, status);
    if (this.drained) this.#events.drained();
  }

  /** Throws away what is here and what comes, a begun message with all its pieces; the reader learns the status at once. */
  discard(status: CallStatus): void {
    if (this.drained) return;
    this.#state = { name: "dropped", status };
    for (const message of this.#queue.splice(0)) this.#events.released(costOf(message.length));
    for (const waiter of this.#waiters.splice(0)) settle(waiter, status);
    this.#events.drained();
  }

  /** The call is over: as {@link discard}, and no further piece will be handed in. */
  drop(status: CallStatus): void {
    this.discard(status);
    this.#releasePartial();
    this.#releaseHanded();
  }

  /** A message that is here already, for the reader; undefined when there is none. */
  poll(): Uint8Array | undefined {
    const message = this.#queue.shift();
    if (message === undefined) return undefined;
    this.#releaseHanded();
    this.#handedOut(message);
    return message;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => {
        this.#releaseHanded();
        return this.#next();
      },
      return: () => {
        this.#releaseHanded();
        if (!this.drained) this.#events.left();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return new Promise((resolve, reject) => {
      const message = this.#queue.shift();
      if (message !== undefined) this.#hand(message, { resolve, reject });
      else if (this.#state.name === "open") this.#waiters.push({ resolve, reject });
      else settle({ resolve, reject }, this.#state.status);
    });
  }

  #deliver(message: Uint8Array): void {
    if (this.#state.name !== "open") {
      this.#events.released(costOf(message.length));
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#queue.push(message);
    else this.#hand(message, waiter);
  }

  #hand(message: Uint8Array, waiter: Waiter): void {
    waiter.resolve({ done: false, value: message });
    this.#handedOut(message);
  }

  #handedOut(message: Uint8Array): void {
    this.#handed += costOf(message.length);
    if (this.#release === "read") this.#releaseHanded();
    if (this.drained) this.#events.drained();
  }

  #releaseHanded(): void {
    const cost = this.#handed;
    this.#handed = 0;
    if (cost > 0) this.#events.released(cost);
  }

  /** Its whole cost was taken when it began. */
  #releasePartial(): void {
    if (this.#partial === undefined) return;
    this.#events.released(costOf(this.#partial.size));
    this.#partial = undefined;
  }
}

function settle({ resolve, reject }: Waiter, status: CallStatus): void {
  if (status.code === GrpcCode.ok) resolve({ done: true, value: undefined });
  else reject(new CallError(status));
}

/** Room is made only now that every byte of it is here. */
function join({ pieces, size }: Partial): Uint8Array {
  const message = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    message.set(piece, at);
    at += piece.length;
  }
  return message;
}
