// The bridge's side of a stream over a WebSocket, as plainly as src/wire/indexeddb-socket.ts puts it.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import { WebSocket } from "undici";
import {
  CursorClientMessageSchema,
  type CursorCommandSchema,
  CursorResponseSchema,
} from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import {
  TransactionClientMessageSchema,
  type TransactionOperationSchema,
  TransactionServerMessageSchema,
} from "../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { END_MARK } from "../../src/wire/indexeddb-socket.ts";
import { OPEN_CURSOR_PATH, TRANSACTION_PATH } from "../../src/wire/routes.ts";
import type { TestWorker, TokenClaims } from "../support/worker-harness.ts";

/** How a stream ended. `cut` when the last word is missing. */
export type End = { readonly error: ConnectError | undefined; readonly closeCode: number; readonly cut: boolean };

type Waiting<T> = { resolve(value: T | undefined): void; reject(error: ConnectError): void };

export class StreamClient<I extends DescMessage, O extends DescMessage> {
  readonly ended: Promise<End>;
  /** Texts that are no last word. */
  readonly texts: string[] = [];
  readonly #socket: WebSocket;
  readonly #input: I;
  readonly #output: O;
  readonly #answers: MessageShape<O>[] = [];
  readonly #waiting: Waiting<MessageShape<O>>[] = [];
  #last: string | undefined;
  #end: End | undefined;

  private constructor(socket: WebSocket, input: I, output: O) {
    this.#socket = socket;
    this.#input = input;
    this.#output = output;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.ended = new Promise((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve(this.#over(code)));
    });
  }

  /** Rejects with the error of a refusal. */
  static async open<I extends DescMessage, O extends DescMessage>(
    worker: TestWorker,
    path: string,
    [input, output]: readonly [I, O],
    claims: TokenClaims,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<StreamClient<I, O>> {
    const authorization = `Bearer ${await worker.token(claims)}`;
    const socket = new WebSocket(worker.url + path, { headers: { authorization, ...headers } });
    const client = new StreamClient(socket, input, output);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("The upgrade was refused.")));
    });
    return client;
  }

  send(init: MessageInitShape<I>): void {
    this.sendBytes(toBinary(this.#input, create(this.#input, init)));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** The next answer; undefined when the stream has ended well. Rejects when it ended with an error. */
  receive(): Promise<MessageShape<O> | undefined> {
    const answer = this.#answers.shift();
    if (answer !== undefined) return Promise.resolve(answer);
    const waiting = Promise.withResolvers<MessageShape<O> | undefined>();
    this.#waiting.push(waiting);
    if (this.#end !== undefined) this.#settle(this.#end);
    return waiting.promise;
  }

  async ask(init: MessageInitShape<I>): Promise<MessageShape<O>> {
    this.send(init);
    const answer = await this.receive();
    if (answer === undefined) throw new Error("The stream has ended.");
    return answer;
  }

  /** Gives it up, as a cancelled call is. */
  close(): void {
    this.#socket.close();
  }

  #receive(data: unknown): void {
    if (typeof data !== "string") this.#answer(fromBinary(this.#output, new Uint8Array(data as ArrayBuffer)));
    else if (data.startsWith(END_MARK)) this.#last = data;
    else this.texts.push(data);
  }

  #answer(answer: MessageShape<O>): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#answers.push(answer);
    else waiting.resolve(answer);
  }

  #over(closeCode: number): End {
    const error = this.#last === undefined ? undefined : endStreamFromJson(this.#last).error;
    this.#end = { error, closeCode, cut: this.#last === undefined };
    this.#settle(this.#end);
    return this.#end;
  }

  #settle({ error, cut }: End): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (cut) waiting.reject(new ConnectError("The stream was cut off.", Code.Unavailable));
      else if (error !== undefined) waiting.reject(error);
      else waiting.resolve(undefined);
    }
  }
}

const CURSOR = [CursorClientMessageSchema, CursorResponseSchema] as const;
const TRANSACTION = [TransactionClientMessageSchema, TransactionServerMessageSchema] as const;

type Command = NonNullable<Extract<MessageInitShape<typeof CursorCommandSchema>, { $typeName?: never }>["command"]>;
type OpenInit = Extract<
  NonNullable<Extract<MessageInitShape<typeof CursorClientMessageSchema>, { $typeName?: never }>["msg"]>,
  { case: "open" }
>["value"];
type Operation = NonNullable<
  Extract<MessageInitShape<typeof TransactionOperationSchema>, { $typeName?: never }>["operation"]
>;

export class CursorClient {
  readonly stream: StreamClient<(typeof CURSOR)[0], (typeof CURSOR)[1]>;

  private constructor(stream: StreamClient<(typeof CURSOR)[0], (typeof CURSOR)[1]>) {
    this.stream = stream;
  }

  static async open(worker: TestWorker, claims: TokenClaims, open: OpenInit): Promise<CursorClient> {
    const stream = await StreamClient.open(worker, OPEN_CURSOR_PATH, CURSOR, claims);
    const { result } = await stream.ask({ msg: { case: "open", value: open } });
    if (result.case !== "done" || result.value)
      throw new Error(`The open was answered with ${JSON.stringify(result)}.`);
    return new CursorClient(stream);
  }

  static stream(worker: TestWorker, claims: TokenClaims, headers?: Readonly<Record<string, string>>) {
    return StreamClient.open(worker, OPEN_CURSOR_PATH, CURSOR, claims, headers);
  }

  /** The entry; a boolean is `done`. */
  async command(command: Command) {
    const { result } = await this.stream.ask({ msg: { case: "command", value: { command } } });
    return result.value;
  }

  next() {
    return this.command({ case: "next", value: true });
  }

  close(): void {
    this.stream.close();
  }
}

export class TransactionClient {
  readonly stream: StreamClient<(typeof TRANSACTION)[0], (typeof TRANSACTION)[1]>;
  #requests = 0n;

  private constructor(stream: StreamClient<(typeof TRANSACTION)[0], (typeof TRANSACTION)[1]>) {
    this.stream = stream;
  }

  /** Resolves when the transaction has begun. */
  static async begin(
    worker: TestWorker,
    claims: TokenClaims,
    stores: string[],
    mode: "readonly" | "readwrite" = "readwrite",
    headers?: Readonly<Record<string, string>>,
  ): Promise<TransactionClient> {
    const transaction = await TransactionClient.connect(worker, claims, headers);
    await transaction.begin(stores, mode);
    return transaction;
  }

  static async connect(worker: TestWorker, claims: TokenClaims, headers?: Readonly<Record<string, string>>) {
    return new TransactionClient(await StreamClient.open(worker, TRANSACTION_PATH, TRANSACTION, claims, headers));
  }

  async begin(stores: string[], mode: "readonly" | "readwrite" = "readwrite"): Promise<void> {
    const { msg } = await this.stream.ask({
      msg: { case: "begin", value: { stores, mode: mode === "readonly" ? 0 : 1 } },
    });
    if (msg.case !== "begin") throw new Error(`The begin was answered with ${msg.case}.`);
  }

  /** The result. Throws the error of a failed operation; what follows it is for `stream.receive`. */
  async operate(operation: Operation) {
    this.#requests += 1n;
    const requestId = this.#requests;
    const { msg } = await this.stream.ask({ msg: { case: "operation", value: { requestId, operation } } });
    if (msg.case !== "operation") throw new Error(`The operation was answered with ${msg.case}.`);
    if (msg.value.requestId !== requestId)
      throw new Error(`Request ${requestId} was answered as ${msg.value.requestId}.`);
    if (msg.value.error !== undefined) throw new ConnectError(msg.value.error.message, msg.value.error.code);
    return msg.value.result;
  }

  commit(): Promise<void> {
    return this.#finish("commit");
  }

  abort(): Promise<void> {
    return this.#finish("abort");
  }

  async #finish(word: "commit" | "abort"): Promise<void> {
    const { msg } = await this.stream.ask({ msg: { case: word, value: {} } });
    if (msg.case !== word) throw new Error(`The ${word} was answered with ${msg.case}.`);
    if (msg.value.error !== undefined) throw new ConnectError(msg.value.error.message, msg.value.error.code);
    const { error, cut } = await this.stream.ended;
    if (error !== undefined || cut) throw error ?? new Error("The stream was cut off.");
  }
}
