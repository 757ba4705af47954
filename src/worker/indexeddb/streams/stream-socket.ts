// One stream of a caller over its WebSocket: whose turn it is, and every way it can end. What is spoken is in
// src/wire/indexeddb-socket.ts.
import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamToJson } from "@connectrpc/connect/protocol-connect";
import { CLOSED_CODE, HALF_CLOSE, PING, PONG } from "../../../wire/indexeddb-socket.ts";
import { MAX_MESSAGE_BYTES } from "../../../wire/limits.ts";
import { runInCall } from "../../async-context.ts";
import type { Call } from "../../call.ts";
import { tooLarge } from "../../serving/body.ts";
import { deadlineExceeded, watchDeadline } from "../../serving/deadline.ts";
import { toConnectError } from "../../serving/errors.ts";
import { invalid, toSurfaceError } from "../errors.ts";

/** What is said on a stream, without the socket. */
export interface Conversation {
  /** Answers one message. Throws what the stream is to end with. The next comes only when this has settled. */
  receive(message: Uint8Array): Promise<Answer>;
  /** The stream has ended: lets go of what is open. Called once, and not while a message is being answered. */
  close(reason: string): Promise<void>;
}

export interface Answer {
  readonly messages: readonly Uint8Array[];
  /** Whether the stream ends with these. */
  readonly over: boolean;
}

export interface StreamOptions {
  /** `IndexedDB/Transaction`, for logs. */
  readonly label: string;
  /** Silence of the caller before the stream is ended, in milliseconds. */
  readonly idleMs: number;
  /** What to tell the caller then: `The transaction was … and was rolled back.` */
  readonly idleText: string;
}

/** Whose turn it is; `over` once the last word was said or the socket was lost. */
type State = "listening" | "answering" | "over";

export class StreamSocket {
  readonly #socket: WebSocket;
  readonly #call: Call;
  readonly #options: StreamOptions;
  readonly #conversation: Conversation;
  readonly #ended: AbortController;
  readonly #unwatchDeadline: (() => void) | undefined;
  #state: State = "listening";
  #halfClosed = false;
  #answering: Promise<void> = Promise.resolve();
  #stopIdle: () => void = () => {};

  /** `ended` is aborted when the stream has. The socket must not have been accepted. */
  constructor(
    socket: WebSocket,
    call: Call,
    options: StreamOptions,
    conversation: Conversation,
    ended: AbortController,
  ) {
    this.#socket = socket;
    this.#call = call;
    this.#options = options;
    this.#conversation = conversation;
    this.#ended = ended;
    this.#unwatchDeadline = watchDeadline(call.deadline, () => this.#fail(deadlineExceeded()));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => runInCall(call, () => this.#receive(data)));
    socket.addEventListener("close", () => this.#lost());
    socket.addEventListener("error", () => this.#lost());
    socket.accept();
    this.#listen();
  }

  #receive(data: unknown): void {
    if (this.#state === "over") return;
    if (data instanceof ArrayBuffer) this.#take(new Uint8Array(data));
    else if (data === PING) this.#trySend(PONG);
    else if (data === HALF_CLOSE) this.#halfClose();
  }

  #take(message: Uint8Array): void {
    if (this.#state === "answering" || this.#halfClosed) this.#fail(invalid("A message came out of turn."));
    else if (message.byteLength > MAX_MESSAGE_BYTES) {
      this.#fail(tooLarge("request", MAX_MESSAGE_BYTES, message.byteLength));
    } else this.#answering = this.#answer(message);
  }

  #halfClose(): void {
    this.#halfClosed = true;
    if (this.#state === "listening") this.#end();
  }

  async #answer(message: Uint8Array): Promise<void> {
    this.#state = "answering";
    this.#stopIdle();
    try {
      const { messages, over } = await this.#conversation.receive(message);
      // Lost, or past its deadline, in the meantime.
      if (this.#state !== "answering") return;
      for (const each of messages) this.#socket.send(each);
      if (over || this.#halfClosed) this.#end();
      else this.#listen();
    } catch (error) {
      this.#fail(error);
    }
  }

  #listen(): void {
    this.#state = "listening";
    const { idleMs, idleText } = this.#options;
    const timer = setTimeout(() => this.#fail(new ConnectError(idleText, Code.Aborted)), idleMs);
    this.#stopIdle = () => clearTimeout(timer);
  }

  #fail(error: unknown): void {
    if (this.#state === "over") return;
    this.#end(toConnectError(toSurfaceError(error), this.#call, this.#options.label));
  }

  #end(error?: ConnectError): void {
    this.#over(error?.rawMessage ?? "the caller has ended the stream");
    this.#trySend(JSON.stringify(endStreamToJson(new Headers(), error, undefined)));
    this.#tryClose();
  }

  #lost(): void {
    if (this.#state !== "over") this.#over("the connection to the caller was lost");
    this.#tryClose();
  }

  #trySend(text: string): void {
    try {
      this.#socket.send(text);
    } catch {
      // It broke just now: nobody is there to be told, and its end is on the way.
    }
  }

  #tryClose(): void {
    try {
      this.#socket.close(CLOSED_CODE);
    } catch {
      // It was closed before.
    }
  }

  #over(reason: string): void {
    this.#state = "over";
    this.#stopIdle();
    this.#unwatchDeadline?.();
    this.#ended.abort(new ConnectError(reason, Code.Canceled));
    const closed = this.#answering.then(() => this.#conversation.close(reason));
    this.#call.waitUntil(
      closed.catch((error) => this.#call.log.error(`${this.#options.label} could not be closed`, { error })),
    );
  }
}
