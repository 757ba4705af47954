// A message on its way out: it may lie in several places, and leaves in pieces of its own.
import { type Bytes, sizeOf } from "./bytes.ts";

export class OutgoingMessage {
  /** Bytes in all, and those not yet taken. */
  readonly size: number;
  left: number;
  readonly #places: readonly Uint8Array[];
  #place = 0;
  #offset = 0;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Settled by whoever sends it. */
  readonly sent: Promise<void>;

  constructor(bytes: Bytes) {
    this.#places = bytes instanceof Uint8Array ? [bytes] : bytes;
    this.size = sizeOf(bytes);
    this.left = this.size;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.sent = promise;
    this.resolve = resolve;
    this.reject = reject;
    // A writer need not wait: who learns of the call's end elsewhere must not bring the process down.
    promise.catch(() => {});
  }

  get begun(): boolean {
    return this.left < this.size;
  }

  /** The next bytes, at most so many. */
  take(most: number): Bytes {
    const bytes = Math.min(most, this.left);
    this.left -= bytes;
    const first = this.#view(bytes);
    if (first.length === bytes) return first;
    const views = [first];
    for (let have = first.length; have < bytes; ) {
      const view = this.#view(bytes - have);
      views.push(view);
      have += view.length;
    }
    return views;
  }

  /** From one place. */
  #view(most: number): Uint8Array {
    const place = this.#places[this.#place] ?? NOTHING;
    const view = place.subarray(this.#offset, this.#offset + most);
    this.#offset += view.length;
    if (this.#offset < place.length) return view;
    this.#place += 1;
    this.#offset = 0;
    return view;
  }
}

const NOTHING = new Uint8Array();
