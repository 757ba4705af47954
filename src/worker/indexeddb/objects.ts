// What handlers of a database are given and give back.
//
// Records and keys are bytes to them. A record comes and goes as it is, so nothing of it can get lost; its fields are
// only of concern to indexes, and `indexKeyReader` makes keys of them. Keys compare byte by byte, so any ordered
// storage will do.
import type { CursorDirection } from "../host/indexeddb/cursor-types.ts";
import type { ColumnSchema, IndexSchema } from "../host/indexeddb/schema.ts";
import type { TransactionMode } from "../host/indexeddb/types.ts";
import type { IndexKey } from "./model/index-key.ts";
import type { Interval } from "./model/intervals.ts";

/** A record to be stored. */
export interface IndexedDBRow {
  /** Its primary key, from 1 byte to 64 KiB. */
  readonly key: Uint8Array;
  /** The whole record, its primary key among it, up to 4 MiB. */
  readonly record: Uint8Array;
}

export interface IndexedDBSchema {
  /** Names are unique. */
  readonly indexes: readonly Required<IndexSchema>[];
  /** What fields are declared as. Upstream's document databases make no use of it. */
  readonly columns: readonly Required<ColumnSchema>[];
}

/**
 * Which records are meant: those whose primary key, or key in `index`, lies in the interval `from` (with it) to `to`
 * (without it).
 */
export interface IndexedDBQuery extends Interval {
  readonly store: string;
  readonly index?: string | undefined;
  /**
   * How many fields of the index the caller has named. More than it has are the caller's mistake: `assertIndexFields`.
   */
  readonly fields: number;
}

export interface IndexedDBRead extends IndexedDBQuery {
  /** Most records that are wanted; undefined for all. */
  readonly limit?: number | undefined;
  /** An answer with more bytes than this cannot be sent; a handler may stop as soon as it has more. */
  readonly maxBytes: number;
}

/** How long callers of a stream may be silent. */
export interface IndexedDBIdle {
  /**
   * Milliseconds after which the caller is given up. Whatever of the handler's own has heard nothing for clearly longer
   * can be let go.
   */
  readonly idleMs: number;
}

export interface IndexedDBCursorInput extends IndexedDBQuery, IndexedDBIdle {
  readonly direction: CursorDirection;
  /** Entries are wanted without their records. */
  readonly keysOnly: boolean;
}

/** A place that a cursor stops at. */
export interface IndexedDBEntry extends IndexKey {
  /** The primary key. In a walk through a store `key` is the same, and `kinds` is 0. */
  readonly primaryKey: Uint8Array;
  /** Undefined when only keys are wanted. */
  readonly record?: Uint8Array | undefined;
}

/** How a walk goes on from where the last reading has ended. */
export interface IndexedDBCursorRead {
  /**
   * The caller wants to go on at a key further on: ascending, entries before it are left out (a new `from`);
   * descending, it and the entries after it are (a new `to`). It holds for the rest of the walk, and lies within the
   * query's interval.
   */
  readonly bound?: Uint8Array | undefined;
  /** Entries to pass over first. */
  readonly skip: number;
  /** Most entries to answer with, at least 1. Fewer are fine. */
  readonly limit: number;
  /** A handler may stop as soon as it has this many bytes. */
  readonly maxBytes: number;
}

/**
 * A walk through a store or an index as it was when the walk was begun, whatever has been written since. The unique
 * directions stop once at each index key, at the record with the lowest primary key; on a store they are the plain
 * ones.
 */
export interface IndexedDBCursor {
  /** The next entries in walking order; none means that there are no more. Called one at a time. */
  read(input: IndexedDBCursorRead): Promise<readonly IndexedDBEntry[]> | readonly IndexedDBEntry[];
  /** The walk is over, in whatever way. Called once. */
  close(): Promise<void> | void;
}

/** The operations that exist both by themselves and inside a transaction. `Args` is what follows the input. */
export interface IndexedDBOperations<Args extends readonly unknown[]> {
  /** Null and undefined both say that there is none. */
  get(
    input: { readonly store: string; readonly key: Uint8Array },
    ...args: Args
  ): Promise<Uint8Array | null | undefined> | Uint8Array | null | undefined;
  /** Writes a new record. IndexedDBAlreadyExistsError when the key, or a key of a unique index, is taken. */
  add(input: { readonly store: string; readonly row: IndexedDBRow }, ...args: Args): Promise<void> | void;
  /**
   * Writes a record, over one with the same key. IndexedDBAlreadyExistsError when another has the key of a unique
   * index.
   */
  put(input: { readonly store: string; readonly row: IndexedDBRow }, ...args: Args): Promise<void> | void;
  /** Records by key, and those with equal index keys by primary key. */
  getAll(input: IndexedDBRead, ...args: Args): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** Primary keys in the order of `getAll`. */
  getAllKeys(input: IndexedDBRead, ...args: Args): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  count(input: IndexedDBQuery, ...args: Args): Promise<number> | number;
  /** Removes records, and says how many there were. */
  delete(input: IndexedDBQuery, ...args: Args): Promise<number> | number;
}

/**
 * A transaction that has begun. Its operations come one at a time, only on its stores, and no writes when it is
 * readonly. They see what it has written; nobody else does. After one that throws comes `abort`.
 */
export interface IndexedDBTransaction extends IndexedDBOperations<[]> {
  /** Makes all of it last, or throws and leaves nothing of it. */
  commit(): Promise<void> | void;
  /**
   * Undoes all of it. Called once unless `commit` was, whatever ends the transaction: the caller's wish, an operation
   * that failed, a connection that was lost. `reason` is for logs.
   */
  abort(reason: string): Promise<void> | void;
}

export interface IndexedDBTransactionInput extends IndexedDBIdle {
  /** At least one, each named once. */
  readonly stores: readonly string[];
  readonly mode: TransactionMode;
  /** How firmly a commit is to be stored before it is answered. A hint. */
  readonly durabilityHint: "default" | "strict" | "relaxed";
}
