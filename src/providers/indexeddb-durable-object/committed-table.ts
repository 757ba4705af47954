// A store as it is in SQLite, now or at an earlier version.
import {
  compareIndexedDBKeys,
  type IndexedDBEntry,
  type IndexedDBIndexKey,
  type IndexedDBRow,
} from "../../worker/index.ts";
import type { Catalog, IndexDef, StoreDef } from "./catalog.ts";
import type { EntryTable } from "./entry-table.ts";
import type { RecordTable } from "./record-table.ts";
import { retire } from "./retired.ts";
import type { IndexKeys, Interval, StoreTable } from "./store-table.ts";
import { LATEST, type Versions } from "./versions.ts";

/** The tables of one database. */
export interface Tables {
  readonly sql: SqlStorage;
  readonly versions: Versions;
  readonly catalog: Catalog;
  readonly records: RecordTable;
  readonly entries: EntryTable;
}

/** When it is looked at, or written. */
export interface Moment {
  readonly asOf: number;
  /** The version that what is written gets; only for a table of the latest one, and within one `transactionSync`. */
  readonly stamp: number;
}

export const NOW: Moment = { asOf: LATEST, stamp: 0 };

export class CommittedTable implements StoreTable {
  readonly #tables: Tables;
  readonly #asOf: number;
  readonly #stamp: number;
  #store: StoreDef;

  constructor(tables: Tables, store: StoreDef, { asOf, stamp }: Moment) {
    this.#tables = tables;
    this.#store = store;
    this.#asOf = asOf;
    this.#stamp = stamp;
  }

  get store(): StoreDef {
    return this.#store;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#tables.records.get(this.#store.id, key, this.#asOf);
  }

  has(key: Uint8Array): boolean {
    return this.#tables.records.has(this.#store.id, key, this.#asOf);
  }

  rows(interval: Interval): Iterable<IndexedDBRow> {
    return this.#tables.records.rows(this.#store.id, interval, this.#asOf);
  }

  keys(interval: Interval): Iterable<Uint8Array> {
    return this.#tables.records.keys(this.#store.id, interval, this.#asOf);
  }

  entries({ id }: IndexDef, interval: Interval): Iterable<IndexedDBEntry> {
    return this.#tables.entries.entries(id, interval, this.#asOf);
  }

  indexRows({ id }: IndexDef, interval: Interval): Iterable<IndexedDBEntry> {
    return this.#tables.entries.rows(this.#store.id, id, interval, this.#asOf);
  }

  count(interval: Interval): number {
    return this.#tables.records.count(this.#store.id, interval, this.#asOf);
  }

  indexCount({ id }: IndexDef, interval: Interval): number {
    return this.#tables.entries.count(id, interval, this.#asOf);
  }

  isTaken({ id }: IndexDef, key: Uint8Array, primaryKey: Uint8Array): boolean {
    return this.#tables.entries.isHeldByAnother(id, key, primaryKey);
  }

  set(row: IndexedDBRow, keys: IndexKeys): void {
    const { id, indexes } = this.#store;
    const replaced = this.#tables.records.set(id, row, this.#stamp);
    for (const [at, index] of indexes.entries()) {
      const before = replaced && index.keyOf(replaced);
      const after = keys[at];
      if (isSame(before, after)) continue;
      if (before !== undefined) this.#removeEntry(index, before, row.key);
      if (after !== undefined) this.#tables.entries.add(index.id, after, row.key, this.#stamp);
    }
  }

  remove(key: Uint8Array): void {
    const { id, indexes } = this.#store;
    const removed = this.#tables.records.remove(id, key, this.#stamp);
    if (removed === undefined) return;
    for (const index of indexes) {
      const before = index.keyOf(removed);
      if (before !== undefined) this.#removeEntry(index, before, key);
    }
  }

  /**
   * However many records there are: the store goes on under other ids, and what lies under the old ones is swept later.
   */
  removeAll(): void {
    const { catalog } = this.#tables;
    const [id = 0, ...ids] = catalog.newIds(1 + this.#store.indexes.length);
    retire(this.#tables, this.#store, this.#stamp);
    const indexes = this.#store.indexes.map((index, at) => ({ ...index, id: ids[at] ?? 0 }));
    this.#store = { ...this.#store, id, indexes };
    catalog.set(this.#store);
  }

  #removeEntry(index: IndexDef, key: IndexedDBIndexKey, primaryKey: Uint8Array): void {
    this.#tables.entries.remove(this.#store.id, index.id, key, primaryKey, this.#stamp);
  }
}

function isSame(one: IndexedDBIndexKey | undefined, other: IndexedDBIndexKey | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.kinds === other.kinds && compareIndexedDBKeys(one.key, other.key) === 0;
}
