// A call's messages as an async iterable, read ahead by a little and no more.
import type { BridgeError } from "../errors.ts";
import type { ServerCall } from "./call.ts";
import { type Pieces, sizeOf } from "./frames.ts";
import { READ_AHEAD_BYTES, READ_AHEAD_MESSAGES } from "./limits.ts";

/**
 * Frames, prefix included, in order. Ends when the caller has closed its side; throws when the call ends otherwise, after
 * `ended` was told. Leaving a loop over it early stops nothing: the rest can be read by another loop.
 */
export function readMessages(call: ServerCall, ended: (reason: BridgeError) => void): AsyncIterableIterator<Pieces> {
  const queue = new MessageQueue(call);
  call.receive({
    message: (frame) => queue.add(frame),
    halfClose: () => queue.end(),
    ended: (reason) => {
      ended(reason);
      queue.end(reason);
    },
  });
  return queue;
}

type Ending = { readonly reason: BridgeError | undefined };

class MessageQueue implements AsyncIterableIterator<Pieces> {
  readonly #call: ServerCall;
  readonly #frames: Pieces[] = [];
  #bytes = 0;
  #paused = false;
  #ending: Ending | undefined;
  #wake: (() => void) | undefined;

  constructor(call: ServerCall) {
    this.#call = call;
  }

  add(frame: Pieces): void {
    this.#frames.push(frame);
    this.#bytes += sizeOf(frame);
    if (!this.#paused && (this.#bytes > READ_AHEAD_BYTES || this.#frames.length > READ_AHEAD_MESSAGES)) {
      this.#paused = true;
      this.#call.pause();
    }
    this.#wake?.();
  }

  end(reason?: BridgeError): void {
    this.#ending ??= { reason };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<Pieces>> {
    for (;;) {
      // What broke the call comes first: its messages are of no use any more.
      if (this.#ending?.reason !== undefined) throw this.#ending.reason;
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.#bytes -= sizeOf(frame);
        return { done: false, value: frame };
      }
      if (this.#ending !== undefined) return { done: true, value: undefined };
      await this.#more();
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
      if (this.#paused) {
        this.#paused = false;
        this.#call.resume();
      }
    });
  }
}
