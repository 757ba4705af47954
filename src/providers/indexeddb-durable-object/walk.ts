// A walk through a store or an index as it was at one version: page by page, in any direction.
import type { IndexedDBCursorInput, IndexedDBCursorRead, IndexedDBEntry } from "../../worker/index.ts";
import type { IndexDef, StoreDef } from "./catalog.ts";
import type { Tables } from "./committed-table.ts";
import { type EntryRow, entryOf } from "./entry-table.ts";
import { BELOW_ALL, justAfter } from "./key-bytes.ts";

/** What a walk goes through. */
export interface Ground {
  readonly store: StoreDef;
  /** Undefined for the store by primary keys. */
  readonly index: IndexDef | undefined;
  readonly asOf: number;
}

const VISIBLE = "until > ? AND since <= ?";

export class Walk {
  readonly #tables: Tables;
  readonly #ground: Ground;
  readonly #keysOnly: boolean;
  readonly #unique: boolean;
  readonly #order: "ASC" | "DESC";
  /** The interval that is left. */
  #from: Uint8Array;
  #to: Uint8Array;
  /**
   * Of the key at its near end, the records up to this primary key are done. None is as short as what it begins with.
   */
  #past: Uint8Array = BELOW_ALL;

  constructor(tables: Tables, ground: Ground, { from, to, direction, keysOnly }: IndexedDBCursorInput) {
    this.#tables = tables;
    this.#ground = ground;
    this.#keysOnly = keysOnly;
    this.#unique = direction === "nextunique" || direction === "prevunique";
    this.#order = direction === "next" || direction === "nextunique" ? "ASC" : "DESC";
    this.#from = from;
    this.#to = to;
  }

  read({ bound, skip, limit, maxBytes }: IndexedDBCursorRead): IndexedDBEntry[] {
    if (bound !== undefined) this.#goOnAt(bound);
    const entries: IndexedDBEntry[] = [];
    let bytes = 0;
    for (const place of this.#places(skip, limit)) {
      const record = this.#keysOnly ? undefined : (place.record ?? this.#recordOf(place.primaryKey));
      entries.push({ ...place, record });
      bytes += place.key.byteLength + place.primaryKey.byteLength + (record?.byteLength ?? 0);
      if (bytes >= maxBytes) break;
    }
    const last = entries.at(-1);
    if (last !== undefined) this.#leave(last);
    return entries;
  }

  #places(skip: number, limit: number): Iterable<IndexedDBEntry> {
    const { index } = this.#ground;
    if (index === undefined) return this.#inStore(skip, limit);
    return this.#unique ? this.#uniqueInIndex(index.id, skip, limit) : this.#inIndex(index.id, skip, limit);
  }

  /** With records, where they are wanted: they lie at hand here. */
  *#inStore(skip: number, limit: number): Generator<IndexedDBEntry> {
    const query = `
      SELECT key${this.#keysOnly ? "" : ", id, size, head"} FROM records
      WHERE store = ? AND key >= ? AND key < ? AND ${VISIBLE}
      ORDER BY key ${this.#order} LIMIT ? OFFSET ?`;
    const { store, asOf } = this.#ground;
    const bindings = [store.id, this.#from, this.#to, asOf, asOf, limit, skip];
    const rows = this.#tables.sql.exec(query, ...bindings).raw<[ArrayBuffer, number, number, ArrayBuffer]>();
    for (const [bytes, id, size, head] of rows) {
      const key = new Uint8Array(bytes);
      const record = this.#keysOnly ? undefined : this.#tables.records.whole({ id, size, head });
      yield { key, kinds: 0, primaryKey: key, record };
    }
  }

  /** The near end is a pair, so that a page begins where the last one ended, however many records have one key. */
  *#inIndex(index: number, skip: number, limit: number): Generator<IndexedDBEntry> {
    const isAscending = this.#order === "ASC";
    const interval = isAscending
      ? "(key, primary_key) > (?, ?) AND key < ?"
      : "key >= ? AND (key, primary_key) < (?, ?)";
    const query = `
      SELECT key, kinds, primary_key FROM entries WHERE index_id = ? AND ${interval} AND ${VISIBLE}
      ORDER BY key ${this.#order}, primary_key ${this.#order} LIMIT ? OFFSET ?`;
    const ends = isAscending ? [this.#from, this.#past, this.#to] : [this.#from, this.#to, this.#past];
    const { asOf } = this.#ground;
    const bindings = [index, ...ends, asOf, asOf, limit, skip];
    for (const row of this.#tables.sql.exec<EntryRow>(query, ...bindings)) yield entryOf(row);
  }

  /** One key after the other, so that it does not matter how many records have the same. */
  *#uniqueInIndex(index: number, skip: number, limit: number): Generator<IndexedDBEntry> {
    for (let passed = 0; passed < skip + limit; passed++) {
      const place = this.#firstOfNextKey(index);
      if (place === undefined) return;
      this.#leave(place);
      if (passed >= skip) yield place;
    }
  }

  #firstOfNextKey(index: number): IndexedDBEntry | undefined {
    const next = this.#first(index, this.#from, this.#to, `key ${this.#order}, primary_key ${this.#order}`);
    if (next === undefined || this.#order === "ASC") return next;
    return this.#first(index, next.key, justAfter(next.key), "key, primary_key");
  }

  #first(index: number, from: Uint8Array, to: Uint8Array, order: string): IndexedDBEntry | undefined {
    const query = `
      SELECT key, kinds, primary_key FROM entries WHERE index_id = ? AND key >= ? AND key < ? AND ${VISIBLE}
      ORDER BY ${order} LIMIT 1`;
    const { asOf } = this.#ground;
    const [row] = this.#tables.sql.exec<EntryRow>(query, index, from, to, asOf, asOf);
    return row && entryOf(row);
  }

  #recordOf(primaryKey: Uint8Array): Uint8Array | undefined {
    const { store, asOf } = this.#ground;
    return this.#tables.records.get(store.id, primaryKey, asOf);
  }

  #goOnAt(bound: Uint8Array): void {
    if (this.#order === "ASC") this.#from = bound;
    else this.#to = bound;
    this.#past = BELOW_ALL;
  }

  /** The entry is done, and all before it. */
  #leave({ key, primaryKey }: IndexedDBEntry): void {
    if (this.#ground.index !== undefined && !this.#unique) {
      this.#goOnAt(key);
      this.#past = primaryKey;
    } else this.#goOnAt(this.#order === "ASC" ? justAfter(key) : key);
  }
}
