// An index, by itself and inside a transaction.
import { numberOf } from "../fields.ts";
import type { HostCallOptions } from "../link.ts";
import type { CursorFactory } from "./cursor.ts";
import type { Cursor, IndexCursorOptions, IndexQuery, KeyCursor } from "./cursor-types.ts";
import { invalid } from "./errors.ts";
import { isPlainObject } from "./json-value.ts";
import type { IndexKey } from "./key-range.ts";
import { encodeKeys, encodeRange } from "./keys.ts";
import type { Operations } from "./operations.ts";
import { decodeRecord, type StoredRecord } from "./records.ts";
import type { Index, TransactionIndex } from "./types.ts";

type Values = IndexKey | readonly IndexKey[];

/** Names the index in every request. */
export interface IndexName {
  readonly store: string;
  readonly index: string;
}

export class TransactionIndexClient<T extends StoredRecord> implements TransactionIndex<T> {
  readonly #operations: Operations;
  readonly #name: IndexName;

  constructor(operations: Operations, name: IndexName) {
    this.#operations = operations;
    this.#name = name;
  }

  async get(values: Values, options?: HostCallOptions): Promise<T> {
    const { record } = await this.#operations.perform("indexGet", this.#exact(values), options);
    return decodeRecord(record);
  }

  async getKey(values: Values, options?: HostCallOptions): Promise<string> {
    return (await this.#operations.perform("indexGetKey", this.#exact(values), options)).key;
  }

  async getAll(query?: Values | IndexQuery, options?: HostCallOptions): Promise<T[]> {
    const { records } = await this.#operations.perform("indexGetAll", this.#query(query), options);
    return records.map((record) => decodeRecord(record));
  }

  async getAllKeys(query?: Values | IndexQuery, options?: HostCallOptions): Promise<string[]> {
    return (await this.#operations.perform("indexGetAllKeys", this.#query(query), options)).keys;
  }

  async count(query?: Values | IndexQuery, options?: HostCallOptions): Promise<number> {
    const { count } = await this.#operations.perform("indexCount", this.#query(query), options);
    return numberOf(count, "count");
  }

  async delete(values: Values, options?: HostCallOptions): Promise<number> {
    const request = this.#exact(values);
    // gestaltd would remove all that the index has.
    if (request.values.length === 0) throw invalid("delete() of an index needs at least one value");
    return numberOf((await this.#operations.perform("indexDelete", request, options)).deleted, "count");
  }

  /** gestaltd drops a range here without a word, and would find or remove other records than were meant. */
  #exact(values: Values) {
    if (isPlainObject(values))
      throw invalid("get(), getKey() and delete() of an index take values, not a range: use a cursor");
    return { ...this.#name, values: encodeKeys(values, "the index value") };
  }

  #query(query: Values | IndexQuery | undefined) {
    return { ...this.#name, ...encodeIndexQuery(query) };
  }
}

export class IndexClient<T extends StoredRecord> extends TransactionIndexClient<T> implements Index<T> {
  readonly #name: IndexName;
  readonly #cursors: CursorFactory<T>;

  constructor(operations: Operations, name: IndexName, cursors: CursorFactory<T>) {
    super(operations, name);
    this.#name = name;
    this.#cursors = cursors;
  }

  openCursor(options: IndexCursorOptions = {}): Cursor<T, readonly IndexKey[]> {
    return this.#cursors({ ...this.#name, ...encodeIndexQuery(queryOf(options)) }, options);
  }

  openKeyCursor(options: IndexCursorOptions = {}): KeyCursor<readonly IndexKey[]> {
    const open = { ...this.#name, ...encodeIndexQuery(queryOf(options)), keysOnly: true };
    return this.#cursors<readonly IndexKey[]>(open, options);
  }
}

function queryOf({ values, range }: IndexCursorOptions): IndexQuery {
  return { values, range };
}

function encodeIndexQuery(query: Values | IndexQuery = {}) {
  if (!isPlainObject(query)) return { values: encodeKeys(query, "the index value") };
  const { values = [], range, ...rest } = query as IndexQuery;
  // A bare range would find everything.
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(`a query of an index has "values" and "range", not "${unknown}"`);
  const encoded = encodeRange(range);
  return { values: encodeKeys(values, "the index value"), ...(encoded !== undefined && { range: encoded }) };
}
