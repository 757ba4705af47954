// A database as gestaltd's client uses it: the streams of one gRPC client.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError } from "@connectrpc/connect";
import type { CursorClientMessageSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import type { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type {
  TransactionClientMessageSchema,
  TransactionOperationSchema,
} from "../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { record } from "../indexeddb/databases.ts";
import { Steps } from "./steps.ts";

export type Database = Client<typeof IndexedDB>;

type TransactionMessage = MessageInitShape<typeof TransactionClientMessageSchema>;
type CursorMessage = MessageInitShape<typeof CursorClientMessageSchema>;
type Operation = NonNullable<
  Extract<MessageInitShape<typeof TransactionOperationSchema>, { $typeName?: never }>["operation"]
>;

export class Transaction {
  readonly steps: Steps<TransactionMessage, Awaited<ReturnType<Steps<never, TransactionAnswer>["ask"]>>>;
  #requests = 0n;

  private constructor(database: Database, timeoutMs?: number) {
    this.steps = new Steps((messages, options) => database.transaction(messages, options), timeoutMs);
  }

  /** Resolves when it has begun. */
  static async begin(database: Database, stores: string[], timeoutMs?: number): Promise<Transaction> {
    const transaction = new Transaction(database, timeoutMs);
    const { msg } = await transaction.steps.ask({ msg: { case: "begin", value: { stores, mode: 1 } } });
    if (msg.case !== "begin") throw new Error(`answered with ${msg.case}`);
    return transaction;
  }

  /** Throws the error of a failed operation. */
  async operate(operation: Operation) {
    this.#requests += 1n;
    const { msg } = await this.steps.ask({
      msg: { case: "operation", value: { requestId: this.#requests, operation } },
    });
    if (msg.case !== "operation") throw new Error(`answered with ${msg.case}`);
    const { error, result } = msg.value;
    if (error !== undefined) throw new ConnectError(error.message, error.code);
    return result;
  }

  put(store: string, id: string, value: bigint) {
    return this.operate({ case: "put", value: { store, record: record(id, { value }) } });
  }

  commit(): Promise<void> {
    return this.#finish("commit");
  }

  abort(): Promise<void> {
    return this.#finish("abort");
  }

  async #finish(word: "commit" | "abort"): Promise<void> {
    const { msg } = await this.steps.ask({ msg: { case: word, value: {} } });
    if (msg.case !== word) throw new Error(`answered with ${msg.case}`);
    if (msg.value.error !== undefined) throw new ConnectError(msg.value.error.message, msg.value.error.code);
    await this.steps.end();
  }
}

type TransactionAnswer = ReturnType<Database["transaction"]> extends AsyncIterable<infer Answer> ? Answer : never;
type CursorAnswer = ReturnType<Database["openCursor"]> extends AsyncIterable<infer Answer> ? Answer : never;

export class Cursor {
  readonly steps: Steps<CursorMessage, CursorAnswer>;

  private constructor(database: Database) {
    this.steps = new Steps((messages, options) => database.openCursor(messages, options));
  }

  static async open(database: Database, store: string): Promise<Cursor> {
    const cursor = new Cursor(database);
    const { result } = await cursor.steps.ask({ msg: { case: "open", value: { store } } });
    if (result.case !== "done" || result.value) throw new Error("not opened");
    return cursor;
  }

  /** Primary key of the next entry; undefined at the end. */
  async next(): Promise<string | undefined> {
    const { result } = await this.steps.ask({
      msg: { case: "command", value: { command: { case: "next", value: true } } },
    });
    return result.case === "entry" ? result.value.primaryKey : undefined;
  }
}
