// A store as the transaction sees it that is writing to it: what was committed, with what it has written over that.
import { compareIndexedDBKeys, type IndexedDBEntry, type IndexedDBRow } from "../../worker/index.ts";
import type { IndexDef, StoreDef } from "./catalog.ts";
import { justAfter } from "./key-bytes.ts";
import { compareEntries, type Overlay, REMOVED } from "./overlay.ts";
import { merged } from "./sorted-list.ts";
import type { IndexKeys, Interval, StoreTable } from "./store-table.ts";

export class OverlaidTable implements StoreTable {
  readonly #committed: StoreTable;
  readonly #overlay: Overlay;
  /** Told how many more bytes are held, or fewer; throws when they are too many, and the transaction is lost. */
  readonly #reserve: (bytes: number) => void;

  constructor(committed: StoreTable, overlay: Overlay, reserve: (bytes: number) => void) {
    this.#committed = committed;
    this.#overlay = overlay;
    this.#reserve = reserve;
  }

  get store(): StoreDef {
    return this.#committed.store;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const write = this.#overlay.find(key);
    if (write !== undefined) return write.record;
    return this.#overlay.isCleared ? undefined : this.#committed.get(key);
  }

  has(key: Uint8Array): boolean {
    const write = this.#overlay.find(key);
    if (write !== undefined) return write.record !== undefined;
    return !this.#overlay.isCleared && this.#committed.has(key);
  }

  rows(interval: Interval): Iterable<IndexedDBRow> {
    const left = this.#left(this.#committed.rows(interval), ({ key }) => key);
    return merged(left, this.#overlay.within(interval), (one, other) => compareIndexedDBKeys(one.key, other.key));
  }

  *keys(interval: Interval): Iterable<Uint8Array> {
    const left = this.#left(this.#committed.keys(interval), (key) => key);
    yield* merged(left, keysOf(this.#overlay.within(interval)), compareIndexedDBKeys);
  }

  entries(index: IndexDef, interval: Interval): Iterable<IndexedDBEntry> {
    return this.#merged(this.#committed.entries(index, interval), index, interval);
  }

  indexRows(index: IndexDef, interval: Interval): Iterable<IndexedDBEntry> {
    return this.#merged(this.#committed.indexRows(index, interval), index, interval);
  }

  /**
   * Counted one by one where something was written: what of it lies in the interval, and lay there before, is not known
   * otherwise.
   */
  count(interval: Interval): number {
    return this.#overlay.isEmpty ? this.#committed.count(interval) : length(this.keys(interval));
  }

  indexCount(index: IndexDef, interval: Interval): number {
    return this.#overlay.isEmpty ? this.#committed.indexCount(index, interval) : length(this.entries(index, interval));
  }

  isTaken(index: IndexDef, key: Uint8Array, primaryKey: Uint8Array): boolean {
    const only = { from: key, to: justAfter(key) };
    for (const entry of this.entries(index, only)) {
      if (compareIndexedDBKeys(entry.primaryKey, primaryKey) !== 0) return true;
    }
    return false;
  }

  set(row: IndexedDBRow, keys: IndexKeys): void {
    this.#change(() => this.#overlay.set({ ...row, keys }));
  }

  remove(key: Uint8Array): void {
    this.#change(() => this.#overlay.set({ key, ...REMOVED }));
  }

  removeAll(): void {
    this.#change(() => this.#overlay.clear());
  }

  #change(change: () => void): void {
    const before = this.#overlay.bytes;
    change();
    this.#reserve(this.#overlay.bytes - before);
  }

  #merged(committed: Iterable<IndexedDBEntry>, index: IndexDef, interval: Interval): Iterable<IndexedDBEntry> {
    const left = this.#left(committed, ({ primaryKey }) => primaryKey);
    return merged(left, this.#overlay.entriesWithin(index, interval), compareEntries);
  }

  /** What was committed and not written over. */
  *#left<T>(items: Iterable<T>, primaryKeyOf: (item: T) => Uint8Array): Generator<T> {
    if (this.#overlay.isCleared) return;
    for (const item of items) if (this.#overlay.find(primaryKeyOf(item)) === undefined) yield item;
  }
}

function* keysOf(rows: Iterable<IndexedDBRow>): Generator<Uint8Array> {
  for (const { key } of rows) yield key;
}

function length(items: Iterable<unknown>): number {
  let count = 0;
  for (const _ of items) count += 1;
  return count;
}
