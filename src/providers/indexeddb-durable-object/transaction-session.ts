// A transaction, as the worker that begins it holds it: over the platform's RPC, so that the object learns when that
// worker is gone.
import { RpcTarget } from "cloudflare:workers";
import {
  Code,
  ConnectError,
  type IndexedDBQuery,
  type IndexedDBRead,
  type IndexedDBRow,
  type IndexedDBTransactionInput,
} from "../../worker/index.ts";
import type { StoreDef } from "./catalog.ts";
import type { Database } from "./database.ts";
import { Lease } from "./lease.ts";
import { TRANSACTION_BYTES } from "./limits.ts";
import * as operations from "./operations.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { OverlaidTable } from "./overlaid-table.ts";
import { Overlay } from "./overlay.ts";
import { type Packed, pack } from "./packed.ts";
import type { StoreTable } from "./store-table.ts";
import type { Turn } from "./turns.ts";
import type { Snapshot } from "./versions.ts";

export interface TransactionOptions extends Pick<IndexedDBTransactionInput, "stores" | "mode"> {
  /** How long it may lie unused, in milliseconds. */
  readonly leaseMs: number;
  /** How long its caller waits for its turn, in milliseconds; undefined for the longest there is. */
  readonly waitMs: number | undefined;
}

/** What it has got hold of, by the names of its stores. */
interface Held {
  readonly tables: ReadonlyMap<string, StoreTable>;
  /** Of a readwrite one. */
  readonly overlays: readonly (readonly [StoreDef, Overlay])[];
  /** Of a readonly one. */
  readonly snapshot?: Snapshot | undefined;
}

type State =
  | { readonly is: "new" }
  | { readonly is: "waiting"; readonly turn: Turn<unknown> }
  | { readonly is: "running"; readonly turn: Turn<unknown>; readonly held: Held }
  | { readonly is: "over"; readonly why: string };

export class TransactionSession extends RpcTarget {
  readonly #database: Database;
  readonly #options: TransactionOptions;
  readonly #lease: Lease;
  #state: State = { is: "new" };
  #bytes = 0;

  constructor(database: Database, options: TransactionOptions) {
    super();
    this.#database = database;
    this.#options = options;
    this.#lease = new Lease(options.leaseMs, () => this.#end("it was not used for too long"));
  }

  /** Settles when its turn has come. */
  begin(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#lease.end();
      const { stores, mode, waitMs } = this.#options;
      // Whether they exist is also asked when its turn has come; but nobody need wait to be told that they never did.
      for (const store of stores) this.#database.store(store);
      try {
        const turn = mode === "readonly" ? this.#toRead(stores, waitMs) : this.#toWrite(stores, waitMs);
        this.#state = { is: "waiting", turn };
        const held = await turn.come;
        if (this.#isOver()) throw this.#gone();
        this.#state = { is: "running", turn, held };
        this.#lease.renew();
      } catch (error) {
        this.#end("it did not begin");
        throw error;
      }
    });
  }

  get(store: string, key: Uint8Array): Promise<Outcome<Uint8Array | undefined>> {
    return this.#use(store, (table) => table.get(key));
  }

  add(store: string, row: IndexedDBRow): Promise<Outcome<void>> {
    return this.#use(store, (table) => operations.add(table, row));
  }

  put(store: string, row: IndexedDBRow): Promise<Outcome<void>> {
    return this.#use(store, (table) => operations.put(table, row));
  }

  getAll(read: IndexedDBRead): Promise<Outcome<Packed>> {
    return this.#use(read.store, (table) => pack(operations.getAll(table, read)));
  }

  getAllKeys(read: IndexedDBRead): Promise<Outcome<Packed>> {
    return this.#use(read.store, (table) => pack(operations.getAllKeys(table, read)));
  }

  count(query: IndexedDBQuery): Promise<Outcome<number>> {
    return this.#use(query.store, (table) => operations.count(table, query));
  }

  delete(query: IndexedDBQuery): Promise<Outcome<number>> {
    return this.#use(query.store, (table) => operations.remove(table, query));
  }

  /** Writes all that was kept back, in one transaction of the storage. */
  commit(): Promise<Outcome<void>> {
    return outcomeOf(() => {
      const { overlays } = this.#held();
      const written = overlays.filter(([, overlay]) => !overlay.isEmpty);
      try {
        if (written.length === 0) return;
        this.#database.writeAll(
          written.map(([store]) => store),
          (tables) => {
            for (const [at, [, overlay]] of written.entries()) overlay.apply(tables[at] as StoreTable);
          },
        );
      } finally {
        this.#end("it was committed");
      }
    });
  }

  /** Forgets all that was kept back, or gives up waiting. */
  abort(): void {
    this.#end("it was rolled back");
  }

  /** The worker has let go of it, or is gone. */
  [Symbol.dispose](): void {
    this.#end("its caller is gone");
  }

  #toWrite(stores: readonly string[], waitMs: number | undefined): Turn<Held> {
    const turn = this.#database.turns.toWrite(stores, waitMs);
    return { come: turn.come.then(() => this.#overlaid(stores)), end: turn.end };
  }

  #overlaid(stores: readonly string[]): Held {
    const overlays = stores.map((name) => {
      const store = this.#database.store(name);
      return [store, new Overlay(store)] as const;
    });
    const reserve = (bytes: number) => this.#reserve(bytes);
    const tables = overlays.map(([store, overlay]) => {
      return [store.name, new OverlaidTable(this.#database.table(store), overlay, reserve)] as const;
    });
    return { overlays, tables: new Map(tables) };
  }

  #toRead(names: readonly string[], waitMs: number | undefined): Turn<Held> {
    const look = () => {
      const stores = names.map((name) => this.#database.store(name));
      const snapshot = this.#database.takeSnapshot(stores);
      const tables = stores.map((store) => [store.name, this.#database.table(store, snapshot)] as const);
      return { overlays: [], tables: new Map(tables), snapshot };
    };
    return this.#database.turns.toRead(names, look, waitMs);
  }

  #use<R>(store: string, work: (table: StoreTable) => R): Promise<Outcome<R>> {
    return outcomeOf(() => {
      const table = this.#held().tables.get(store);
      if (table === undefined) throw new ConnectError("The transaction has no such store.", Code.Internal);
      this.#lease.renew();
      return work(table);
    });
  }

  #held(): Held {
    if (this.#state.is === "running") return this.#state.held;
    throw this.#gone();
  }

  #gone(): ConnectError {
    const why = this.#state.is === "over" ? this.#state.why : "it was not begun";
    return new ConnectError(`datastore: transaction is already finished: ${why}`, Code.FailedPrecondition);
  }

  #isOver(): boolean {
    return this.#state.is === "over";
  }

  #reserve(bytes: number): void {
    this.#bytes += bytes;
    this.#database.hold(bytes);
    if (this.#bytes <= TRANSACTION_BYTES) return;
    const limit = TRANSACTION_BYTES / 1024 / 1024;
    const text = `The transaction has written more than ${limit} MiB, the most one may: use several.`;
    throw new ConnectError(text, Code.ResourceExhausted);
  }

  #end(why: string): void {
    const state = this.#state;
    if (state.is === "over") return;
    this.#state = { is: "over", why };
    this.#lease.end();
    this.#database.hold(-this.#bytes);
    if (state.is === "running" && state.held.snapshot !== undefined) this.#database.dropSnapshot(state.held.snapshot);
    if (state.is !== "new") state.turn.end();
  }
}
