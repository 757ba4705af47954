// What a call has to send: messages in order, each cut into pieces as it goes, and the frame that ends its direction.
import { SendCredit } from "./credit.ts";
import type { CallId, CallStatus, Frame } from "./frames.ts";
import { CHUNK_BYTES, costOf } from "./limits.ts";
import { CallError } from "./status.ts";

type Message = {
  readonly bytes: Uint8Array;
  sent: number;
  resolve(): void;
  reject(error: CallError): void;
};

/** Outcome of {@link Outbox.step}: `more` can go on at once; the others wait for what they name. */
export type Step = "more" | "empty" | "call credit" | "channel credit";

export class Outbox {
  readonly #id: CallId;
  readonly #credit: SendCredit;
  #messages: Message[] = [];
  #last: { readonly frame: Frame; sent(): void } | undefined;

  constructor(id: CallId, window: number) {
    this.#id = id;
    this.#credit = new SendCredit(window);
  }

  /** Settles when the message has gone to the socket, or never will. */
  add(bytes: Uint8Array): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => this.#messages.push({ bytes, sent: 0, resolve, reject }));
    // A writer need not wait: who learns of the call's end elsewhere must not bring the process down.
    sent.catch(() => {});
    return sent;
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
  step(channel: SendCredit, put: (frame: Frame) => void): Step {
    const message = this.#messages[0];
    if (message === undefined) return this.#finish(put);
    const { bytes, sent } = message;
    if (sent === 0) {
      if (!this.#credit.left) return "call credit";
      if (!channel.left) return "channel credit";
      this.#credit.take(costOf(bytes.length));
      channel.take(costOf(bytes.length));
    }
    const chunk = bytes.subarray(sent, sent + CHUNK_BYTES);
    put(
      sent === 0 ? { type: "message", id: this.#id, size: bytes.length, chunk } : { type: "more", id: this.#id, chunk },
    );
    message.sent += chunk.length;
    if (message.sent === bytes.length) {
      this.#messages.shift();
      message.resolve();
    }
    return "more";
  }

  #finish(put: (frame: Frame) => void): Step {
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined) put(last.frame);
    last?.sent();
    return "empty";
  }
}
