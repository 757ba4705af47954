// The operations on a store, whichever way it is seen.
import {
  assertIndexFields,
  compareIndexedDBKeys,
  IndexedDBAlreadyExistsError,
  type IndexedDBEntry,
  type IndexedDBQuery,
  type IndexedDBRead,
  type IndexedDBRow,
} from "../../worker/index.ts";
import { type IndexDef, indexOf, type StoreDef } from "./catalog.ts";
import { ABOVE_ALL } from "./key-bytes.ts";
import { REMOVE_ROWS } from "./limits.ts";
import { type Interval, indexKeysOf, type StoreTable } from "./store-table.ts";

export function add(table: StoreTable, row: IndexedDBRow): void {
  if (table.has(row.key)) throw new IndexedDBAlreadyExistsError();
  put(table, row);
}

export function put(table: StoreTable, row: IndexedDBRow): void {
  const keys = indexKeysOf(table.store, row.record);
  for (const [at, index] of table.store.indexes.entries()) {
    const found = index.unique ? keys[at] : undefined;
    if (found !== undefined && table.isTaken(index, found.key, row.key)) throw new IndexedDBAlreadyExistsError();
  }
  table.set(row, keys);
}

export function getAll(table: StoreTable, read: IndexedDBRead): Uint8Array[] {
  const index = indexFor(table.store, read);
  if (index === undefined) return take(table.rows(read), read, ({ record }) => record);
  return take(table.indexRows(index, read), read, ({ record }) => record ?? NOTHING);
}

export function getAllKeys(table: StoreTable, read: IndexedDBRead): Uint8Array[] {
  const index = indexFor(table.store, read);
  if (index === undefined) return take(table.keys(read), read, (key) => key);
  return take(table.entries(index, read), read, ({ primaryKey }) => primaryKey);
}

export function count(table: StoreTable, query: IndexedDBQuery): number {
  const index = indexFor(table.store, query);
  return index === undefined ? table.count(query) : table.indexCount(index, query);
}

/** How many there were. */
export function remove(table: StoreTable, query: IndexedDBQuery): number {
  const index = indexFor(table.store, query);
  if (index === undefined && isEverything(query)) {
    const removed = table.count(query);
    if (removed > 0) table.removeAll();
    return removed;
  }
  let removed = 0;
  let from = query.from;
  // Some at a time: nothing may be written while the table is read, and not all keys need be in memory at once.
  for (;;) {
    const places = firstOf(placesIn(table, index, { from, to: query.to }), REMOVE_ROWS);
    for (const { primaryKey } of places) table.remove(primaryKey);
    removed += places.length;
    from = places.at(-1)?.key ?? from;
    if (places.length < REMOVE_ROWS) return removed;
  }
}

const NOTHING = new Uint8Array();

type Place = Pick<IndexedDBEntry, "key" | "primaryKey">;

function placesIn(table: StoreTable, index: IndexDef | undefined, interval: Interval): Iterable<Place> {
  return index === undefined ? storePlaces(table, interval) : table.entries(index, interval);
}

function* storePlaces(table: StoreTable, interval: Interval): Generator<Place> {
  for (const key of table.keys(interval)) yield { key, primaryKey: key };
}

function firstOf<T>(items: Iterable<T>, count: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    first.push(item);
    if (first.length === count) break;
  }
  return first;
}

/** The index that the query is on, if it is on one. Throws what is wrong with it. */
export function indexFor(store: StoreDef, { index, fields }: IndexedDBQuery): IndexDef | undefined {
  if (index === undefined) return undefined;
  const found = indexOf(store, index);
  assertIndexFields(fields, found.keyPath);
  return found;
}

/** Up to the limit, or until there is more than can be sent. */
function take<T>(
  items: Iterable<T>,
  { limit = Number.POSITIVE_INFINITY, maxBytes }: Pick<IndexedDBRead, "limit" | "maxBytes">,
  bytesOf: (item: T) => Uint8Array,
): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  if (limit < 1) return taken;
  for (const item of items) {
    const each = bytesOf(item);
    taken.push(each);
    bytes += each.byteLength;
    if (taken.length >= limit || bytes > maxBytes) break;
  }
  return taken;
}

function isEverything({ from, to }: Interval): boolean {
  return from.byteLength === 0 && compareIndexedDBKeys(to, ABOVE_ALL) >= 0;
}
