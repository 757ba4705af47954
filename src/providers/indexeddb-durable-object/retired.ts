// Stores and indexes that are gone, whose rows are not yet.
import type { StoreDef } from "./catalog.ts";
import type { Tables } from "./committed-table.ts";
import { NEXT_SWEEP_MS, REMOVE_ROWS } from "./limits.ts";
import { IN_FORCE } from "./schema.ts";

/** Snapshots from before `stamp` still look at them. */
export function retire(
  { sql }: Pick<Tables, "sql">,
  { id, indexes }: Pick<StoreDef, "id" | "indexes">,
  stamp: number,
): void {
  sql.exec("INSERT INTO retired_stores (store, until) VALUES (?, ?)", id, stamp);
  for (const index of indexes) retireIndex({ sql }, index.id, stamp);
}

export function retireIndex({ sql }: Pick<Tables, "sql">, index: number, stamp: number): void {
  sql.exec("INSERT INTO retired_indexes (index_id, until) VALUES (?, ?)", index, stamp);
}

/** In place of a version, for indexes that are being built. No sweeper comes to it. */
export const UNFINISHED = IN_FORCE;

/** The building was given up. */
export function abandon({ sql }: Pick<Tables, "sql">, indexes: readonly { readonly id: number }[]): void {
  for (const { id } of indexes) sql.exec("UPDATE retired_indexes SET until = 0 WHERE index_id = ?", id);
}

/** Deletes rows that nobody sees any more, some at a time. */
export class Sweeper {
  readonly #storage: DurableObjectStorage;
  readonly #tables: Tables;

  constructor(storage: DurableObjectStorage, tables: Tables) {
    this.#storage = storage;
    this.#tables = tables;
    // What an earlier life of the object was building.
    tables.sql.exec("UPDATE retired_indexes SET until = 0 WHERE until = ?", UNFINISHED);
    this.start();
  }

  /** Has it done soon, when there is something to do. */
  start(): void {
    if (this.#hasWork()) void this.#storage.setAlarm(Date.now() + NEXT_SWEEP_MS);
  }

  /** To be called by the object's alarm. */
  async run(): Promise<void> {
    this.#storage.transactionSync(() => this.#sweepSome());
    if (this.#hasWork()) await this.#storage.setAlarm(Date.now() + NEXT_SWEEP_MS);
  }

  #hasWork(): boolean {
    const upTo = this.#tables.versions.oldestSeen;
    const query = `
      SELECT 1 FROM records WHERE until < ${IN_FORCE} AND until <= ?1
      UNION ALL SELECT 1 FROM entries WHERE until < ${IN_FORCE} AND until <= ?1
      UNION ALL SELECT 1 FROM retired_stores WHERE until <= ?1
      UNION ALL SELECT 1 FROM retired_indexes WHERE until <= ?1
      LIMIT 1`;
    return this.#tables.sql.exec(query, upTo).toArray().length > 0;
  }

  #sweepSome(): void {
    const { sql, versions, records, entries } = this.#tables;
    const upTo = versions.oldestSeen;
    let left = REMOVE_ROWS;
    left -= records.sweepReplaced(upTo, left);
    left -= entries.sweepReplaced(upTo, left);
    const stores = "SELECT store FROM retired_stores WHERE until <= ?";
    for (const { store } of sql.exec<{ store: number }>(stores, upTo).toArray()) {
      left -= records.sweepStore(store, left);
      if (left <= 0) return;
      sql.exec("DELETE FROM retired_stores WHERE store = ?", store);
    }
    const indexes = "SELECT index_id FROM retired_indexes WHERE until <= ?";
    for (const { index_id } of sql.exec<{ index_id: number }>(indexes, upTo).toArray()) {
      left -= entries.sweepIndex(index_id, left);
      if (left <= 0) return;
      sql.exec("DELETE FROM retired_indexes WHERE index_id = ?", index_id);
    }
  }
}
