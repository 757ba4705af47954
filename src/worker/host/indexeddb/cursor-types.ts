// Cursors as authors see them.
import type { HostCallOptions } from "../link.ts";
import type { IndexKey, KeyRange } from "./key-range.ts";
import type { StoredRecord } from "./records.ts";

/** Which way a cursor walks. The unique ones visit one record per index key, the one with the lowest primary key. */
export const CursorDirection = {
  Next: "next",
  NextUnique: "nextunique",
  Prev: "prev",
  PrevUnique: "prevunique",
} as const;
export type CursorDirection = (typeof CursorDirection)[keyof typeof CursorDirection];

/** The signal and the deadline are of the whole walk. */
export interface CursorOptions extends HostCallOptions {
  /** Of primary keys. */
  readonly range?: KeyRange<string> | undefined;
  /** `"next"` when left out. */
  readonly direction?: CursorDirection | undefined;
}

/** Which entries of an index: without either, all. */
export interface IndexQuery {
  /** What the leading fields of the index key are, exactly. */
  readonly values?: readonly IndexKey[] | undefined;
  /** Of index keys. A bound on several fields is an array, of strings, numbers and booleans. */
  readonly range?: KeyRange<IndexKey | readonly (string | number | boolean)[]> | undefined;
}

export interface IndexCursorOptions extends IndexQuery, Omit<CursorOptions, "range"> {}

/**
 * Walks through records, one round trip each, and sees the store as it was when the walk began. Nothing is sent before
 * the first step, so it is there that a missing store shows.
 *
 * A loop closes it however it is left. The cursor is the same object in every turn:
 *
 * ```ts
 * for await (const cursor of orders.openCursor({ direction: "prev" })) {
 *   if (cursor.value.paid) await cursor.delete();
 *   if (cursor.value.total === 0) cursor.continue("b");   // where the next turn begins; without it, at the next record
 * }
 * ```
 *
 * Without a loop, `continue()` takes the first step too, and `close()` is yours to call.
 */
export interface KeyCursor<Key> extends AsyncIterable<KeyCursor<Key>> {
  /**
   * What it is ordered by: the primary key, or of an index the value of each field, also when it is only one.
   * Throws, as `primaryKey` and `value` do, while the cursor stands on no record.
   */
  readonly key: Key;
  readonly primaryKey: string;
  /** Whether it has gone past the last record or was closed. */
  readonly done: boolean;
  /**
   * To the next record, or to the first at or after `key` in walking order, which must lie ahead; false when there is
   * none. In a loop it is the step to the next turn and need not be awaited.
   */
  continue(key?: TargetKey<Key>): Promise<boolean>;
  /** `continue(key)` by upstream's name. */
  continueToKey(key: TargetKey<Key>): Promise<boolean>;
  /**
   * As many `continue()`s: a round trip for each, because servers count differently in the protocol's own command for
   * it. At least 1.
   */
  advance(count: number): Promise<boolean>;
  /**
   * Replaces the record; its primary key stays, and need not be repeated. AlreadyExistsError when another record has a
   * unique value of it, which ends the cursor, as every failure in gestaltd does.
   */
  update(record: Updated<object>): Promise<void>;
  /** Removes the record. The cursor stays where it is. */
  delete(): Promise<void>;
  /** Gives it up. A second time does nothing. */
  close(): void;
}

export interface Cursor<T extends StoredRecord, Key> extends KeyCursor<Key>, AsyncIterable<Cursor<T, Key>> {
  readonly value: T;
  update(record: Updated<T>): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterator<Cursor<T, Key>>;
}

/** For an index of one field, that field's value will do. */
export type TargetKey<Key> = Key | (Key extends readonly (infer Part)[] ? Part : never);

export type Updated<T> = Omit<T, "id"> & { readonly id?: string };
