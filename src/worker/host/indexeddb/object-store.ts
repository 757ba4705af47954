// An object store, by itself and inside a transaction.
import { numberOf } from "../fields.ts";
import type { HostCallOptions } from "../link.ts";
import type { CursorFactory } from "./cursor.ts";
import type { Cursor, CursorOptions, KeyCursor } from "./cursor-types.ts";
import { invalid } from "./errors.ts";
import type { KeyRange } from "./key-range.ts";
import { encodeRange } from "./keys.ts";
import type { Operations } from "./operations.ts";
import { decodeRecord, encodeRecord, type StoredRecord } from "./records.ts";
import type { Columns } from "./schema.ts";
import { IndexClient, TransactionIndexClient } from "./store-index.ts";
import type { Index, ObjectStore, TransactionIndex, TransactionObjectStore } from "./types.ts";

export class TransactionObjectStoreClient<T extends StoredRecord> implements TransactionObjectStore<T> {
  readonly #operations: Operations;
  readonly #store: string;
  readonly #columns: Columns;

  constructor(operations: Operations, store: string, columns: Columns) {
    this.#operations = operations;
    this.#store = store;
    this.#columns = columns;
  }

  async get(id: string, options?: HostCallOptions): Promise<T> {
    const { record } = await this.#operations.perform("get", this.#one(id), options);
    return decodeRecord(record);
  }

  async getKey(id: string, options?: HostCallOptions): Promise<string> {
    return (await this.#operations.perform("getKey", this.#one(id), options)).key;
  }

  async add(record: T, options?: HostCallOptions): Promise<void> {
    await this.#operations.perform("add", this.#whole(record), options);
  }

  async put(record: T, options?: HostCallOptions): Promise<void> {
    await this.#operations.perform("put", this.#whole(record), options);
  }

  async delete(id: string, options?: HostCallOptions): Promise<void> {
    await this.#operations.perform("delete", this.#one(id), options);
  }

  async clear(options?: HostCallOptions): Promise<void> {
    await this.#operations.perform("clear", { store: this.#store }, options);
  }

  async getAll(range?: KeyRange<string>, options?: HostCallOptions): Promise<T[]> {
    const { records } = await this.#operations.perform("getAll", this.#range(range), options);
    return records.map((record) => decodeRecord(record));
  }

  async getAllKeys(range?: KeyRange<string>, options?: HostCallOptions): Promise<string[]> {
    return (await this.#operations.perform("getAllKeys", this.#range(range), options)).keys;
  }

  async count(range?: KeyRange<string>, options?: HostCallOptions): Promise<number> {
    return numberOf((await this.#operations.perform("count", this.#range(range), options)).count, "count");
  }

  async deleteRange(range: KeyRange<string>, options?: HostCallOptions): Promise<number> {
    // More often a variable that is undefined than a wish to remove everything.
    if (range?.lower === undefined && range?.upper === undefined) {
      throw invalid("deleteRange() needs a bound; clear() is what removes everything");
    }
    return numberOf((await this.#operations.perform("deleteRange", this.#range(range), options)).deleted, "count");
  }

  index(name: string): TransactionIndex<T> {
    return new TransactionIndexClient<T>(this.#operations, { store: this.#store, index: name });
  }

  #one(id: string) {
    if (typeof id !== "string") throw invalid("a primary key is a string");
    return { store: this.#store, id };
  }

  #whole(record: T) {
    return { store: this.#store, record: encodeRecord(record, this.#columns) };
  }

  #range(range: KeyRange<string> | undefined) {
    const encoded = encodeRange(range);
    return { store: this.#store, ...(encoded !== undefined && { range: encoded }) };
  }
}

export class ObjectStoreClient<T extends StoredRecord>
  extends TransactionObjectStoreClient<T>
  implements ObjectStore<T>
{
  readonly #operations: Operations;
  readonly #store: string;
  readonly #cursors: CursorFactory<T>;

  constructor(operations: Operations, store: string, columns: Columns, cursors: CursorFactory<T>) {
    super(operations, store, columns);
    this.#operations = operations;
    this.#store = store;
    this.#cursors = cursors;
  }

  openCursor(options: CursorOptions = {}): Cursor<T, string> {
    return this.#cursors(this.#walk(options), options);
  }

  openKeyCursor(options: CursorOptions = {}): KeyCursor<string> {
    return this.#cursors({ ...this.#walk(options), keysOnly: true }, options);
  }

  override index(name: string): Index<T> {
    return new IndexClient<T>(this.#operations, { store: this.#store, index: name }, this.#cursors);
  }

  #walk({ range }: CursorOptions) {
    const encoded = encodeRange(range);
    return { store: this.#store, ...(encoded !== undefined && { range: encoded }) };
  }
}
