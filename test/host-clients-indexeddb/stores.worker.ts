// Scenarios for the stores and indexes of host.indexedDB.
import { ColumnType, type IndexedDB, KeyRange, Timestamp } from "../../src/worker/index.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

interface Item {
  readonly id: string;
  readonly status?: string | null;
  readonly rank?: number | bigint;
  readonly owner?: { readonly name: string; readonly zip?: number };
}

const ITEMS: readonly Item[] = [
  { id: "a", status: "active", rank: 3, owner: { name: "Ann", zip: 10 } },
  { id: "b", status: "active", rank: 1.5, owner: { name: "Bo", zip: 9 } },
  { id: "c", status: "idle", rank: 2n ** 53n + 1n, owner: { name: "Ann", zip: 2 } },
  { id: "d", status: "active", rank: 2 },
  { id: "e", status: null },
];

const SCHEMA = {
  indexes: [
    { name: "by_status", keyPath: ["status"] },
    { name: "by_status_rank", keyPath: ["status", "rank"] },
    { name: "by_rank", keyPath: ["rank"] },
    { name: "by_owner", keyPath: ["owner.name", "owner.zip"] },
  ],
};

async function seeded(db: IndexedDB, name: string) {
  await db.createObjectStore(name, SCHEMA);
  const store = db.objectStore<Item>(name);
  for (const item of ITEMS) await store.add(item);
  return store;
}

export const records: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("records");
  const store = db.objectStore("records");
  await store.add({ id: "a", n: 1 });
  await store.put({ id: "a", n: 2, gone: undefined as never });
  await store.put({ id: "b" });
  const before = { record: await store.get("a"), key: await store.getKey("b"), all: await store.getAll() };
  await store.delete("b");
  await store.delete("never");
  const left = await store.getAllKeys();
  await store.clear();
  return { ...before, left, count: await store.count() };
};

export const recordErrors: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "record_errors");
  const nowhere = indexedDB().objectStore("nowhere");
  return {
    get: await thrownBy(() => store.get("x")),
    getKey: await thrownBy(() => store.getKey("x")),
    add: await thrownBy(() => store.add({ id: "a" })),
    store: await thrownBy(() => nowhere.get("a")),
    put: await thrownBy(() => nowhere.put({ id: "a" })),
    index: await thrownBy(() => store.index("by_nothing").getAll()),
    noId: await thrownBy(() => store.put({ status: "active" } as never)),
    numberId: await thrownBy(() => store.put({ id: 1 } as never)),
    key: await thrownBy(() => store.get(1 as never)),
    values: await thrownBy(() => store.index("by_status").count(["active", 1])),
  };
};

export const ranges: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "ranges");
  return {
    closed: await store.getAllKeys(KeyRange.bound("b", "d")),
    open: await store.getAllKeys({ lower: "b", upper: "d", lowerOpen: true, upperOpen: true }),
    from: await store.count(KeyRange.lowerBound("c")),
    to: (await store.getAll(KeyRange.upperBound("b", true))).map(({ id }) => id),
    only: await store.getAllKeys(KeyRange.only("c")),
    none: await store.getAllKeys(KeyRange.bound("d", "b")),
    unbounded: await thrownBy(() => store.deleteRange({})),
    nothing: await thrownBy(() => store.deleteRange(undefined as never)),
    nullBound: await thrownBy(() => store.deleteRange({ lower: null as never })),
    deleted: await store.deleteRange(KeyRange.bound("b", "c")),
    left: await store.getAllKeys(),
  };
};

export const indexes: Scenario = async ({ indexedDB }) => {
  const store = await seeded(indexedDB(), "indexes");
  const status = store.index("by_status");
  const both = store.index("by_status_rank");
  return {
    get: (await status.get("active")).id,
    getKey: await both.getKey(["active", 2]),
    first: await store.index("by_rank").getKey([]),
    all: await status.getAllKeys(),
    values: (await both.getAll("active")).map(({ id }) => id),
    exact: await both.getAllKeys(["active", 3]),
    range: await store.index("by_rank").getAllKeys({ range: KeyRange.bound<number | bigint>(2, 2n ** 53n) }),
    exactBigint: await store.index("by_rank").getAllKeys({ range: KeyRange.lowerBound(2n ** 53n, true) }),
    valuesAndRange: await both.getAllKeys({ values: ["active"], range: { lower: ["active", 2] } }),
    compoundRange: await both.count({ range: KeyRange.bound(["active", 1.5], ["active", 3], true) }),
    nested: await store.index("by_owner").getAllKeys(),
    nestedValue: await store.index("by_owner").getAllKeys(["Ann", 2]),
    withoutField: await both.count(),
    deleted: await both.delete(["active", 2]),
    deletedMany: await status.delete("active"),
    left: await store.getAllKeys(),
  };
};

export const indexErrors: Scenario = async ({ indexedDB }) => {
  const index = (await seeded(indexedDB(), "index_errors")).index("by_rank");
  return {
    none: await thrownBy(() => index.get(99)),
    noKey: await thrownBy(() => index.getKey(99)),
    range: await thrownBy(() => index.delete(KeyRange.lowerBound(2) as never)),
    rangeGet: await thrownBy(() => index.get({ range: {} } as never)),
    empty: await thrownBy(() => index.delete([])),
    bareRange: await thrownBy(() => index.getAll(KeyRange.lowerBound(2) as never)),
    nan: await thrownBy(() => index.get(Number.NaN)),
    nothing: await thrownBy(() => index.get(undefined as never)),
    parts: await thrownBy(() => index.getAll({ range: { lower: [new Date()] as never } })),
    count: await index.count(),
  };
};

export const uniqueIndexes: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("users", { indexes: [{ name: "by_email", keyPath: ["email", "tenant"], unique: true }] });
  const users = db.objectStore("users");
  await users.add({ id: "a", email: "x@y", tenant: 1 });
  await users.add({ id: "b", email: "x@y" });
  await users.add({ id: "c", email: "x@y" });
  await users.put({ id: "a", email: "x@y", tenant: 1, name: "again" });
  return {
    add: await thrownBy(() => users.add({ id: "d", email: "x@y", tenant: 1 })),
    put: await thrownBy(() => users.put({ id: "b", email: "x@y", tenant: 1 })),
    keys: await users.getAllKeys(),
  };
};

export const schemas: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("changing", { indexes: [{ name: "old", keyPath: ["n"] }] });
  const store = db.objectStore("changing");
  await store.put({ id: "a", n: 1, m: 2 });
  await db.createObjectStore("changing", { indexes: [{ name: "new", keyPath: ["m"] }] });
  const kept = { byNew: await store.index("new").getKey(2), byOld: await thrownBy(() => store.index("old").getKey(1)) };
  await db.deleteObjectStore("changing");
  await db.deleteObjectStore("changing");
  return { ...kept, gone: await thrownBy(() => store.count()) };
};

/** Every kind there is, and how it comes back. */
export const kinds: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("kinds");
  const store = db.objectStore("kinds");
  const instant = new Timestamp(Date.UTC(2024, 0, 1), 123_456);
  const written = {
    ...{ id: "a", text: "grüße", none: null, yes: true, int: 7, big: 2n ** 60n, fraction: 1.5, huge: 1e300 },
    ...{
      negativeZero: -0,
      nan: Number.NaN,
      infinite: -Infinity,
      date: new Date(-1),
      instant,
      bytes: Uint8Array.of(0, 255),
    },
    ...{ json: { a: [1, null, { b: "c" }], "": {} }, list: [], least: -(2n ** 63n) },
  };
  await store.put(written);
  const read = await store.get("a");
  const date = read.date as Date;
  const back = read.instant as Timestamp;
  return {
    same: Object.keys(written).filter((name) => sameValue(written[name as "id"], read[name])),
    fields: Object.keys(read).length,
    date: [date.constructor.name, date.getTime()],
    instant: [back.constructor.name, back.getTime(), back.nanoseconds, JSON.stringify(back)],
    bytes: Array.from(read.bytes as Uint8Array),
    negativeZero: Object.is(read.negativeZero, -0),
    json: read.json,
    big: read.big,
  };
};

function sameValue(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
}

/** Number kinds, seen through an index: ints and doubles compare, so only the codec shows which is which. */
export const columns: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  const schema = {
    columns: [
      { name: "id", primaryKey: true, notNull: true },
      { name: "price", type: ColumnType.Float },
      { name: "count", type: ColumnType.Int },
      { name: "any", type: ColumnType.JSON },
    ],
  };
  await db.createObjectStore("columns", schema);
  const store = db.objectStore("columns", schema);
  await store.put({ id: "a", price: 5, count: 5, any: "text" });
  return {
    record: await store.get("a"),
    fraction: await thrownBy(() => store.put({ id: "b", count: 0.5 })),
    unsafe: await thrownBy(() => store.put({ id: "b", count: 2 ** 53 })),
    bigint: await thrownBy(() => store.put({ id: "b", price: 1n })),
  };
};

export const refusedValues: Scenario = async ({ indexedDB }) => {
  const store = indexedDB().objectStore("refused");
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const values = {
    ...{ function: () => 1, symbol: Symbol("s"), map: new Map(), date: new Date(Number.NaN), late: new Date(8.64e15) },
    ...{
      int: 2n ** 63n,
      halfPair: "\ud800",
      jsonBigint: { a: 1n },
      jsonDate: [new Date()],
      jsonNan: [Number.NaN],
      cycle,
    },
  };
  const refused: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    refused[name] = (await thrownBy(() => store.put({ id: "a", [name]: value as never }))).message;
  }
  return refused;
};

/** Names that JavaScript gives a meaning to. */
export const hostileNames: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("__proto__", { indexes: [{ name: "constructor", keyPath: ["__proto__"] }] });
  const store = db.objectStore("__proto__");
  const record = JSON.parse(
    '{"id":"__proto__","__proto__":"polluted","constructor":1,"json":{"__proto__":{"toString":1}}}',
  );
  await store.put(record);
  const read = await store.get("__proto__");
  return {
    read: JSON.stringify(read),
    prototype: Object.getPrototypeOf(read) === Object.prototype,
    own: Object.hasOwn(read, "__proto__"),
    found: await store.index("constructor").getKey("polluted"),
    missing: await thrownBy(() => store.get("constructor")),
    clean: ({} as { polluted?: unknown }).polluted === undefined,
  };
};

export const sizes: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("large", { indexes: [{ name: "all", keyPath: ["n"] }] });
  const store = db.objectStore("large");
  const body = new Uint8Array(3 * 1024 * 1024);
  await store.put({ id: "a", n: 1, body });
  await store.put({ id: "b", n: 1, body });
  return {
    read: ((await store.get("a")).body as Uint8Array).length,
    keys: await store.getAllKeys(),
    put: await thrownBy(() => store.put({ id: "c", body: new Uint8Array(4 * 1024 * 1024) })),
    getAll: await thrownBy(() => store.getAll()),
    indexGetAll: await thrownBy(() => store.index("all").getAll()),
    alive: await store.count(),
  };
};

/** A write waits for the transaction on its store, so that it can be given up at a known place. */
export const limits: Scenario = async ({ indexedDB }) => {
  const db = indexedDB();
  await db.createObjectStore("limits");
  const store = db.objectStore("limits");
  const aborted = await thrownBy(() => store.get("a", { signal: AbortSignal.abort() }));
  const [late, given] = await db.transaction("limits", "readwrite", () => {
    const giveUp = new AbortController();
    const put = thrownBy(() => store.put({ id: "b" }, { signal: giveUp.signal }));
    giveUp.abort();
    return Promise.all([thrownBy(() => store.put({ id: "a" }, { timeoutMs: 50 })), put]);
  });
  return { aborted, late, given, count: await store.count() };
};

export const bindings: Scenario = async ({ indexedDB }) => {
  await indexedDB("side").createObjectStore("only_here");
  await indexedDB("side").objectStore("only_here").put({ id: "a" });
  return {
    there: await indexedDB("side").objectStore("only_here").count(),
    here: await thrownBy(() => indexedDB().objectStore("only_here").count()),
    unknown: await thrownBy(() => indexedDB("other")),
  };
};
