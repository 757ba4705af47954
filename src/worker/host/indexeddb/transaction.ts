// A transaction: operations over one call, in lock-step, that take effect together or not at all.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError } from "@connectrpc/connect";
import { IndexedDB as Service } from "../../../gen/gestalt/provider/v1/indexeddb_pb.ts";
import {
  type TransactionClientMessage,
  TransactionClientMessageSchema,
  TransactionDurabilityHint,
  type TransactionOperationSchema,
  type TransactionServerMessage,
  TransactionMode as WireMode,
} from "../../../gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import type { Status } from "../../../gen/google/rpc/status_pb.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { Conversation, withSignal } from "./conversation.ts";
import { indexedDBError, invalid, malformed, TransactionError } from "./errors.ts";
import { TransactionObjectStoreClient } from "./object-store.ts";
import type { Operation, OperationAnswer, OperationRequest, Operations } from "./operations.ts";
import type { StoredRecord } from "./records.ts";
import { columnsOf } from "./schema.ts";
import type { ColumnsOnly, Transaction, TransactionMode, TransactionObjectStore, TransactionOptions } from "./types.ts";

type Talk = Conversation<TransactionClientMessage, TransactionServerMessage>;

/** Begins one, runs `work` in it, and ends it by what became of that. */
export async function runTransaction<R>(
  link: HostLink,
  calls: Client<typeof Service>,
  begin: { readonly stores: readonly string[]; readonly mode: TransactionMode },
  work: (transaction: Transaction) => R | Promise<R>,
  { durabilityHint = "default", ...limits }: TransactionOptions,
): Promise<R> {
  const talk: Talk = new Conversation((requests, signal) =>
    calls.transaction(requests, withSignal(link.options(limits), signal)),
  );
  const transaction = new TransactionClient(talk, begin.stores);
  await transaction.begin(begin.mode, durabilityHint);
  let result: R;
  try {
    result = await work(transaction);
  } catch (thrown) {
    await transaction.rollBack();
    throw thrown;
  }
  await transaction.settle();
  return result;
}

/** "ending" once the end has been asked for; nothing new begins then. "failed" keeps what rolled it back. */
type State = { readonly is: "running" | "ending" } | { readonly is: "failed"; readonly by: Error };

class TransactionClient implements Transaction, Operations {
  readonly #talk: Talk;
  readonly #stores: ReadonlySet<string>;
  #state: State = { is: "running" };
  /** What becomes of the end, once it has been asked for. */
  #end: Promise<void> = Promise.resolve();
  #requests = 0n;

  constructor(talk: Talk, stores: readonly string[]) {
    this.#talk = talk;
    this.#stores = new Set(stores);
  }

  async begin(mode: TransactionMode, durability: keyof typeof DURABILITY): Promise<void> {
    const begin = {
      stores: [...this.#stores],
      mode: oneOf(MODES, mode),
      durabilityHint: oneOf(DURABILITY, durability),
    };
    const { msg } = await this.#talk.ask(message({ case: "begin", value: begin }));
    if (msg.case !== "begin") throw this.#broken("begin");
  }

  objectStore<T extends StoredRecord>(name: string, schema?: ColumnsOnly): TransactionObjectStore<T> {
    if (!this.#stores.has(name)) throw new TransactionError(`the transaction was not begun with the store "${name}"`);
    return new TransactionObjectStoreClient<T>(this, name, columnsOf(schema));
  }

  async perform<O extends Operation>(
    operation: O,
    request: OperationRequest<O>,
    options: HostCallOptions | undefined,
  ): Promise<OperationAnswer<O>> {
    if (this.#state.is !== "running") throw finished(this.#state);
    this.#requests += 1n;
    const requestId = this.#requests;
    // Operations have the names of the methods they stand for, and their messages.
    const value = { requestId, operation: { case: operation, value: request } as NonNullable<OperationInit> };
    const { msg } = await this.#exchange(message({ case: "operation", value }), options);
    if (msg.case !== "operation" || msg.value.requestId !== requestId) throw this.#broken(operation);
    this.#check(msg.value.error);
    const answer = msg.value.result.value;
    if (answer?.$typeName !== Service.method[operation].output.typeName) throw this.#broken(operation);
    return answer as OperationAnswer<O>;
  }

  async commit(options?: HostCallOptions): Promise<void> {
    if (this.#state.is !== "running") throw finished(this.#state);
    await this.#ending(this.#commit(options));
  }

  async abort(reason = "", options?: HostCallOptions): Promise<void> {
    if (this.#state.is === "running") await this.#ending(this.#abort(reason, options));
  }

  /** The callback threw: what it left running does not matter any more. */
  async rollBack(): Promise<void> {
    // The author is told why the callback threw, not how giving up went.
    if (this.#talk.isIdle) await this.abort("the callback threw").catch(() => {});
    else this.#talk.end();
    if (this.#state.is === "running") this.#state = { is: "ending" };
  }

  /**
   * The callback returned: what it left running finishes first. Throws what rolled the transaction back, caught or
   * not.
   */
  async settle(): Promise<void> {
    const end = this.#state.is === "running" ? this.commit() : this.#end;
    // Of a commit that waited behind the operation that failed, the operation says more.
    await end.catch((error) => {
      throw this.#state.is === "failed" ? this.#state.by : error;
    });
    if (this.#state.is === "failed") throw this.#state.by;
  }

  #ending(end: Promise<void>): Promise<void> {
    if (this.#state.is === "running") this.#state = { is: "ending" };
    this.#end = end;
    return end;
  }

  async #commit(options?: HostCallOptions): Promise<void> {
    const { msg } = await this.#exchange(message({ case: "commit", value: {} }), options);
    if (msg.case !== "commit") throw this.#broken("commit");
    this.#check(msg.value.error);
    this.#talk.end();
  }

  async #abort(reason: string, options?: HostCallOptions): Promise<void> {
    const abort = message({ case: "abort", value: { reason } });
    // A call that is lost is rolled back as well.
    const answer = await this.#talk.ask(abort, options).catch(() => undefined);
    if (answer === undefined) return;
    if (answer.msg.case !== "abort") throw this.#broken("abort");
    this.#check(answer.msg.value.error);
    this.#talk.end();
  }

  async #exchange(question: TransactionClientMessage, options?: HostCallOptions): Promise<TransactionServerMessage> {
    try {
      return await this.#talk.ask(question, options);
    } catch (error) {
      // One that waited behind the one that failed.
      if (this.#state.is === "failed") throw finished(this.#state);
      this.#state = { is: "failed", by: error as Error };
      throw error;
    }
  }

  #check(status: Status | undefined): void {
    if (status === undefined || status.code === OK) return;
    const by = indexedDBError(new ConnectError(status.message, status.code));
    this.#state = { is: "failed", by };
    this.#talk.end();
    throw by;
  }

  #broken(to: string): Error {
    const by = malformed(`something that is no answer to a transaction's ${to}`);
    this.#state = { is: "failed", by };
    this.#talk.cancel(by);
    return by;
  }
}

type MessageInit = Extract<MessageInitShape<typeof TransactionClientMessageSchema>, { $typeName?: never }>;
type OperationInit = Extract<MessageInitShape<typeof TransactionOperationSchema>, { $typeName?: never }>["operation"];

const OK = 0;

const MODES: { readonly [Name in TransactionMode]: WireMode } = {
  readonly: WireMode.TRANSACTION_READONLY,
  readwrite: WireMode.TRANSACTION_READWRITE,
};

const DURABILITY = {
  default: TransactionDurabilityHint.TRANSACTION_DURABILITY_DEFAULT,
  strict: TransactionDurabilityHint.TRANSACTION_DURABILITY_STRICT,
  relaxed: TransactionDurabilityHint.TRANSACTION_DURABILITY_RELAXED,
} as const;

function oneOf<Name extends string, Value>(values: { readonly [N in Name]: Value }, name: Name): Value {
  if (Object.hasOwn(values, name)) return values[name];
  throw invalid(`a transaction can be "${Object.keys(values).join('", "')}"; not "${name}"`);
}

function finished(state: State): TransactionError {
  if (state.is !== "failed") return new TransactionError("transaction is already finished");
  return new TransactionError(`transaction is already finished: ${state.by.message}`, { cause: state.by });
}

function message(msg: NonNullable<MessageInit["msg"]>): TransactionClientMessage {
  return create(TransactionClientMessageSchema, { msg });
}
