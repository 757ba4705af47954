// The entries of one object in SQLite. An entry is a row; what does not fit into a row follows in pieces.
import { PIECE_BYTES } from "./limits.ts";

// Keys are blobs, so that SQLite compares bytes and nothing is special about NUL or about case.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    deadline INTEGER,
    size INTEGER NOT NULL,
    head BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS entries_by_deadline ON entries (deadline) WHERE deadline IS NOT NULL;
  CREATE TABLE IF NOT EXISTS pieces (
    entry INTEGER NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (entry, number)
  );
`;

const LIVE = "(deadline IS NULL OR deadline > ?)";

const encoder = new TextEncoder();

/** All times are milliseconds since the epoch; a null deadline is never. */
export class EntryTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** The live value; null when there is none. */
  read(key: string, now: number): Uint8Array | null {
    const query = `SELECT id, size, head FROM entries WHERE key = ? AND ${LIVE}`;
    const [row] = this.#sql.exec<{ id: number; size: number; head: ArrayBuffer }>(query, encoder.encode(key), now);
    if (row === undefined) return null;
    return row.size <= PIECE_BYTES ? new Uint8Array(row.head) : this.#join(row.id, row.size, row.head);
  }

  write(key: string, value: Uint8Array, deadline: number | null): void {
    const { id } = this.#sql
      .exec<{ id: number }>(
        `INSERT INTO entries (key, deadline, size, head) VALUES (?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET deadline = excluded.deadline, size = excluded.size, head = excluded.head
         RETURNING id`,
        encoder.encode(key),
        deadline,
        value.byteLength,
        value.subarray(0, PIECE_BYTES),
      )
      .one();
    this.#sql.exec("DELETE FROM pieces WHERE entry = ?", id);
    for (let at = PIECE_BYTES; at < value.byteLength; at += PIECE_BYTES) {
      const piece = value.subarray(at, at + PIECE_BYTES);
      this.#sql.exec("INSERT INTO pieces (entry, number, bytes) VALUES (?, ?, ?)", id, at / PIECE_BYTES, piece);
    }
  }

  /** Removes the entry also when it has expired, but then says that there was none. */
  remove(key: string, now: number): boolean {
    const query = "DELETE FROM entries WHERE key = ? RETURNING id, deadline";
    const [row] = this.#sql.exec<{ id: number; deadline: number | null }>(query, encoder.encode(key));
    if (row === undefined) return false;
    this.#sql.exec("DELETE FROM pieces WHERE entry = ?", row.id);
    return row.deadline === null || row.deadline > now;
  }

  touch(key: string, deadline: number | null, now: number): boolean {
    const query = `UPDATE entries SET deadline = ? WHERE key = ? AND ${LIVE} RETURNING id`;
    return this.#sql.exec(query, deadline, encoder.encode(key), now).toArray().length > 0;
  }

  /** Removes at most `limit` expired entries; answers whether more are left. */
  sweep(now: number, limit: number): boolean {
    const query = "SELECT id FROM entries WHERE deadline <= ? ORDER BY deadline LIMIT ?";
    const expired = this.#sql.exec<{ id: number }>(query, now, limit).toArray();
    for (const { id } of expired) {
      this.#sql.exec("DELETE FROM pieces WHERE entry = ?", id);
      this.#sql.exec("DELETE FROM entries WHERE id = ?", id);
    }
    return expired.length === limit;
  }

  /** When the next entry expires; null when none ever does. */
  nextDeadline(): number | null {
    const query = "SELECT MIN(deadline) AS deadline FROM entries WHERE deadline IS NOT NULL";
    return this.#sql.exec<{ deadline: number | null }>(query).one().deadline;
  }

  #join(id: number, size: number, head: ArrayBuffer): Uint8Array {
    const value = new Uint8Array(size);
    value.set(new Uint8Array(head));
    const query = "SELECT number, bytes FROM pieces WHERE entry = ?";
    for (const { number, bytes } of this.#sql.exec<{ number: number; bytes: ArrayBuffer }>(query, id)) {
      value.set(new Uint8Array(bytes), number * PIECE_BYTES);
    }
    return value;
  }
}
