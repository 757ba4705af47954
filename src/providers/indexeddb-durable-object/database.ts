// One database: its tables, whose turn it is to write, and who still looks at what was.
import {
  Code,
  ConnectError,
  type IndexedDBCursorInput,
  type IndexedDBQuery,
  type IndexedDBRead,
  type IndexedDBRow,
  type IndexedDBSchema,
} from "../../worker/index.ts";
import { upgradeSchema } from "../sqlite-schema.ts";
import { buildIndexes } from "./build-indexes.ts";
import { Catalog, type IndexDef, indexDef, type StoreDef } from "./catalog.ts";
import { CommittedTable, NOW, type Tables } from "./committed-table.ts";
import { EntryTable } from "./entry-table.ts";
import { ALL_TRANSACTIONS_BYTES } from "./limits.ts";
import * as operations from "./operations.ts";
import { RecordTable } from "./record-table.ts";
import { retire, retireIndex, Sweeper } from "./retired.ts";
import { SCHEMA } from "./schema.ts";
import type { StoreTable } from "./store-table.ts";
import { Turns } from "./turns.ts";
import { type Snapshot, Versions } from "./versions.ts";
import { Walk } from "./walk.ts";

export class Database {
  readonly turns = new Turns();
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;
  readonly #sweeper: Sweeper;
  /** Bytes that transactions hold. */
  #held = 0;

  constructor(storage: DurableObjectStorage) {
    upgradeSchema(storage, SCHEMA);
    const { sql } = storage;
    const versions = new Versions(sql);
    const records = new RecordTable(sql, versions);
    const entries = new EntryTable(sql, versions, records);
    this.#storage = storage;
    this.#tables = { sql, versions, records, entries, catalog: new Catalog(sql) };
    this.#sweeper = new Sweeper(storage, this.#tables);
  }

  store(name: string): StoreDef {
    return this.#tables.catalog.get(name);
  }

  /** A store as it is now, to read. */
  table(store: StoreDef, snapshot?: Snapshot): StoreTable {
    const moment = snapshot === undefined ? NOW : { asOf: snapshot.asOf, stamp: 0 };
    return new CommittedTable(this.#tables, store, moment);
  }

  get(store: string, key: Uint8Array): Uint8Array | undefined {
    return this.table(this.store(store)).get(key);
  }

  getAll(read: IndexedDBRead): Uint8Array[] {
    return operations.getAll(this.table(this.store(read.store)), read);
  }

  getAllKeys(read: IndexedDBRead): Uint8Array[] {
    return operations.getAllKeys(this.table(this.store(read.store)), read);
  }

  count(query: IndexedDBQuery): number {
    return operations.count(this.table(this.store(query.store)), query);
  }

  add(store: string, row: IndexedDBRow, waitMs?: number): Promise<void> | void {
    return this.#write(store, waitMs, (table) => operations.add(table, row));
  }

  put(store: string, row: IndexedDBRow, waitMs?: number): Promise<void> | void {
    return this.#write(store, waitMs, (table) => operations.put(table, row));
  }

  delete(query: IndexedDBQuery, waitMs?: number): Promise<number> | number {
    return this.#write(query.store, waitMs, (table) => operations.remove(table, query));
  }

  /**
   * Again for one that exists: the new schema, the old records. Without a change it does not even wait for its turn.
   */
  async createObjectStore(name: string, schema: IndexedDBSchema, waitMs?: number): Promise<void> {
    const { catalog } = this.#tables;
    const existing = catalog.find(name);
    if (existing !== undefined && isAsWanted(existing, schema)) return;
    await this.#alone(name, waitMs, async () => {
      const before = catalog.find(name);
      const ids = catalog.newIds(1 + schema.indexes.length);
      const indexes = schema.indexes.map((index, at) => kept(before, index) ?? indexDef(ids[at + 1] ?? 0, index));
      const after = { id: before?.id ?? ids[0] ?? 0, name, columns: schema.columns, indexes };
      const added = indexes.filter(({ id }) => ids.includes(id));
      if (before !== undefined) await this.#build(before, added);
      this.#replace(before, after, added);
    });
  }

  async deleteObjectStore(name: string, waitMs?: number): Promise<void> {
    if (this.#tables.catalog.find(name) === undefined) return;
    await this.#alone(name, waitMs, () => {
      const store = this.#tables.catalog.find(name);
      if (store === undefined) return;
      const stamp = this.#tables.versions.stamp();
      this.#atomically(() => {
        this.#tables.catalog.remove(name);
        retire(this.#tables, store, stamp);
      });
      this.#sweeper.start();
    });
  }

  /** All of it, or nothing. `work` is given the tables of the stores, which it must not keep. */
  writeAll<R>(stores: readonly StoreDef[], work: (tables: readonly StoreTable[]) => R): R {
    const moment = { ...NOW, stamp: this.#tables.versions.stamp() };
    const tables = stores.map((store) => new CommittedTable(this.#tables, store, moment));
    const result = this.#atomically(() => work(tables));
    if (tables.some((table, at) => table.store !== stores[at])) this.#sweeper.start();
    return result;
  }

  /** A walk through a store as it is now, and what keeps it so until it is dropped. */
  walk(input: IndexedDBCursorInput): { readonly walk: Walk; readonly snapshot: Snapshot } {
    const store = this.store(input.store);
    const index = operations.indexFor(store, input);
    const snapshot = this.takeSnapshot([store]);
    return { walk: new Walk(this.#tables, { store, index, asOf: snapshot.asOf }, input), snapshot };
  }

  takeSnapshot(stores: readonly StoreDef[]): Snapshot {
    return this.#tables.versions.take(stores.map(({ id }) => id));
  }

  dropSnapshot(snapshot: Snapshot): void {
    if (this.#tables.versions.drop(snapshot)) this.#sweeper.start();
  }

  /** More bytes that a transaction holds, or fewer. */
  hold(bytes: number): void {
    this.#held += bytes;
    if (bytes <= 0 || this.#held <= ALL_TRANSACTIONS_BYTES) return;
    const text = "The transactions of this database hold more than it has memory for. Try again when some have ended.";
    throw new ConnectError(text, Code.ResourceExhausted);
  }

  /** Removes some of what nobody sees. */
  sweep(): Promise<void> {
    return this.#sweeper.run();
  }

  /** At once if nobody is before it, since it is done before anybody else comes; else in turn. */
  #write<R>(name: string, waitMs: number | undefined, work: (table: StoreTable) => R): Promise<R> | R {
    const write = () => this.writeAll([this.store(name)], ([table]) => work(table as StoreTable));
    return this.turns.isFree(name) ? write() : this.#alone(name, waitMs, write);
  }

  async #alone<R>(store: string, waitMs: number | undefined, work: () => R | Promise<R>): Promise<R> {
    const turn = this.turns.toWrite([store], waitMs);
    try {
      await turn.come;
      return await work();
    } finally {
      turn.end();
    }
  }

  async #build(store: StoreDef, added: readonly IndexDef[]): Promise<void> {
    try {
      await buildIndexes(this.#storage, this.#tables, store, added);
    } catch (error) {
      this.#sweeper.start();
      throw error;
    }
  }

  #replace(before: StoreDef | undefined, after: StoreDef, added: readonly IndexDef[]): void {
    const { catalog, sql, versions } = this.#tables;
    const stamp = versions.stamp();
    this.#atomically(() => {
      catalog.set(after);
      for (const { id } of added) sql.exec("DELETE FROM retired_indexes WHERE index_id = ?", id);
      for (const index of before?.indexes ?? []) {
        if (!after.indexes.some(({ id }) => id === index.id)) retireIndex(this.#tables, index.id, stamp);
      }
    });
    this.#sweeper.start();
  }

  #atomically<R>(work: () => R): R {
    return this.#tables.catalog.atomically(this.#storage, work);
  }
}

function isAsWanted(store: StoreDef, { columns, indexes }: IndexedDBSchema): boolean {
  return (
    JSON.stringify(store.columns) === JSON.stringify(columns) &&
    store.indexes.length === indexes.length &&
    indexes.every((index) => kept(store, index) !== undefined)
  );
}

/** The index of the store that is just like this one. */
function kept(store: StoreDef | undefined, wanted: IndexedDBSchema["indexes"][number]): IndexDef | undefined {
  return store?.indexes.find(
    ({ name, keyPath, unique }) =>
      name === wanted.name &&
      unique === wanted.unique &&
      keyPath.length === wanted.keyPath.length &&
      keyPath.every((path, at) => path === wanted.keyPath[at]),
  );
}
