// What a transaction has written to one store and not committed. Only in memory: whatever ends the object ends it too.
import { compareIndexedDBKeys, type IndexedDBEntry, type IndexedDBRow } from "../../worker/index.ts";
import type { IndexDef, StoreDef } from "./catalog.ts";
import { WRITE_OVERHEAD_BYTES } from "./limits.ts";
import { SortedList } from "./sorted-list.ts";
import type { IndexKeys, Interval, StoreTable } from "./store-table.ts";

/** A record that was written; undefined for one that was removed. */
export interface Write {
  readonly key: Uint8Array;
  readonly record: Uint8Array | undefined;
  /** Of the store's indexes, in order. */
  readonly keys: IndexKeys;
}

export class Overlay {
  readonly #indexes: readonly IndexDef[];
  readonly #writes = new Map<string, Write>();
  #keys = new SortedList<Write>(compareWrites);
  /** By index. */
  #entries = new Map<number, SortedList<IndexedDBEntry>>();
  #cleared = false;
  #bytes = 0;

  constructor({ indexes }: StoreDef) {
    this.#indexes = indexes;
    this.#empty();
  }

  /** Whether nothing of what was committed is left. */
  get isCleared(): boolean {
    return this.#cleared;
  }

  get isEmpty(): boolean {
    return !this.#cleared && this.#writes.size === 0;
  }

  /** What it takes in memory, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined for a record it says nothing of. */
  find(key: Uint8Array): Write | undefined {
    return this.#writes.get(nameOf(key));
  }

  *within({ from, to }: Interval): Generator<IndexedDBRow> {
    const isWithin = ({ key }: Write) => compareIndexedDBKeys(key, to) < 0;
    for (const { key, record } of this.#keys.from({ key: from, ...REMOVED }, isWithin)) {
      if (record !== undefined) yield { key, record };
    }
  }

  /** With their records. */
  *entriesWithin({ id }: IndexDef, { from, to }: Interval): Generator<IndexedDBEntry> {
    const first = { key: from, kinds: 0, primaryKey: new Uint8Array() };
    yield* this.#entries.get(id)?.from(first, ({ key }) => compareIndexedDBKeys(key, to) < 0) ?? [];
  }

  set(write: Write): void {
    const name = nameOf(write.key);
    const before = this.#writes.get(name);
    if (before !== undefined) this.#forget(before);
    this.#writes.set(name, write);
    this.#keys.add(write);
    this.#bytes += sizeOf(write);
    for (const entry of this.#entriesOf(write)) {
      this.#entries.get(entry.index)?.add(entry);
      this.#bytes += sizeOf(entry);
    }
  }

  clear(): void {
    this.#cleared = true;
    this.#empty();
  }

  /** Writes all of it to where it was kept from. */
  apply(table: StoreTable): void {
    if (this.#cleared) table.removeAll();
    for (const { key, record, keys } of this.#writes.values()) {
      if (record === undefined) table.remove(key);
      else table.set({ key, record }, keys);
    }
  }

  #empty(): void {
    this.#writes.clear();
    this.#keys = new SortedList(compareWrites);
    this.#entries = new Map(this.#indexes.map(({ id }) => [id, new SortedList(compareEntries)]));
    this.#bytes = 0;
  }

  #forget(write: Write): void {
    this.#keys.remove(write);
    this.#bytes -= sizeOf(write);
    for (const entry of this.#entriesOf(write)) {
      this.#entries.get(entry.index)?.remove(entry);
      this.#bytes -= sizeOf(entry);
    }
  }

  *#entriesOf({ key: primaryKey, record, keys }: Write): Generator<IndexedDBEntry & { readonly index: number }> {
    for (const [at, found] of keys.entries()) {
      const index = this.#indexes[at]?.id;
      if (found !== undefined && index !== undefined) yield { ...found, index, primaryKey, record };
    }
  }
}

/** What there is to say of a record that was removed, beside its key. */
export const REMOVED = { record: undefined, keys: [] } as const;

function compareWrites(one: Write, other: Write): number {
  return compareIndexedDBKeys(one.key, other.key);
}

export function compareEntries(one: IndexedDBEntry, other: IndexedDBEntry): number {
  return compareIndexedDBKeys(one.key, other.key) || compareIndexedDBKeys(one.primaryKey, other.primaryKey);
}

/** Only tells keys apart: this decoder has a character of its own for each byte. */
const bytewise = new TextDecoder("latin1");

function nameOf(key: Uint8Array): string {
  return bytewise.decode(key);
}

/** An entry shares its record with the write it is of. */
function sizeOf(item: Write | IndexedDBEntry): number {
  const record = "kinds" in item ? 0 : (item.record?.byteLength ?? 0);
  return item.key.byteLength + record + WRITE_OVERHEAD_BYTES;
}
