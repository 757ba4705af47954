// One database: its stores, and who may write to them when.
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { IndexedDB } from "../../../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { ObjectStoreSchema } from "../../../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { notFound } from "./errors.ts";
import { type Answer, OPERATIONS, type Operation, type Request, WRITES } from "./operations.ts";
import { ScopeLocks } from "./scope-locks.ts";
import { Store } from "./store.ts";

export interface DatabaseOptions {
  /** The others are not found, though they may exist: `plugins.<name>.indexeddb.objectStores` in gestaltd's config. */
  readonly allowedStores?: ReadonlySet<string>;
  /** gestaltd cannot read larger ones from its provider. */
  readonly maxAnswerBytes?: number;
}

export class Database {
  readonly locks = new ScopeLocks();
  readonly #options: DatabaseOptions;
  readonly #stores = new Map<string, Store>();

  constructor(options: DatabaseOptions = {}) {
    this.#options = options;
  }

  store(name: string): Store {
    const store = this.#isAllowed(name) ? this.#stores.get(name) : undefined;
    if (store === undefined) throw notFound();
    return store;
  }

  /** Again for one that exists: the new schema, the old records. */
  async create(
    name: string,
    schema: ObjectStoreSchema | undefined,
    signal: AbortSignal,
  ): Promise<Record<string, never>> {
    if (!this.#isAllowed(name)) throw notFound();
    return this.#alone(name, signal, () => {
      const fresh = new Store(schema);
      const existing = this.#stores.get(name);
      if (existing !== undefined) fresh.adopt(existing);
      this.#stores.set(name, fresh);
      return {};
    });
  }

  async remove(name: string, signal: AbortSignal): Promise<Record<string, never>> {
    if (!this.#isAllowed(name)) throw notFound();
    return this.#alone(name, signal, () => {
      this.#stores.delete(name);
      return {};
    });
  }

  /**
   * Outside a transaction. What is written waits for the transactions on that store; what is read is what was
   * committed.
   */
  async perform<O extends Operation>(operation: O, request: Request<O>, signal: AbortSignal): Promise<Answer<O>> {
    const work = () => this.run(operation, this.store(request.store), request);
    return WRITES.has(operation) ? this.#alone(request.store, signal, work) : work();
  }

  run<O extends Operation>(operation: O, store: Store, request: Request<O>): Answer<O> {
    const answer = OPERATIONS[operation](store, request);
    const { maxAnswerBytes = Infinity } = this.#options;
    const output: DescMessage = IndexedDB.method[operation].output;
    const size = maxAnswerBytes === Infinity ? 0 : toBinary(output, create(output, answer)).length;
    if (size <= maxAnswerBytes) return answer;
    const text = `grpc: received message larger than max (${size} vs. ${maxAnswerBytes})`;
    throw new ConnectError(text, Code.ResourceExhausted);
  }

  #isAllowed(store: string): boolean {
    return this.#options.allowedStores?.has(store) ?? true;
  }

  async #alone<R>(store: string, signal: AbortSignal, work: () => R): Promise<R> {
    const release = await this.locks.acquire([store], signal);
    try {
      return work();
    } finally {
      release();
    }
  }
}
