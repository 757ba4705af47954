// Where a cursor stands, and the entries it has read ahead. What it walks through does not change, so reading ahead
// shows nobody anything else, and spares most steps the way to the storage.
import { invalid } from "../errors.ts";
import { compareBytes, justAfter } from "../model/bytes.ts";
import type { IndexedDBCursor, IndexedDBCursorInput, IndexedDBEntry } from "../objects.ts";

/**
 * Entries of the first reading, and the most of a later one; each asks for twice as many. A walk is mostly given up
 * early or not at all.
 */
const FIRST_PAGE = 8;
const LARGEST_PAGE = 256;

/**
 * Bytes of entries that are read ahead. With one record of 4 MiB over it, far below the 128 MB of an isolate that
 * serves many.
 */
const PAGE_BYTES = 512 * 1024;

export class Walk {
  readonly #cursor: IndexedDBCursor;
  readonly #input: IndexedDBCursorInput;
  readonly #descending: boolean;
  readonly #ahead: IndexedDBEntry[] = [];
  #page = FIRST_PAGE;
  #at: "start" | "entry" | "end" = "start";
  #current: IndexedDBEntry | undefined;

  constructor(cursor: IndexedDBCursor, input: IndexedDBCursorInput) {
    this.#cursor = cursor;
    this.#input = input;
    this.#descending = input.direction === "prev" || input.direction === "prevunique";
  }

  /** Undefined before the first entry and past the last. */
  get current(): IndexedDBEntry | undefined {
    return this.#current;
  }

  next(): Promise<IndexedDBEntry | undefined> {
    return this.#move(0);
  }

  /** Forward by `count` entries. A fresh cursor counts as one on the first entry, so it passes over that many. */
  advance(count: number): Promise<IndexedDBEntry | undefined> {
    if (count <= 0) throw invalid("advance count must be positive");
    return this.#move(this.#at === "start" ? count : count - 1);
  }

  /** To the first entry at or past `key` in walking order. */
  continueTo(key: Uint8Array): Promise<IndexedDBEntry | undefined> {
    if (this.#current !== undefined && !this.#isBefore(this.#current.key, key)) {
      throw invalid("continue key must lie ahead of the cursor");
    }
    const found = this.#ahead.findIndex((entry) => !this.#isBefore(entry.key, key));
    this.#ahead.splice(0, found === -1 ? this.#ahead.length : found);
    return this.#move(0, this.#boundAt(key));
  }

  /** The entry it stands on has another record now. */
  replace(record: Uint8Array): IndexedDBEntry | undefined {
    if (this.#current !== undefined) this.#current = { ...this.#current, record };
    return this.#current;
  }

  close(): Promise<void> | void {
    return this.#cursor.close();
  }

  async #move(skip: number, bound?: Uint8Array): Promise<IndexedDBEntry | undefined> {
    if (this.#at === "end") return undefined;
    const passed = this.#ahead.splice(0, skip).length;
    if (this.#ahead.length === 0) await this.#read(skip - passed, bound);
    this.#current = this.#ahead.shift();
    this.#at = this.#current === undefined ? "end" : "entry";
    return this.#current;
  }

  async #read(skip: number, bound: Uint8Array | undefined): Promise<void> {
    const entries = await this.#cursor.read({ skip, bound, limit: this.#page, maxBytes: PAGE_BYTES });
    this.#ahead.push(...entries);
    this.#page = Math.min(2 * this.#page, LARGEST_PAGE);
  }

  /** Never outside of what is walked through. */
  #boundAt(key: Uint8Array): Uint8Array {
    const { from, to } = this.#input;
    if (!this.#descending) return compareBytes(key, from) > 0 ? key : from;
    const end = justAfter(key);
    return compareBytes(end, to) < 0 ? end : to;
  }

  #isBefore(one: Uint8Array, other: Uint8Array): boolean {
    const order = compareBytes(one, other);
    return this.#descending ? order > 0 : order < 0;
  }
}
