// A database in the isolate's memory, one for each session's `config.name`: as little as the authoring API asks for. It
// shows that what the protocol means is settled before the handlers, for the same tests run on it.
import {
  assertIndexFields,
  compareIndexedDBKeys,
  defineIndexedDBProvider,
  IndexedDBAlreadyExistsError,
  type IndexedDBCursorInput,
  type IndexedDBEntry,
  IndexedDBNotFoundError,
  type IndexedDBOperations,
  type IndexedDBQuery,
  type IndexedDBRow,
  type IndexedDBSchema,
  type IndexedDBTransaction,
  indexKeyReader,
  type Provider,
  type TransactionMode,
} from "../../src/worker/index.ts";

interface Store {
  readonly schema: IndexedDBSchema;
  /** In the order of keys. */
  readonly rows: readonly IndexedDBRow[];
}

type Stores = Map<string, Store>;

class MemoryDatabase {
  readonly stores: Stores = new Map();
  /** Those that write or want to, in order. */
  readonly #writers: (readonly string[])[] = [];

  /**
   * Waits for its turn, and answers with what ends it. A request cannot be woken by another one in workerd, so it keeps
   * looking.
   */
  async turn(names: readonly string[], signal: AbortSignal): Promise<() => void> {
    const mine = [...names];
    const isBefore = (one: readonly string[]) => one !== mine && one.some((name) => mine.includes(name));
    const end = () => {
      const at = this.#writers.indexOf(mine);
      if (at !== -1) this.#writers.splice(at, 1);
    };
    this.#writers.push(mine);
    while (this.#writers.slice(0, this.#writers.indexOf(mine)).some(isBefore)) {
      await scheduler.wait(1);
      if (signal.aborted) end();
      signal.throwIfAborted();
    }
    return end;
  }
}

const databases = new Map<string, MemoryDatabase>();

export function memoryIndexedDB(): Provider {
  const open = ({ config }: { readonly config: { readonly name?: string } }) => {
    const name = config.name ?? "";
    const database = databases.get(name) ?? new MemoryDatabase();
    databases.set(name, database);
    return database;
  };
  return defineIndexedDBProvider<{ readonly name?: string }>({
    createObjectStore: ({ store, schema }, request) =>
      alone(open(request), [store], request.signal, (stores) => {
        const rows = stores.get(store)?.rows ?? [];
        for (const index of schema.indexes) if (index.unique) assertAllUnique(entriesOf({ schema, rows }, index.name));
        stores.set(store, { schema, rows });
      }),
    deleteObjectStore: ({ store }, request) =>
      alone(open(request), [store], request.signal, (stores) => void stores.delete(store)),
    get: (input, request) => operationsOn(open(request).stores).get(input),
    getAll: (input, request) => operationsOn(open(request).stores).getAll(input),
    getAllKeys: (input, request) => operationsOn(open(request).stores).getAllKeys(input),
    count: (input, request) => operationsOn(open(request).stores).count(input),
    add: (input, request) =>
      alone(open(request), [input.store], request.signal, (stores) => operationsOn(stores).add(input)),
    put: (input, request) =>
      alone(open(request), [input.store], request.signal, (stores) => operationsOn(stores).put(input)),
    delete: (input, request) =>
      alone(open(request), [input.store], request.signal, (stores) => operationsOn(stores).delete(input)),
    openCursor: (input, request) => cursorOn(found(open(request).stores, input.store), input),
    async transaction({ stores: names, mode }, request) {
      const database = open(request);
      for (const name of names) found(database.stores, name);
      const end = await database.turn(names, request.signal);
      // A readonly one has waited for those before it, and keeps nobody out.
      if (mode === "readonly") end();
      return transactionOn(database, names, mode, end);
    },
  });
}

function transactionOn(
  database: MemoryDatabase,
  names: readonly string[],
  mode: TransactionMode,
  end: () => void,
): IndexedDBTransaction {
  const own: Stores = new Map(names.map((name) => [name, found(database.stores, name)]));
  return {
    ...operationsOn(own),
    commit() {
      if (mode === "readwrite") for (const [name, store] of own) database.stores.set(name, store);
      end();
    },
    abort: end,
  };
}

async function alone<R>(
  database: MemoryDatabase,
  names: readonly string[],
  signal: AbortSignal,
  work: (stores: Stores) => R | Promise<R>,
): Promise<R> {
  const end = await database.turn(names, signal);
  try {
    return await work(database.stores);
  } finally {
    end();
  }
}

function operationsOn(stores: Stores): IndexedDBOperations<[]> {
  const write = (name: string, rows: readonly IndexedDBRow[]) => stores.set(name, { ...found(stores, name), rows });
  const matches = (query: IndexedDBQuery) => matching(found(stores, query.store), query);
  const put = ({ store: name, row }: { readonly store: string; readonly row: IndexedDBRow }) => {
    const store = found(stores, name);
    const others = store.rows.filter(({ key }) => compareIndexedDBKeys(key, row.key) !== 0);
    const rows = [...others, row].sort(byKey);
    for (const { name: index, unique } of store.schema.indexes) {
      const entries = entriesOf({ ...store, rows }, index);
      if (unique) assertAllUnique(entries);
    }
    write(name, rows);
  };
  return {
    get: ({ store, key }) => found(stores, store).rows.find((row) => compareIndexedDBKeys(row.key, key) === 0)?.record,
    add(input) {
      const { rows } = found(stores, input.store);
      if (rows.some(({ key }) => compareIndexedDBKeys(key, input.row.key) === 0))
        throw new IndexedDBAlreadyExistsError();
      put(input);
    },
    put,
    getAll: ({ limit, ...query }) =>
      matches(query)
        .slice(0, limit)
        .map(({ record }) => record as Uint8Array),
    getAllKeys: ({ limit, ...query }) =>
      matches(query)
        .slice(0, limit)
        .map(({ primaryKey }) => primaryKey),
    count: (query) => matches(query).length,
    delete(query) {
      const gone = matches(query).map(({ primaryKey }) => primaryKey);
      const stays = ({ key }: IndexedDBRow) => !gone.some((each) => compareIndexedDBKeys(each, key) === 0);
      write(query.store, found(stores, query.store).rows.filter(stays));
      return gone.length;
    },
  };
}

function cursorOn(store: Store, { direction, ...query }: IndexedDBCursorInput) {
  const ascending = matching(store, query).filter(
    (entry, at, all) =>
      !direction.endsWith("unique") || at === 0 || compareIndexedDBKeys(entry.key, all[at - 1]?.key ?? NONE) !== 0,
  );
  let left = direction.startsWith("prev") ? ascending.reverse() : ascending;
  return {
    read({ bound, skip, limit }: { bound?: Uint8Array | undefined; skip: number; limit: number }) {
      const isLeft = ({ key }: IndexedDBEntry) => {
        if (bound === undefined) return true;
        return direction.startsWith("prev")
          ? compareIndexedDBKeys(key, bound) < 0
          : compareIndexedDBKeys(key, bound) >= 0;
      };
      left = left.filter(isLeft).slice(skip);
      return left.splice(0, limit);
    },
    close() {},
  };
}

const NONE = new Uint8Array();

function found(stores: Stores, name: string): Store {
  const store = stores.get(name);
  if (store === undefined) throw new IndexedDBNotFoundError();
  return store;
}

function matching(store: Store, { index, fields, from, to }: Omit<IndexedDBQuery, "store">): IndexedDBEntry[] {
  const isWithin = ({ key }: { readonly key: Uint8Array }) =>
    compareIndexedDBKeys(key, from) >= 0 && compareIndexedDBKeys(key, to) < 0;
  if (index !== undefined) return entriesOf(store, index, fields).filter(isWithin);
  return store.rows.filter(isWithin).map(({ key, record }) => ({ key, kinds: 0, primaryKey: key, record }));
}

function entriesOf({ schema, rows }: Store, name: string, fields = 0): IndexedDBEntry[] {
  const index = schema.indexes.find((each) => each.name === name);
  if (index === undefined) throw new IndexedDBNotFoundError();
  assertIndexFields(fields, index.keyPath);
  const keyOf = indexKeyReader(index);
  const entries = rows.flatMap(({ key: primaryKey, record }) => {
    const found = keyOf(record);
    return found === undefined ? [] : [{ ...found, primaryKey, record }];
  });
  return entries.sort((one, other) => byKey(one, other) || compareIndexedDBKeys(one.primaryKey, other.primaryKey));
}

function assertAllUnique(entries: readonly IndexedDBEntry[]): void {
  const isTaken = ({ key }: IndexedDBEntry, at: number) =>
    at > 0 && compareIndexedDBKeys(key, entries[at - 1]?.key ?? NONE) === 0;
  if (entries.some(isTaken)) throw new IndexedDBAlreadyExistsError();
}

function byKey(one: { readonly key: Uint8Array }, other: { readonly key: Uint8Array }): number {
  return compareIndexedDBKeys(one.key, other.key);
}
