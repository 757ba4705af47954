// The database as authors see it: `request.host.indexedDB()`.
//
// Names are upstream's (reference §6.2). Every failure is a HostServiceError; those told apart here are NotFoundError,
// AlreadyExistsError and TransactionError.
import type { HostCallOptions } from "../link.ts";
import type { Cursor, CursorOptions, IndexCursorOptions, IndexQuery, KeyCursor } from "./cursor-types.ts";
import type { IndexKey, KeyRange } from "./key-range.ts";
import type { IndexedDBRecord, StoredRecord } from "./records.ts";
import type { ObjectStoreSchema } from "./schema.ts";

export interface IndexedDB {
  /** Creates a store. One that exists gets the new schema and keeps its records, so this may run at every start. */
  createObjectStore(name: string, schema?: ObjectStoreSchema, options?: HostCallOptions): Promise<void>;
  /** With all that is in it. A store that does not exist is no error. */
  deleteObjectStore(name: string, options?: HostCallOptions): Promise<void>;
  /**
   * Asks nothing of gestaltd, so the store may be missing. Give the columns it was created with, and numbers are
   * written as they declare: without them a whole number is an int64.
   */
  objectStore<T extends StoredRecord = IndexedDBRecord>(name: string, schema?: ColumnsOnly): ObjectStore<T>;
  /**
   * Runs `work`, commits when it returns and resolves with its result. Rolls back when it throws, and rejects with
   * what it threw.
   *
   * Readwrite transactions that share a store take turns: this one may wait before `work` begins. Inside, use the
   * transaction's stores: a write by the database's own would wait for the transaction it stands in.
   *
   * An operation that fails rolls everything back, and it is enough that a record is not there. Whatever is called
   * after it throws TransactionError, and the transaction rejects with the operation's error, though `work` may have
   * caught it. To look for a record that may be missing, use `getAll(KeyRange.only(id))`. The signal and the deadline
   * are of the whole transaction.
   */
  transaction<R>(
    stores: string | readonly string[],
    mode: TransactionMode,
    work: (transaction: Transaction) => R | Promise<R>,
    options?: TransactionOptions,
  ): Promise<R>;
}

export type ColumnsOnly = Pick<ObjectStoreSchema, "columns">;

/** Records by primary key. */
export interface TransactionObjectStore<T extends StoredRecord = IndexedDBRecord> {
  /** NotFoundError when there is none. */
  get(id: string, options?: HostCallOptions): Promise<T>;
  /** `id`, if there is such a record; NotFoundError otherwise. */
  getKey(id: string, options?: HostCallOptions): Promise<string>;
  /** AlreadyExistsError when the key or a unique value is taken. */
  add(record: T, options?: HostCallOptions): Promise<void>;
  /** Adds or replaces. AlreadyExistsError when another record has a unique value of it. */
  put(record: T, options?: HostCallOptions): Promise<void>;
  /** A record that does not exist is no error. */
  delete(id: string, options?: HostCallOptions): Promise<void>;
  /** Removes all records. */
  clear(options?: HostCallOptions): Promise<void>;
  /** By ascending key. Past 4 MiB it fails: use a range, or a cursor. */
  getAll(range?: KeyRange<string>, options?: HostCallOptions): Promise<T[]>;
  getAllKeys(range?: KeyRange<string>, options?: HostCallOptions): Promise<string[]>;
  count(range?: KeyRange<string>, options?: HostCallOptions): Promise<number>;
  /** How many there were. A range without a bound is refused: that is `clear()`. */
  deleteRange(range: KeyRange<string>, options?: HostCallOptions): Promise<number>;
  index(name: string): TransactionIndex<T>;
}

/**
 * Records by the fields of an index, in the order of these and then of the primary key. A record without one of them
 * is not in it.
 */
export interface TransactionIndex<T extends StoredRecord = IndexedDBRecord> {
  /** The first that has these leading fields; NotFoundError when there is none. */
  get(values: IndexKey | readonly IndexKey[], options?: HostCallOptions): Promise<T>;
  /** Its primary key. */
  getKey(values: IndexKey | readonly IndexKey[], options?: HostCallOptions): Promise<string>;
  getAll(query?: IndexKey | readonly IndexKey[] | IndexQuery, options?: HostCallOptions): Promise<T[]>;
  /** Primary keys. */
  getAllKeys(query?: IndexKey | readonly IndexKey[] | IndexQuery, options?: HostCallOptions): Promise<string[]>;
  count(query?: IndexKey | readonly IndexKey[] | IndexQuery, options?: HostCallOptions): Promise<number>;
  /**
   * Removes the records that have these leading fields, at least one; how many there were. gestaltd takes no range
   * here.
   */
  delete(values: IndexKey | readonly IndexKey[], options?: HostCallOptions): Promise<number>;
}

export interface ObjectStore<T extends StoredRecord = IndexedDBRecord> extends TransactionObjectStore<T> {
  openCursor(options?: CursorOptions): Cursor<T, string>;
  /** Keys without their records. */
  openKeyCursor(options?: CursorOptions): KeyCursor<string>;
  index(name: string): Index<T>;
}

export interface Index<T extends StoredRecord = IndexedDBRecord> extends TransactionIndex<T> {
  openCursor(options?: IndexCursorOptions): Cursor<T, readonly IndexKey[]>;
  /** Keys without their records. */
  openKeyCursor(options?: IndexCursorOptions): KeyCursor<readonly IndexKey[]>;
}

/**
 * Operations run one after the other, in the order they were called in, and see the writes of those before them. The
 * signal or the time of one of them, when it comes first, ends the transaction. There are no cursors.
 */
export interface Transaction {
  /** TransactionError for a store the transaction was not begun with. */
  objectStore<T extends StoredRecord = IndexedDBRecord>(name: string, schema?: ColumnsOnly): TransactionObjectStore<T>;
  /** Before the callback returns, which then commits nothing more. */
  commit(options?: HostCallOptions): Promise<void>;
  /**
   * Undoes everything; what the callback returns is still the result. `reason` is for gestaltd's logs. Does nothing
   * once the transaction is over.
   */
  abort(reason?: string, options?: HostCallOptions): Promise<void>;
}

export type TransactionMode = "readonly" | "readwrite";

export interface TransactionOptions extends HostCallOptions {
  /** How firmly the commit is stored before it is answered. A hint. */
  readonly durabilityHint?: "default" | "strict" | "relaxed" | undefined;
}
