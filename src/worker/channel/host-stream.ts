// A streaming call in the session's object, as its request reads and writes it: in batches, each when the last one is done with.
import { RpcTarget } from "cloudflare:workers";
import type { CallStatus } from "../../wire/channel/frames.ts";
import type { OutgoingCall } from "../../wire/channel/opened-call.ts";
import { CallError } from "../../wire/channel/status.ts";
import { BATCH_BYTES } from "./limits.ts";
import type { HostMessages } from "./rpc.ts";

export class HostStream extends RpcTarget {
  readonly #call: OutgoingCall;
  readonly #messages: AsyncIterator<Uint8Array>;
  readonly #ended: () => void;
  #status: CallStatus | undefined;

  /** `ended` is called when the status has been read. */
  constructor(call: OutgoingCall, ended: () => void) {
    super();
    this.#call = call;
    this.#messages = call.messages[Symbol.asyncIterator]();
    this.#ended = ended;
    void call.status.then((status) => {
      this.#status = status;
    });
  }

  /** What has come, once anything has. To be asked one at a time, until there is a status. */
  async read(): Promise<HostMessages> {
    const messages: Uint8Array[] = [];
    try {
      if (!(await this.#gather(messages))) return { messages };
      this.#ended();
      return { messages, status: await this.#call.status };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#ended();
      return { messages, status: error.status };
    }
  }

  /** Resolves when the messages have gone out: true when the host takes more, false when the call has ended. */
  async write(messages: readonly Uint8Array[], last: boolean): Promise<boolean> {
    try {
      const sent = messages.map((message) => this.#call.write(message));
      if (last) this.#call.halfClose();
      await sent.at(-1);
      return true;
    } catch (error) {
      if (error instanceof CallError) return false;
      throw error;
    }
  }

  /** Waits for one message and takes what lies there beside it, up to a batch. True when that was the last. */
  async #gather(messages: Uint8Array[]): Promise<boolean> {
    for (let bytes = 0; bytes < BATCH_BYTES; ) {
      let message = this.#call.poll();
      if (message === undefined) {
        // An end that is here already goes along, which spares its reader a round trip.
        if (messages.length > 0 && this.#status === undefined) return false;
        const next = await this.#messages.next();
        if (next.done === true) return true;
        message = next.value;
      }
      messages.push(message);
      bytes += message.length;
    }
    return false;
  }
}
