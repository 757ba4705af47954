// IndexedDB.Transaction: operations that take effect together (reference §4.7, "Transaction stream").
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type BeginTransactionRequest,
  TransactionClientMessageSchema,
  TransactionDurabilityHint,
  TransactionMode,
  type TransactionOperation,
  TransactionOperationResponseSchema,
  TransactionOperationSchema,
  TransactionServerMessageSchema,
} from "../../../gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import type { ProviderRequest } from "../../call.ts";
import type { TransactionMode as Mode } from "../../host/indexeddb/types.ts";
import { decode } from "../../serving/decode.ts";
import type { IndexedDBHandlers } from "../define.ts";
import { invalid, invalidTransaction, readonly } from "../errors.ts";
import { MAX_TRANSACTION_STORES } from "../limits.ts";
import { fieldAt } from "../model/wire-reader.ts";
import { field } from "../model/wire-writer.ts";
import { storeName } from "../names.ts";
import type { IndexedDBTransaction, IndexedDBTransactionInput } from "../objects.ts";
import { OPERATIONS, type OperationName, type Operations, WRITES } from "../operations.ts";
import { encodeOperationReply, withinLimit } from "../replies.ts";
import { type CallerError, callerError } from "./caller-error.ts";
import type { Answer, Conversation } from "./stream-socket.ts";

/** `over` once it was committed or undone: there is nothing left to undo then. */
type State =
  | { readonly is: "new" | "over" }
  | { readonly is: "running"; readonly transaction: IndexedDBTransaction; readonly input: IndexedDBTransactionInput };

export class TransactionConversation<Config> implements Conversation {
  readonly #handlers: IndexedDBHandlers<Config>;
  readonly #request: ProviderRequest<Config>;
  readonly #idleMs: number;
  #state: State = { is: "new" };

  constructor(handlers: IndexedDBHandlers<Config>, request: ProviderRequest<Config>, idleMs: number) {
    this.#handlers = handlers;
    this.#request = request;
    this.#idleMs = idleMs;
  }

  async receive(bytes: Uint8Array): Promise<Answer> {
    const { msg } = decode(TransactionClientMessageSchema, bytes);
    const state = this.#state;
    if (state.is !== "running") {
      if (msg.case !== "begin") throw invalid("first message must be BeginTransactionRequest");
      return this.#begin(msg.value);
    }
    switch (msg.case) {
      case "operation":
        return this.#operate(state, msg.value, fieldAt(bytes, OPERATION));
      case "commit":
        return this.#commit(state.transaction);
      case "abort":
        return this.#abort(state.transaction, msg.value.reason);
      default:
        throw invalid("expected transaction operation, commit, or abort");
    }
  }

  async close(reason: string): Promise<void> {
    if (this.#state.is !== "running") return;
    const { transaction } = this.#state;
    this.#state = { is: "over" };
    await transaction.abort(reason);
  }

  async #begin(begin: BeginTransactionRequest): Promise<Answer> {
    const input = { ...inputFrom(begin), idleMs: this.#idleMs };
    const transaction = await this.#handlers.transaction(input, this.#request);
    this.#state = { is: "running", transaction, input };
    return answer({ case: "begin", value: {} });
  }

  /** One that fails undoes the transaction, and says so in its own answer; the stream itself ends well. */
  async #operate(
    { transaction, input }: State & { is: "running" },
    operation: TransactionOperation,
    encoded: Uint8Array | undefined,
  ): Promise<Answer> {
    try {
      const reply = await perform(transaction, input, operation, encoded);
      return { messages: [withinLimit(field(OPERATION_ANSWER, reply))], over: false };
    } catch (thrown) {
      const error = callerError(thrown, this.#request.log, "a transaction's operation");
      this.#state = { is: "over" };
      const undone = await outcome(() => transaction.abort(error.message), this.#request);
      const failed = create(TransactionOperationResponseSchema, { requestId: operation.requestId, error });
      return {
        messages: [message({ case: "operation", value: failed }), message({ case: "abort", value: undone })],
        over: true,
      };
    }
  }

  async #commit(transaction: IndexedDBTransaction): Promise<Answer> {
    this.#state = { is: "over" };
    const committed = await outcome(() => transaction.commit(), this.#request);
    return answer({ case: "commit", value: committed }, true);
  }

  async #abort(transaction: IndexedDBTransaction, reason: string): Promise<Answer> {
    this.#state = { is: "over" };
    const undone = await outcome(() => transaction.abort(reason), this.#request);
    return answer({ case: "abort", value: undone }, true);
  }
}

const OPERATION = TransactionClientMessageSchema.field.operation.number;
const OPERATION_ANSWER = TransactionServerMessageSchema.field.operation.number;

const MODES: Readonly<Record<number, Mode | undefined>> = {
  [TransactionMode.TRANSACTION_READONLY]: "readonly",
  [TransactionMode.TRANSACTION_READWRITE]: "readwrite",
};

function inputFrom({ stores, mode: wireMode, durabilityHint }: BeginTransactionRequest) {
  const mode = MODES[wireMode];
  if (mode === undefined) throw invalidTransaction("its mode is neither readonly nor readwrite");
  const names = [...new Set(stores.map(storeName))];
  if (names.length === 0) throw invalidTransaction("it names no store");
  if (names.length > MAX_TRANSACTION_STORES) {
    throw invalidTransaction(`it names ${names.length} stores, and the limit is ${MAX_TRANSACTION_STORES}`);
  }
  return { stores: names, mode, durabilityHint: DURABILITY[durabilityHint] ?? "default" };
}

const DURABILITY: Readonly<Record<number, IndexedDBTransactionInput["durabilityHint"] | undefined>> = {
  [TransactionDurabilityHint.TRANSACTION_DURABILITY_STRICT]: "strict",
  [TransactionDurabilityHint.TRANSACTION_DURABILITY_RELAXED]: "relaxed",
};

async function perform(
  transaction: IndexedDBTransaction,
  { stores, mode }: IndexedDBTransactionInput,
  { requestId, operation }: TransactionOperation,
  encoded: Uint8Array | undefined,
): Promise<Uint8Array> {
  if (operation.case === undefined) throw invalid("unknown transaction operation");
  if (mode === "readonly" && WRITES.has(operation.case)) throw readonly();
  if (!stores.includes(storeName(operation.value.store))) {
    throw invalidTransaction("it was not begun with the store of the operation");
  }
  const run = OPERATIONS[operation.case] as PerformAny;
  const within = encoded && fieldAt(encoded, TransactionOperationSchema.field[operation.case].number);
  return encodeOperationReply(requestId, await run(transaction, operation.value, within));
}

type PerformAny = (
  on: Operations,
  request: object,
  encoded: Uint8Array | undefined,
) => ReturnType<(typeof OPERATIONS)[OperationName]>;

/** What the answer to a commit or an abort says: nothing, or the error. */
async function outcome<Config>(
  work: () => Promise<void> | void,
  { log }: ProviderRequest<Config>,
): Promise<{ readonly error?: CallerError }> {
  try {
    await work();
    return {};
  } catch (error) {
    return { error: callerError(error, log, "the end of a transaction") };
  }
}

type Init = Extract<MessageInitShape<typeof TransactionServerMessageSchema>, { $typeName?: never }>;

function answer(msg: NonNullable<Init["msg"]>, over = false): Answer {
  return { messages: [message(msg)], over };
}

function message(msg: NonNullable<Init["msg"]>): Uint8Array {
  return toBinary(TransactionServerMessageSchema, create(TransactionServerMessageSchema, { msg }));
}
