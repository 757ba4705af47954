// Gathers messages while a batch is on its way, so that a fast writer needs few round trips and a slow one waits for none.
import { BATCH_BYTES } from "./limits.ts";

/** Sends one batch; `last` when it is. False when there is nobody to send to any more. */
export type SendBatch = (messages: readonly Uint8Array[], last: boolean) => Promise<boolean>;

export class BatchWriter {
  readonly #send: SendBatch;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  /** What is under way, with all that has gathered by its end. Never rejects. */
  #sending: Promise<void> | undefined;
  #open = true;

  /** What `send` throws is its own to report; nothing more is sent then. */
  constructor(send: SendBatch) {
    this.#send = send;
  }

  /** Resolves when there is room for another: true, or false when no more can be sent. */
  async add(message: Uint8Array): Promise<boolean> {
    this.#batch.push(message);
    this.#bytes += message.length;
    this.#sending ??= this.#drain();
    while (this.#open && this.#bytes >= BATCH_BYTES && this.#sending !== undefined) await this.#sending;
    return this.#open;
  }

  /** Sends what is left, and that it was the last. */
  async end(): Promise<void> {
    await this.#sending;
    if (this.#open) await this.#sendBatch(true);
  }

  async #drain(): Promise<void> {
    while (this.#open && this.#batch.length > 0) await this.#sendBatch(false);
    this.#sending = undefined;
  }

  async #sendBatch(last: boolean): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    this.#open = await this.#send(batch, last).catch(() => false);
  }
}
