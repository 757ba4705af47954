// Where stores outlive the object's memory: its SQLite. Read when the object starts, written with each commit.
import { assertFits, type Store, storeOf } from "./store.ts";

/** What a commit makes of one store; undefined where there is none. */
export interface Change {
  /** The database's name and the store's. */
  readonly name: readonly [database: string, store: string];
  readonly before: Store | undefined;
  readonly after: Store | undefined;
}

/** A row of SQLite takes 2 MB in a Durable Object, and a record has up to 4 MiB. */
const PIECE_BYTES = 1024 * 1024;

type Loaded = readonly (readonly [name: Change["name"], store: Store])[];

export class Disk {
  readonly #storage: DurableObjectStorage;
  #bytes = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    // Names as JSON: SQLite ends a text at its first NUL.
    storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS stores (name TEXT PRIMARY KEY, schema TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS pieces (
        store TEXT NOT NULL, key BLOB NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (store, key, number)
      ) WITHOUT ROWID;
    `);
  }

  load(): Loaded {
    const stores = this.#storage.sql
      .exec<{ name: string; schema: string }>("SELECT name, schema FROM stores")
      .toArray();
    return stores.map(({ name, schema }) => {
      const store = storeOf(JSON.parse(schema), this.#rows(name));
      this.#bytes += store.bytes;
      return [JSON.parse(name), store] as const;
    });
  }

  /** All of it, or nothing. */
  write(changes: readonly Change[]): void {
    const more = changes.reduce((sum, { before, after }) => sum + (after?.bytes ?? 0) - (before?.bytes ?? 0), 0);
    if (more > 0) assertFits(this.#bytes + more);
    this.#storage.transactionSync(() => {
      for (const change of changes) this.#write(change);
    });
    this.#bytes += more;
  }

  #write({ name: names, before, after }: Change): void {
    const name = JSON.stringify(names);
    const { sql } = this.#storage;
    if (after === undefined) sql.exec("DELETE FROM stores WHERE name = ?", name);
    else sql.exec("INSERT OR REPLACE INTO stores (name, schema) VALUES (?, ?)", name, JSON.stringify(after.schema));
    const [old, now] = [recordsOf(before), recordsOf(after)];
    for (const { key, record } of before?.rows ?? []) {
      if (!now.has(record)) sql.exec("DELETE FROM pieces WHERE store = ? AND key = ?", name, key);
    }
    for (const { key, record } of after?.rows ?? []) {
      if (old.has(record)) continue;
      for (let number = 0; number * PIECE_BYTES < record.byteLength; number++) {
        const piece = record.slice(number * PIECE_BYTES, (number + 1) * PIECE_BYTES);
        sql.exec("INSERT INTO pieces (store, key, number, bytes) VALUES (?, ?, ?, ?)", name, key, number, piece);
      }
    }
  }

  #rows(store: string): Store["rows"] {
    const query = "SELECT key, number, bytes FROM pieces WHERE store = ? ORDER BY key, number";
    const rows: { key: Uint8Array; kinds: number; primaryKey: Uint8Array; record: Uint8Array }[] = [];
    for (const { key: bytes, number, bytes: piece } of this.#storage.sql.exec<Piece>(query, store)) {
      const key = new Uint8Array(bytes);
      const last = rows.at(-1);
      if (number === 0 || last === undefined) {
        rows.push({ key, kinds: 0, primaryKey: key, record: new Uint8Array(piece) });
      } else last.record = joined(last.record, new Uint8Array(piece));
    }
    return rows;
  }
}

type Piece = { key: ArrayBuffer; number: number; bytes: ArrayBuffer };

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}

function recordsOf(store: Store | undefined): ReadonlySet<Uint8Array> {
  return new Set(store?.rows.map(({ record }) => record));
}
