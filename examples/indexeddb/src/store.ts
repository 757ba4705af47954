// Stores as they are at one moment. None is ever changed, only replaced: who holds one sees that state for as long as it likes, and a
// transaction is rolled back by forgetting its own.
import {
  assertIndexFields,
  Code,
  ConnectError,
  compareIndexedDBKeys,
  IndexedDBAlreadyExistsError,
  type IndexedDBCursor,
  type IndexedDBCursorInput,
  type IndexedDBEntry,
  IndexedDBNotFoundError,
  type IndexedDBQuery,
  type IndexedDBRow,
  type IndexedDBSchema,
  indexKeyReader,
} from "gestalt-edge";

/** In the order of keys, and where those are equal of primary keys. */
type List = readonly Entry[];

interface Entry extends IndexedDBEntry {
  /** The very same in all lists of a store. */
  readonly record: Uint8Array;
}

export interface Store {
  readonly schema: IndexedDBSchema;
  /** By primary keys. */
  readonly rows: List;
  /** By the keys of each index. */
  readonly indexes: ReadonlyMap<string, List>;
  /** Of all records. */
  readonly bytes: number;
}

/** All of them lie in the memory of one object, which has 128 MB, and what transactions write beside them. */
export const MAX_BYTES = 32 * 1024 * 1024;

export function assertFits(bytes: number): void {
  if (bytes > MAX_BYTES) throw new ConnectError(`There is room for ${MAX_BYTES} bytes.`, Code.ResourceExhausted);
}

/** Throws when records break a unique index. */
export function storeOf(schema: IndexedDBSchema, rows: List = []): Store {
  const indexes = schema.indexes.map((index) => {
    const keyOf = indexKeyReader(index);
    const entries = rows.flatMap(({ primaryKey, record }) => {
      const found = keyOf(record);
      return found === undefined ? [] : [{ ...found, primaryKey, record }];
    });
    entries.sort(compare);
    if (index.unique && entries.some((entry, at) => isRepeated(entry, at, entries))) {
      throw new IndexedDBAlreadyExistsError();
    }
    return [index.name, entries] as const;
  });
  const bytes = rows.reduce((sum, { record }) => sum + record.byteLength, 0);
  return { schema, rows, indexes: new Map(indexes), bytes };
}

/** Throws what is wrong with the query. */
export function select(store: Store, { index, fields, from, to }: IndexedDBQuery): List {
  const list = index === undefined ? store.rows : listOf(store, index, fields);
  return list.slice(placeOf(list, from), placeOf(list, to));
}

export function rowOf({ rows }: Store, key: Uint8Array): Entry | undefined {
  const entry = rows[placeOf(rows, key)];
  return entry !== undefined && compareIndexedDBKeys(entry.key, key) === 0 ? entry : undefined;
}

export function withRow(store: Store, { key, record }: IndexedDBRow): Store {
  const replaced = rowOf(store, key);
  const { schema, rows, indexes, bytes } = replaced === undefined ? store : without(store, [replaced]);
  assertFits(bytes + record.byteLength);
  const lists = schema.indexes.map((index) => {
    const list = indexes.get(index.name) ?? [];
    const found = indexKeyReader(index)(record);
    return [
      index.name,
      found === undefined ? list : inserted(list, { ...found, primaryKey: key, record }, index.unique),
    ] as const;
  });
  return {
    schema,
    rows: inserted(rows, { key, kinds: 0, primaryKey: key, record }, true),
    indexes: new Map(lists),
    bytes: bytes + record.byteLength,
  };
}

export function without({ schema, rows, indexes, bytes }: Store, gone: List): Store {
  const records = new Set(gone.map(({ record }) => record));
  const left = (list: List) => list.filter(({ record }) => !records.has(record));
  const lists = [...indexes].map(([name, list]) => [name, left(list)] as const);
  const freed = gone.reduce((sum, { record }) => sum + record.byteLength, 0);
  return { schema, rows: left(rows), indexes: new Map(lists), bytes: bytes - freed };
}

export function cursorOn(store: Store, { direction, ...query }: IndexedDBCursorInput): IndexedDBCursor {
  const isAscending = direction === "next" || direction === "nextunique";
  const isUnique = direction === "nextunique" || direction === "prevunique";
  const ascending = select(store, query).filter((entry, at, all) => !isUnique || !isRepeated(entry, at, all));
  let left = isAscending ? ascending : ascending.reverse();
  return {
    read({ bound, skip, limit }) {
      if (bound !== undefined) {
        left = left.filter(({ key }) => isAscending === compareIndexedDBKeys(key, bound) >= 0);
      }
      const page = left.slice(skip, skip + limit);
      left = left.slice(skip + limit);
      return page;
    },
    close() {},
  };
}

function listOf({ schema, indexes }: Store, name: string, fields: number): List {
  const index = schema.indexes.find((each) => each.name === name);
  if (index === undefined) throw new IndexedDBNotFoundError();
  assertIndexFields(fields, index.keyPath);
  return indexes.get(name) ?? [];
}

const NOTHING = new Uint8Array();

/** Of the first entry at or after the key. */
function placeOf(list: List, key: Uint8Array, primaryKey: Uint8Array = NOTHING): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as Entry, { key, primaryKey }) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inserted(list: List, entry: Entry, unique: boolean): List {
  const at = placeOf(list, entry.key, unique ? NOTHING : entry.primaryKey);
  const next = list[at];
  if (unique && next !== undefined && compareIndexedDBKeys(next.key, entry.key) === 0) {
    throw new IndexedDBAlreadyExistsError();
  }
  return list.toSpliced(at, 0, entry);
}

function isRepeated({ key }: Entry, at: number, all: List): boolean {
  const before = all[at - 1];
  return before !== undefined && compareIndexedDBKeys(before.key, key) === 0;
}

function compare(one: Pick<Entry, "key" | "primaryKey">, other: Pick<Entry, "key" | "primaryKey">): number {
  return compareIndexedDBKeys(one.key, other.key) || compareIndexedDBKeys(one.primaryKey, other.primaryKey);
}
