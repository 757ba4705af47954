// Flow control by credit, from both ends of one window. A call has a window in each direction, and so has the channel.
//
// The rule: a message is begun while any credit is left, and takes its whole cost at once, below zero if need be. So one
// that was begun is always finished, a message larger than the window passes, and what a receiver holds stays under the
// window plus one message.
import { Violation } from "./violation.ts";

/** Share of a window that is read before credit is sent for it: often enough to keep a sender going, not once a message. */
const GRANT_SHARE = 1 / 4;

/** What the sender may still send. */
export class SendCredit {
  readonly #window: number;
  #left: number;

  constructor(window: number) {
    this.#window = window;
    this.#left = window;
  }

  get left(): boolean {
    return this.#left > 0;
  }

  take(cost: number): void {
    this.#left -= cost;
  }

  /** Throws {@link Violation} for credit that was never taken. */
  add(bytes: number): void {
    this.#left += bytes;
    if (this.#left > this.#window) throw new Violation("more credit than was used");
  }
}

/** What the receiver has allowed, and what of it has been read but not yet allowed anew. */
export class ReceiveCredit {
  readonly #window: number;
  readonly #grant: (bytes: number) => void;
  #left: number;
  #read = 0;

  /** `grant` sends a credit frame. */
  constructor(window: number, grant: (bytes: number) => void) {
    this.#window = window;
    this.#left = window;
    this.#grant = grant;
  }

  /** Bytes that have come and have not been read. */
  get held(): number {
    return this.#window - this.#left - this.#read;
  }

  /** A message has begun. Throws {@link Violation} when there was no credit for it. */
  take(cost: number): void {
    if (this.#left <= 0) throw new Violation("message without credit");
    this.#left -= cost;
  }

  /** A message has been read or thrown away. */
  release(cost: number): void {
    this.#read += cost;
    if (this.#read < GRANT_SHARE * this.#window) return;
    this.#left += this.#read;
    this.#grant(this.#read);
    this.#read = 0;
  }
}
