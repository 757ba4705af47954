// The Durable Object that is a database: what a worker calls, and the alarm that sweeps.
import { DurableObject } from "cloudflare:workers";
import type {
  IndexedDBCursorInput,
  IndexedDBQuery,
  IndexedDBRead,
  IndexedDBRow,
  IndexedDBSchema,
} from "../../worker/index.ts";
import { CursorSession } from "./cursor-session.ts";
import { Database } from "./database.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { type Packed, pack } from "./packed.ts";
import { type TransactionOptions, TransactionSession } from "./transaction-session.ts";

/** How long a write may wait for its turn, in milliseconds; undefined for the longest there is. */
type WaitMs = number | undefined;

/** Export it from the worker's main module and name it in `wrangler.toml`; docs/indexeddb.md has the lines. */
export class IndexedDBObject extends DurableObject<unknown> {
  readonly #database: Database;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    this.#database = new Database(ctx.storage);
  }

  createObjectStore(store: string, schema: IndexedDBSchema, waitMs: WaitMs): Promise<Outcome<void>> {
    const created = outcomeOf(() => this.#database.createObjectStore(store, schema, waitMs));
    // Indexes are built to the end, though the caller may be gone: it will come back for them.
    this.ctx.waitUntil(created);
    return created;
  }

  deleteObjectStore(store: string, waitMs: WaitMs): Promise<Outcome<void>> {
    return outcomeOf(() => this.#database.deleteObjectStore(store, waitMs));
  }

  get(store: string, key: Uint8Array): Promise<Outcome<Uint8Array | undefined>> {
    return outcomeOf(() => this.#database.get(store, key));
  }

  add(store: string, row: IndexedDBRow, waitMs: WaitMs): Promise<Outcome<void>> {
    return outcomeOf(() => this.#database.add(store, row, waitMs));
  }

  put(store: string, row: IndexedDBRow, waitMs: WaitMs): Promise<Outcome<void>> {
    return outcomeOf(() => this.#database.put(store, row, waitMs));
  }

  getAll(read: IndexedDBRead): Promise<Outcome<Packed>> {
    return outcomeOf(() => pack(this.#database.getAll(read)));
  }

  getAllKeys(read: IndexedDBRead): Promise<Outcome<Packed>> {
    return outcomeOf(() => pack(this.#database.getAllKeys(read)));
  }

  count(query: IndexedDBQuery): Promise<Outcome<number>> {
    return outcomeOf(() => this.#database.count(query));
  }

  delete(query: IndexedDBQuery, waitMs: WaitMs): Promise<Outcome<number>> {
    return outcomeOf(() => this.#database.delete(query, waitMs));
  }

  openCursor(input: IndexedDBCursorInput, leaseMs: number): Promise<Outcome<CursorSession>> {
    return outcomeOf(() => new CursorSession(this.#database, input, leaseMs));
  }

  /** It has not begun: `begin` waits for its turn. */
  transaction(options: TransactionOptions): TransactionSession {
    return new TransactionSession(this.#database, options);
  }

  /** Answers when the object can be reached and its data be read. */
  ping(): void {
    this.ctx.storage.sql.exec("SELECT 1 FROM stores LIMIT 1");
  }

  override alarm(): Promise<void> {
    return this.#database.sweep();
  }
}
