// A store as operations see it: what was committed, or with what a transaction has written over it.
import type { IndexedDBEntry, IndexedDBIndexKey, IndexedDBQuery, IndexedDBRow } from "../../worker/index.ts";
import type { IndexDef, StoreDef } from "./catalog.ts";

/** Undefined where the record is not in the index. */
export type IndexKeys = readonly (IndexedDBIndexKey | undefined)[];

export function indexKeysOf({ indexes }: StoreDef, record: Uint8Array): IndexKeys {
  return indexes.map(({ keyOf }) => keyOf(record));
}

export type Interval = Pick<IndexedDBQuery, "from" | "to">;

/** Everything is in ascending order, and read while it is gone through: nothing may be written until that is over. */
export interface StoreTable {
  readonly store: StoreDef;
  get(key: Uint8Array): Uint8Array | undefined;
  has(key: Uint8Array): boolean;
  rows(interval: Interval): Iterable<IndexedDBRow>;
  keys(interval: Interval): Iterable<Uint8Array>;
  entries(index: IndexDef, interval: Interval): Iterable<IndexedDBEntry>;
  /** Entries with their records. */
  indexRows(index: IndexDef, interval: Interval): Iterable<IndexedDBEntry>;
  count(interval: Interval): number;
  indexCount(index: IndexDef, interval: Interval): number;
  /** Whether a record other than that of the primary key has the index key. */
  isTaken(index: IndexDef, key: Uint8Array, primaryKey: Uint8Array): boolean;
  /**
   * Writes a record and its entries; what unique indexes say was asked before. `keys` are its keys in the store's
   * indexes, in order.
   */
  set(row: IndexedDBRow, keys: IndexKeys): void;
  remove(key: Uint8Array): void;
  removeAll(): void;
}
