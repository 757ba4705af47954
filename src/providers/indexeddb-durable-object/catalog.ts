// Which stores and indexes there are. Held in memory, since every operation asks; the tables are read when the object
// starts.
import {
  type IndexedDBIndexKey,
  IndexedDBNotFoundError,
  type IndexedDBSchema,
  indexKeyReader,
} from "../../worker/index.ts";

/** A store as it is at some time. Never changed, only replaced, so whoever began with one goes on with it. */
export interface StoreDef {
  readonly id: number;
  readonly name: string;
  readonly columns: IndexedDBSchema["columns"];
  readonly indexes: readonly IndexDef[];
}

export interface IndexDef {
  readonly id: number;
  readonly name: string;
  readonly keyPath: readonly string[];
  readonly unique: boolean;
  /** Undefined for a record that is not in the index. */
  keyOf(record: Uint8Array): IndexedDBIndexKey | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Catalog {
  readonly #sql: SqlStorage;
  readonly #stores = new Map<string, StoreDef>();
  #changed = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#load();
  }

  /** Runs `work` in a transaction of the storage. What it changes here is undone with what it changes there. */
  atomically<R>(storage: DurableObjectStorage, work: () => R): R {
    this.#changed = false;
    try {
      return storage.transactionSync(work);
    } catch (error) {
      if (this.#changed) this.#load();
      throw error;
    }
  }

  find(name: string): StoreDef | undefined {
    return this.#stores.get(name);
  }

  /** Throws NOT_FOUND. */
  get(name: string): StoreDef {
    const store = this.#stores.get(name);
    if (store !== undefined) return store;
    throw new IndexedDBNotFoundError(`datastore: not found: there is no object store ${quoted(name)}`);
  }

  /** Writes a store in place of the one of that name, if there is one. */
  set(store: StoreDef): void {
    this.#changed = true;
    this.remove(store.name);
    const { id, name, columns, indexes } = store;
    const insert = "INSERT INTO stores (id, name, columns) VALUES (?, ?, ?)";
    this.#sql.exec(insert, id, encoder.encode(name), JSON.stringify(columns));
    for (const index of indexes) {
      this.#sql.exec(
        "INSERT INTO indexes (id, store, name, key_path, is_unique) VALUES (?, ?, ?, ?, ?)",
        index.id,
        id,
        encoder.encode(index.name),
        JSON.stringify(index.keyPath),
        index.unique ? 1 : 0,
      );
    }
    this.#stores.set(name, store);
  }

  remove(name: string): void {
    const store = this.#stores.get(name);
    if (store === undefined) return;
    this.#changed = true;
    this.#sql.exec("DELETE FROM indexes WHERE store = ?", store.id);
    this.#sql.exec("DELETE FROM stores WHERE id = ?", store.id);
    this.#stores.delete(name);
  }

  /** Ids for stores and indexes. None is ever given twice, so rows of what was removed belong to nothing else. */
  newIds(count: number): number[] {
    const { next } = this.#sql.exec<{ next: number }>("UPDATE ids SET next = next + ? RETURNING next", count).one();
    return Array.from({ length: count }, (_, at) => next - count + at);
  }

  #load(): void {
    this.#stores.clear();
    const stores = this.#sql.exec<{ id: number; name: ArrayBuffer; columns: string }>(
      "SELECT id, name, columns FROM stores",
    );
    for (const { id, name: bytes, columns } of stores.toArray()) {
      const name = decoder.decode(bytes);
      this.#stores.set(name, { id, name, columns: JSON.parse(columns), indexes: this.#indexesOf(id) });
    }
  }

  #indexesOf(store: number): IndexDef[] {
    const query = "SELECT id, name, key_path, is_unique FROM indexes WHERE store = ? ORDER BY id";
    const rows = this.#sql.exec<{ id: number; name: ArrayBuffer; key_path: string; is_unique: number }>(query, store);
    return rows
      .toArray()
      .map(({ id, name, key_path, is_unique }) =>
        indexDef(id, { name: decoder.decode(name), keyPath: JSON.parse(key_path), unique: is_unique === 1 }),
      );
  }
}

export function indexDef(id: number, schema: IndexedDBSchema["indexes"][number]): IndexDef {
  return { ...schema, id, keyOf: indexKeyReader(schema) };
}

/** Throws NOT_FOUND. */
export function indexOf({ name, indexes }: StoreDef, index: string): IndexDef {
  const found = indexes.find((each) => each.name === index);
  if (found !== undefined) return found;
  throw new IndexedDBNotFoundError(`datastore: not found: ${quoted(name)} has no index ${quoted(index)}`);
}

/** Names are at most 256 characters long, so they can stand in an error as they are. */
function quoted(name: string): string {
  return JSON.stringify(name);
}
