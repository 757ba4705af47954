// Versions of the data, and who still looks at an earlier one.
import { Code, ConnectError } from "../../worker/index.ts";
import { MAX_SNAPSHOTS } from "./limits.ts";
import { IN_FORCE } from "./schema.ts";

/** Sees the rows that are in force. */
export const LATEST = IN_FORCE - 1;

/**
 * Versions set aside at a time, so that numbers grow over the object's restarts and yet are written only now and then.
 * 2^53 of them last for ten thousand years at a block each second.
 */
const BLOCK = 65_536;

/** The data as it was when the snapshot was taken. */
export interface Snapshot {
  /** Rows with `since` up to it and `until` above it are visible. */
  readonly asOf: number;
  /** Ids of the stores that are looked at. */
  readonly stores: readonly number[];
}

export class Versions {
  readonly #sql: SqlStorage;
  readonly #live = new Set<Snapshot>();
  #last = 0;
  #blockEnd = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * The version of what is written next. It is a new one only while somebody looks: otherwise nobody could tell. All
   * rows written before have a lower one or the same.
   */
  stamp(): number {
    return this.#live.size === 0 ? this.#last : this.#next();
  }

  take(stores: readonly number[]): Snapshot {
    if (this.#live.size >= MAX_SNAPSHOTS) {
      const text = `The database has ${MAX_SNAPSHOTS} open cursors and readonly transactions: it takes no more.`;
      throw new ConnectError(text, Code.ResourceExhausted);
    }
    const snapshot = { asOf: this.#next(), stores };
    this.#live.add(snapshot);
    return snapshot;
  }

  /** Nobody looks at it any more. True when it was still live. */
  drop(snapshot: Snapshot): boolean {
    return this.#live.delete(snapshot);
  }

  /** Whether somebody sees a row of the store that is in force since that version. */
  isSeen(store: number, since: number): boolean {
    for (const { asOf, stores } of this.#live) if (asOf >= since && stores.includes(store)) return true;
    return false;
  }

  /** Rows with `until` up to it are seen by nobody. */
  get oldestSeen(): number {
    let oldest = LATEST;
    for (const { asOf } of this.#live) oldest = Math.min(oldest, asOf);
    return oldest;
  }

  #next(): number {
    if (this.#last === this.#blockEnd) {
      const query = "UPDATE versions SET next = next + ? RETURNING next";
      this.#blockEnd = this.#sql.exec<{ next: number }>(query, BLOCK).one().next;
      this.#last = this.#blockEnd - BLOCK;
    }
    this.#last += 1;
    return this.#last;
  }
}
