// One database: its stores as they are now, and what changes them.
import { IndexedDBAlreadyExistsError, IndexedDBNotFoundError, type IndexedDBOperations } from "gestalt-edge";
import type { Disk } from "./disk.ts";
import { rowOf, type Store, select, without, withRow } from "./store.ts";
import { Turns } from "./turns.ts";

export type Stores = Map<string, Store>;

/** A transaction: stores of its own until it commits. */
export interface Work {
  readonly stores: Stores;
  commit(): void;
  /** Lets the next one begin. To be called in any case. */
  end(): void;
}

export class Database {
  readonly stores: Stores = new Map();
  readonly #name: string;
  readonly #disk: Disk;
  readonly #turns = new Turns();

  constructor(name: string, disk: Disk) {
    this.#name = name;
    this.#disk = disk;
  }

  async begin(names: readonly string[], signal: AbortSignal): Promise<Work> {
    const end = await this.#turns.take(names, signal);
    const stores = new Map([...this.stores].filter(([name]) => names.includes(name)));
    return { stores, commit: () => this.#replace(names, stores), end };
  }

  /** Changes one store, and nobody sees it half done. */
  async write<R>(name: string, signal: AbortSignal, change: (stores: Stores) => R | Promise<R>): Promise<R> {
    const { stores, commit, end } = await this.begin([name], signal);
    try {
      const result = await change(stores);
      commit();
      return result;
    } finally {
      end();
    }
  }

  #replace(names: readonly string[], stores: Stores): void {
    const changes = names.map((name) => {
      return { name: [this.#name, name] as const, before: this.stores.get(name), after: stores.get(name) };
    });
    this.#disk.write(changes.filter(({ before, after }) => before !== after));
    for (const { name, after } of changes) {
      if (after === undefined) this.stores.delete(name[1]);
      else this.stores.set(name[1], after);
    }
  }
}

export function found(stores: Stores, name: string): Store {
  const store = stores.get(name);
  if (store === undefined) throw new IndexedDBNotFoundError();
  return store;
}

/** What can be done with stores, be they a transaction's or the database's. */
export function operationsOn(stores: Stores): IndexedDBOperations<readonly []> {
  return {
    get: ({ store, key }) => rowOf(found(stores, store), key)?.record,
    getAll: ({ limit, ...query }) =>
      select(found(stores, query.store), query)
        .slice(0, limit)
        .map(({ record }) => record),
    getAllKeys: ({ limit, ...query }) =>
      select(found(stores, query.store), query)
        .slice(0, limit)
        .map(({ primaryKey }) => primaryKey),
    count: (query) => select(found(stores, query.store), query).length,
    add({ store: name, row }) {
      const store = found(stores, name);
      if (rowOf(store, row.key) !== undefined) throw new IndexedDBAlreadyExistsError();
      stores.set(name, withRow(store, row));
    },
    put: ({ store, row }) => void stores.set(store, withRow(found(stores, store), row)),
    delete(query) {
      const store = found(stores, query.store);
      const gone = select(store, query);
      if (gone.length > 0) stores.set(query.store, without(store, gone));
      return gone.length;
    },
  };
}
