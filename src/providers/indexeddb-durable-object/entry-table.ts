// The entries of all indexes in SQLite: a row for each record that is in one, in the order of the index.
import type { IndexedDBEntry, IndexedDBIndexKey, IndexedDBQuery } from "../../worker/index.ts";
import type { RecordTable } from "./record-table.ts";
import { IN_FORCE } from "./schema.ts";
import type { Versions } from "./versions.ts";

type Interval = Pick<IndexedDBQuery, "from" | "to">;

/** A row as queries select it. */
export type EntryRow = { key: ArrayBuffer; kinds: number; primary_key: ArrayBuffer };

/** An entry and its record, as an array: as objects, rows take longer. */
type JoinedRow = [ArrayBuffer, number, ArrayBuffer, number, number, ArrayBuffer];

const VISIBLE = "e.until > ? AND e.since <= ?";
const WITHIN = `e.index_id = ? AND e.key >= ? AND e.key < ? AND ${VISIBLE}`;
const ONE = "index_id = ? AND key = ? AND primary_key = ?";

export class EntryTable {
  readonly #sql: SqlStorage;
  readonly #versions: Versions;
  readonly #records: RecordTable;

  constructor(sql: SqlStorage, versions: Versions, records: RecordTable) {
    this.#sql = sql;
    this.#versions = versions;
    this.#records = records;
  }

  *entries(index: number, { from, to }: Interval, asOf: number): Generator<IndexedDBEntry> {
    const query = `SELECT e.key, e.kinds, e.primary_key FROM entries e WHERE ${WITHIN} ORDER BY e.key, e.primary_key`;
    for (const row of this.#sql.exec<EntryRow>(query, index, from, to, asOf, asOf)) yield entryOf(row);
  }

  /** With their records. The order of the join is ours: the planner has no statistics to know it by. */
  *rows(store: number, index: number, { from, to }: Interval, asOf: number): Generator<IndexedDBEntry> {
    const query = `
      SELECT e.key, e.kinds, e.primary_key, r.id, r.size, r.head
      FROM entries e CROSS JOIN records r
        ON r.store = ? AND r.key = e.primary_key AND r.until > ? AND r.since <= ?
      WHERE ${WITHIN} ORDER BY e.key, e.primary_key`;
    const rows = this.#sql.exec(query, store, asOf, asOf, index, from, to, asOf, asOf).raw<JoinedRow>();
    for (const [key, kinds, primary_key, id, size, head] of rows) {
      yield { ...entryOf({ key, kinds, primary_key }), record: this.#records.whole({ id, size, head }) };
    }
  }

  count(index: number, { from, to }: Interval, asOf: number): number {
    const query = `SELECT COUNT(*) AS count FROM entries e WHERE ${WITHIN}`;
    return this.#sql.exec<{ count: number }>(query, index, from, to, asOf, asOf).one().count;
  }

  /** A record that has the key now, other than the one of that primary key. */
  isHeldByAnother(index: number, key: Uint8Array, primaryKey: Uint8Array): boolean {
    const query = `
      SELECT 1 FROM entries WHERE index_id = ? AND key = ? AND until = ${IN_FORCE} AND primary_key <> ? LIMIT 1`;
    return this.#sql.exec(query, index, key, primaryKey).toArray().length > 0;
  }

  add(index: number, { key, kinds }: IndexedDBIndexKey, primaryKey: Uint8Array, stamp: number): void {
    const insert = `
      INSERT INTO entries (index_id, key, primary_key, until, since, kinds) VALUES (?, ?, ?, ${IN_FORCE}, ?, ?)`;
    this.#sql.exec(insert, index, key, primaryKey, stamp, kinds);
  }

  remove(store: number, index: number, { key }: IndexedDBIndexKey, primaryKey: Uint8Array, stamp: number): void {
    if (this.#isSeen(store, index, key, primaryKey)) {
      const retire = `UPDATE entries SET until = ? WHERE ${ONE} AND until = ${IN_FORCE}`;
      this.#sql.exec(retire, stamp, index, key, primaryKey);
    } else {
      this.#sql.exec(`DELETE FROM entries WHERE ${ONE} AND until = ${IN_FORCE}`, index, key, primaryKey);
    }
  }

  /**
   * Deletes rows that nobody sees: those replaced up to the version, or any of an index. Answers how many there were,
   * up to `limit`.
   */
  sweepReplaced(upTo: number, limit: number): number {
    return this.#delete(`until < ${IN_FORCE} AND until <= ?`, upTo, limit);
  }

  sweepIndex(index: number, limit: number): number {
    return this.#delete("index_id = ?", index, limit);
  }

  #isSeen(store: number, index: number, key: Uint8Array, primaryKey: Uint8Array): boolean {
    // Mostly nobody looks, and since when the entry is there need not be read.
    if (!this.#versions.isSeen(store, 0)) return false;
    const query = `SELECT since FROM entries WHERE ${ONE} AND until = ${IN_FORCE}`;
    const [row] = this.#sql.exec<{ since: number }>(query, index, key, primaryKey);
    return row !== undefined && this.#versions.isSeen(store, row.since);
  }

  #delete(condition: string, value: number, limit: number): number {
    return this.#sql
      .exec(
        `DELETE FROM entries WHERE (index_id, key, primary_key, until) IN
           (SELECT index_id, key, primary_key, until FROM entries WHERE ${condition} LIMIT ?) RETURNING 1`,
        value,
        limit,
      )
      .toArray().length;
  }
}

export function entryOf({ key, kinds, primary_key }: EntryRow): IndexedDBEntry {
  return { key: new Uint8Array(key), kinds, primaryKey: new Uint8Array(primary_key) };
}
