// The messages of a WriteObject stream: first what is written, then its bytes as a web stream.
import { Code, ConnectError } from "@connectrpc/connect";
import type { WriteObjectOpen, WriteObjectRequest } from "../../gen/gestalt/provider/v1/s3_pb.ts";

/** Reads one caller's stream. Use in this order: `open`, `body`, `drain`. */
export class WriteStream {
  readonly #messages: AsyncIterator<WriteObjectRequest>;
  #ended = false;

  constructor(messages: AsyncIterable<WriteObjectRequest>) {
    this.#messages = messages[Symbol.asyncIterator]();
  }

  /** The first message. Throws INVALID_ARGUMENT when it is missing or is no open message. */
  async open(): Promise<WriteObjectOpen> {
    const first = await this.#next();
    if (first === undefined) throw invalid("The write stream is empty: its first message must say what is written.");
    if (first.msg.case === "open") return first.msg.value;
    throw invalid("The write stream begins with data: its first message must say what is written.");
  }

  /** The data that follows. Read as it is consumed; fails with INVALID_ARGUMENT on a second open message. */
  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const data = await this.#nextData();
          if (data === undefined) controller.close();
          else controller.enqueue(data);
        },
      },
      // Nothing is read before it is asked for, so that a refused write costs no memory.
      { highWaterMark: 0 },
    );
  }

  /**
   * Reads what is left and drops it. gestaltd loses the status of a write that is answered before its stream has ended
   * (reference/gestaltd.md §4.2), so a refusal waits for this. A stream that breaks off meanwhile is drained too.
   */
  async drain(): Promise<void> {
    try {
      while (!this.#ended) await this.#next();
    } catch {
      this.#ended = true;
    }
  }

  async #nextData(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = await this.#next();
      if (message === undefined) return undefined;
      if (message.msg.case !== "data")
        throw invalid("The write stream holds something other than data after its first message.");
      if (message.msg.value.byteLength > 0) return message.msg.value;
    }
  }

  async #next(): Promise<WriteObjectRequest | undefined> {
    if (this.#ended) return undefined;
    try {
      const { value, done } = await this.#messages.next();
      if (!done) return value;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
    this.#ended = true;
    return undefined;
  }
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
