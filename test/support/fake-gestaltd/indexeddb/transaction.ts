// IndexedDB.Transaction: operations on copies of the stores, which a commit puts in their place (reference §4.7,
// "Transaction stream").
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { IndexedDB } from "../../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  type BeginTransactionRequest,
  type TransactionClientMessage,
  TransactionMode,
  type TransactionOperation,
  type TransactionOperationResponse,
  TransactionOperationResponseSchema,
  type TransactionServerMessage,
  TransactionServerMessageSchema,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import type { Database } from "./database.ts";
import { invalid, invalidTransaction, readonly } from "./errors.ts";
import { WRITES } from "./operations.ts";
import type { Store } from "./store.ts";

/** Answers one message with one. Whatever ends it before the commit is the rollback. */
export async function* serveTransaction(
  messages: AsyncIterable<TransactionClientMessage>,
  database: Database,
  signal: AbortSignal,
): AsyncGenerator<TransactionServerMessage> {
  let transaction: Transaction | undefined;
  try {
    for await (const { msg } of messages) {
      if (transaction === undefined) {
        if (msg.case !== "begin") throw invalid("first message must be BeginTransactionRequest");
        transaction = await Transaction.begin(database, msg.value, signal);
        yield answer({ case: "begin", value: {} });
      } else if (msg.case === "operation") {
        const response = transaction.perform(msg.value);
        yield answer({ case: "operation", value: response });
        if (response.error === undefined) continue;
        transaction.end();
        yield answer({ case: "abort", value: {} });
        for await (const _ of messages);
        return;
      } else if (msg.case === "commit" || msg.case === "abort") {
        if (msg.case === "commit") transaction.commit();
        transaction.end();
        yield answer({ case: msg.case, value: {} });
        return;
      } else throw invalid("expected transaction operation, commit, or abort");
    }
  } finally {
    transaction?.end();
  }
}

/** Which member of the answer carries the message of a method. */
const RESULTS = {
  "google.protobuf.Empty": "empty",
  "gestalt.provider.v1.RecordResponse": "record",
  "gestalt.provider.v1.RecordsResponse": "records",
  "gestalt.provider.v1.KeyResponse": "key",
  "gestalt.provider.v1.KeysResponse": "keys",
  "gestalt.provider.v1.CountResponse": "count",
  "gestalt.provider.v1.DeleteResponse": "delete",
} as const;

class Transaction {
  readonly #database: Database;
  readonly #mode: TransactionMode;
  readonly #release: () => void;
  /** Its own view: nobody else sees it, and it sees nobody else's. */
  readonly #stores: ReadonlyMap<string, Store>;

  /** Waits for the readwrite ones before it whose stores overlap; a readonly one takes the stores as they are. */
  static async begin(
    database: Database,
    { stores, mode }: BeginTransactionRequest,
    signal: AbortSignal,
  ): Promise<Transaction> {
    if (stores.length === 0) throw invalidTransaction();
    if (mode === TransactionMode.TRANSACTION_READONLY) return new Transaction(database, stores, mode, () => {}, signal);
    const release = await database.locks.acquire(stores, signal);
    try {
      return new Transaction(database, stores, mode, release, signal);
    } catch (error) {
      release();
      throw error;
    }
  }

  private constructor(
    database: Database,
    stores: readonly string[],
    mode: TransactionMode,
    release: () => void,
    signal: AbortSignal,
  ) {
    this.#database = database;
    this.#mode = mode;
    this.#release = release;
    this.#stores = new Map(stores.map((name) => [name, database.store(name).fork()]));
    // Also when the client goes while nothing is read from it.
    signal.addEventListener("abort", release, { once: true });
  }

  perform({ requestId, operation }: TransactionOperation): TransactionOperationResponse {
    try {
      if (operation.case === undefined) throw invalid("unknown transaction operation");
      if (this.#mode === TransactionMode.TRANSACTION_READONLY && WRITES.has(operation.case)) throw readonly();
      const store = this.#stores.get(operation.value.store);
      if (store === undefined) throw invalidTransaction();
      const member = RESULTS[IndexedDB.method[operation.case].output.typeName as keyof typeof RESULTS];
      const value = this.#database.run(operation.case, store, operation.value as never);
      const result = { case: member, value } as { case: "empty"; value: object };
      return create(TransactionOperationResponseSchema, { requestId, result });
    } catch (thrown) {
      const { code, rawMessage } = ConnectError.from(thrown);
      return create(TransactionOperationResponseSchema, { requestId, error: { code, message: rawMessage } });
    }
  }

  commit(): void {
    if (this.#mode === TransactionMode.TRANSACTION_READONLY) return;
    for (const [name, store] of this.#stores) this.#database.store(name).adopt(store);
  }

  /** What was not committed is forgotten with it. */
  end(): void {
    this.#release();
  }
}

type Init = Extract<MessageInitShape<typeof TransactionServerMessageSchema>, { $typeName?: never }>;

function answer(msg: NonNullable<Init["msg"]>): TransactionServerMessage {
  return create(TransactionServerMessageSchema, { msg });
}
