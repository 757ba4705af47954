// The records of all stores in SQLite, in all versions that somebody sees.
import type { IndexedDBQuery, IndexedDBRow } from "../../worker/index.ts";
import { PIECE_BYTES } from "./limits.ts";
import { IN_FORCE } from "./schema.ts";
import type { Versions } from "./versions.ts";

type Interval = Pick<IndexedDBQuery, "from" | "to">;

/** A row as queries select it. */
type StoredRow = { id: number; size: number; head: ArrayBuffer };

const VISIBLE = "until > ? AND since <= ?";
const WITHIN = `store = ? AND key >= ? AND key < ? AND ${VISIBLE}`;

export class RecordTable {
  readonly #sql: SqlStorage;
  readonly #versions: Versions;

  constructor(sql: SqlStorage, versions: Versions) {
    this.#sql = sql;
    this.#versions = versions;
  }

  get(store: number, key: Uint8Array, asOf: number): Uint8Array | undefined {
    const query = `SELECT id, size, head FROM records WHERE store = ? AND key = ? AND ${VISIBLE}`;
    const [row] = this.#sql.exec<StoredRow>(query, store, key, asOf, asOf);
    return row && this.whole(row);
  }

  has(store: number, key: Uint8Array, asOf: number): boolean {
    const query = `SELECT 1 FROM records WHERE store = ? AND key = ? AND ${VISIBLE}`;
    return this.#sql.exec(query, store, key, asOf, asOf).toArray().length > 0;
  }

  *rows(store: number, { from, to }: Interval, asOf: number): Generator<IndexedDBRow> {
    const query = `SELECT key, id, size, head FROM records WHERE ${WITHIN} ORDER BY key`;
    // Rows as arrays: as objects they take half as long again.
    const rows = this.#sql.exec(query, store, from, to, asOf, asOf).raw<[ArrayBuffer, number, number, ArrayBuffer]>();
    for (const [key, id, size, head] of rows) {
      yield { key: new Uint8Array(key), record: this.whole({ id, size, head }) };
    }
  }

  *keys(store: number, { from, to }: Interval, asOf: number): Generator<Uint8Array> {
    const query = `SELECT key FROM records WHERE ${WITHIN} ORDER BY key`;
    const rows = this.#sql.exec<{ key: ArrayBuffer }>(query, store, from, to, asOf, asOf);
    for (const { key } of rows) yield new Uint8Array(key);
  }

  count(store: number, { from, to }: Interval, asOf: number): number {
    const query = `SELECT COUNT(*) AS count FROM records WHERE ${WITHIN}`;
    return this.#sql.exec<{ count: number }>(query, store, from, to, asOf, asOf).one().count;
  }

  /** Writes a record over the one in force, if there is one, and answers what that was. */
  set(store: number, { key, record }: IndexedDBRow, stamp: number): Uint8Array | undefined {
    const old = this.#inForce(store, key);
    if (old !== undefined && !this.#versions.isSeen(store, old.since)) {
      const replaced = this.whole(old);
      // Those who look do not see the row, and those to come see it from `since` on as well as from now on. So that
      // stays as it is, and with it the index it is part of: a page less to write.
      const update = "UPDATE records SET size = ?, head = ? WHERE id = ?";
      this.#sql.exec(update, record.byteLength, record.subarray(0, PIECE_BYTES), old.id);
      this.#setPieces(old, record);
      return replaced;
    }
    if (old !== undefined) this.#sql.exec("UPDATE records SET until = ? WHERE id = ?", stamp, old.id);
    const insert = `
      INSERT INTO records (store, key, since, until, size, head) VALUES (?, ?, ?, ${IN_FORCE}, ?, ?) RETURNING id`;
    const head = record.subarray(0, PIECE_BYTES);
    const { id } = this.#sql.exec<{ id: number }>(insert, store, key, stamp, record.byteLength, head).one();
    this.#setPieces({ id, size: 0 }, record);
    return old && this.whole(old);
  }

  /** Removes the record in force, and answers what it was. */
  remove(store: number, key: Uint8Array, stamp: number): Uint8Array | undefined {
    const old = this.#inForce(store, key);
    if (old === undefined) return undefined;
    const removed = this.whole(old);
    if (this.#versions.isSeen(store, old.since)) {
      this.#sql.exec("UPDATE records SET until = ? WHERE id = ?", stamp, old.id);
    } else this.#delete([old]);
    return removed;
  }

  /**
   * Deletes rows that nobody sees: those replaced up to the version, or any of a store. Answers how many there were, up
   * to `limit`.
   */
  sweepReplaced(upTo: number, limit: number): number {
    const query = `SELECT id, size FROM records WHERE until < ${IN_FORCE} AND until <= ? LIMIT ?`;
    return this.#delete(this.#sql.exec<{ id: number; size: number }>(query, upTo, limit).toArray());
  }

  sweepStore(store: number, limit: number): number {
    const query = "SELECT id, size FROM records WHERE store = ? LIMIT ?";
    return this.#delete(this.#sql.exec<{ id: number; size: number }>(query, store, limit).toArray());
  }

  /** The record of a row, with the pieces that did not fit into it. */
  whole({ id, size, head }: StoredRow): Uint8Array {
    if (size <= PIECE_BYTES) return new Uint8Array(head);
    const record = new Uint8Array(size);
    record.set(new Uint8Array(head));
    const query = "SELECT number, bytes FROM pieces WHERE record = ?";
    for (const { number, bytes } of this.#sql.exec<{ number: number; bytes: ArrayBuffer }>(query, id)) {
      record.set(new Uint8Array(bytes), number * PIECE_BYTES);
    }
    return record;
  }

  #inForce(store: number, key: Uint8Array): (StoredRow & { since: number }) | undefined {
    const query = `SELECT id, since, size, head FROM records WHERE store = ? AND key = ? AND until = ${IN_FORCE}`;
    return this.#sql.exec<StoredRow & { since: number }>(query, store, key).toArray()[0];
  }

  /** `before` is the row as it was: nothing needs removing where there were no pieces. */
  #setPieces(before: Pick<StoredRow, "id" | "size">, record: Uint8Array): void {
    if (before.size > PIECE_BYTES) this.#sql.exec("DELETE FROM pieces WHERE record = ?", before.id);
    for (let at = PIECE_BYTES; at < record.byteLength; at += PIECE_BYTES) {
      const piece = record.subarray(at, at + PIECE_BYTES);
      const insert = "INSERT INTO pieces (record, number, bytes) VALUES (?, ?, ?)";
      this.#sql.exec(insert, before.id, at / PIECE_BYTES, piece);
    }
  }

  #delete(rows: readonly Pick<StoredRow, "id" | "size">[]): number {
    for (const { id, size } of rows) {
      if (size > PIECE_BYTES) this.#sql.exec("DELETE FROM pieces WHERE record = ?", id);
      this.#sql.exec("DELETE FROM records WHERE id = ?", id);
    }
    return rows.length;
  }
}
