// A transaction over its stream, as gestaltd's client leads it.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { IndexedDB } from "../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  type TransactionClientMessageSchema,
  TransactionMode,
  type TransactionOperationSchema,
  type TransactionServerMessageSchema,
} from "../../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { type Budget, CallFailed, type CallLog } from "./call-log.ts";
import type { CallStream } from "./call-stream.ts";
import type { Connection } from "./connection.ts";

type Operation = NonNullable<
  Extract<MessageInitShape<typeof TransactionOperationSchema>, { $typeName?: never }>["operation"]
>;
type Stream = CallStream<typeof TransactionClientMessageSchema, typeof TransactionServerMessageSchema>;

export class TransactionCall {
  readonly #stream: Stream;
  readonly #log: CallLog;
  #requests = 0n;

  private constructor(stream: Stream, log: CallLog) {
    this.#stream = stream;
    this.#log = log;
  }

  static async begin(
    connection: Connection,
    log: CallLog,
    budget: Budget,
    stores: string[],
    mode: TransactionMode = TransactionMode.TRANSACTION_READWRITE,
  ): Promise<TransactionCall> {
    const call = new TransactionCall(await connection.stream(IndexedDB.method.transaction, budget), log);
    const { msg } = await call.#stream.ask({ msg: { case: "begin", value: { stores, mode } } });
    if (msg.case !== "begin") throw new Error(`begin was answered with ${msg.case}`);
    return call;
  }

  async operate(operation: Operation) {
    this.#requests += 1n;
    const value = { requestId: this.#requests, operation };
    const { msg } = await this.#stream.ask({ msg: { case: "operation", value } });
    if (msg.case !== "operation") throw new Error(`an operation was answered with ${msg.case}`);
    this.#refused("operation of a transaction", msg.value.error);
    return msg.value.result;
  }

  async commit(): Promise<void> {
    const { msg } = await this.#stream.ask({ msg: { case: "commit", value: {} } });
    if (msg.case !== "commit") throw new Error(`commit was answered with ${msg.case}`);
    this.#refused("commit of a transaction", msg.value.error);
    // The answer counts, however the stream ends.
    await this.#stream.end().catch(() => undefined);
  }

  async abort(): Promise<void> {
    await this.#stream.ask({ msg: { case: "abort", value: {} } });
    await this.#stream.end();
  }

  /** As a caller that goes away. */
  cancel(): Promise<void> {
    return this.#stream.cancel();
  }

  #refused(what: string, error: { readonly code: number; readonly message: string } | undefined): void {
    if (error === undefined) return;
    const failure = new CallFailed(error.code, error.message);
    this.#log.failed(what, failure);
    void this.#stream.cancel();
    throw failure;
  }
}
