// What a call has to send: messages in order, each cut into pieces as it goes, and the frame that ends its direction.
import type { Bytes } from "./bytes.ts";
import { SendCredit } from "./credit.ts";
import type { CallId, CallStatus, Frame, OutgoingFrame } from "./frames.ts";
import { CHUNK_BYTES, costOf } from "./limits.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import { CallError } from "./status.ts";

/** Outcome of {@link Outbox.step}: `more` can go on at once; the others wait for what they name. */
export type Step = "more" | "empty" | "call credit" | "channel credit";

export class Outbox {
  readonly #id: CallId;
  readonly #credit: SendCredit;
  readonly #messages: OutgoingMessage[] = [];
  #last: { readonly frame: Frame; sent(): void } | undefined;

  constructor(id: CallId, window: number) {
    this.#id = id;
    this.#credit = new SendCredit(window);
  }

  /** Settles when the message has gone to the socket, or never will. */
  add(bytes: Bytes): Promise<void> {
    const message = new OutgoingMessage(bytes);
    this.#messages.push(message);
    return message.sent;
  }

  /** To be sent after the messages; `sent` is called when it is. */
  endWith(frame: Frame, sent: () => void): void {
    this.#last = { frame, sent };
  }

  addCredit(bytes: number): void {
    this.#credit.add(bytes);
  }

  /** Gives up what has not been sent, if anything: most calls have sent all, and an error is not made for nothing. */
  fail(status: CallStatus): void {
    this.#last = undefined;
    if (this.#messages.length === 0) return;
    const error = new CallError(status);
    for (const message of this.#messages.splice(0)) message.reject(error);
  }

  /** Sends one frame, if there is one and credit for it. */
  step(channel: SendCredit, put: (frame: OutgoingFrame) => void): Step {
    const message = this.#messages[0];
    if (message === undefined) return this.#finish(put);
    const { begun, size } = message;
    if (!begun) {
      if (!this.#credit.left) return "call credit";
      if (!channel.left) return "channel credit";
      this.#credit.take(costOf(size));
      channel.take(costOf(size));
    }
    const chunk = message.take(CHUNK_BYTES);
    put(begun ? { type: "more", id: this.#id, chunk } : { type: "message", id: this.#id, size, chunk });
    if (message.left === 0) {
      this.#messages.shift();
      message.resolve();
    }
    return "more";
  }

  #finish(put: (frame: OutgoingFrame) => void): Step {
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined) put(last.frame);
    last?.sent();
    return "empty";
  }
}
