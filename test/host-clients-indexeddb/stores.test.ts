// Stores and indexes of host.indexedDB inside a worker: every method, values, ranges, errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("stores", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./stores.worker.ts", import.meta.url),
    hosts: ["INDEXEDDB", "INDEXEDDB_SIDE"],
  });

  await t.test("adds, replaces, reads and removes records", async () => {
    assert.deepEqual(await harness.run("records"), {
      record: { id: "a", n: 2 },
      key: "b",
      all: [{ id: "a", n: 2 }, { id: "b" }],
      left: ["a"],
      count: 0,
    });
  });

  await t.test("tells misses, conflicts and bad requests apart", async () => {
    const { noId, numberId, key, values, ...errors } = await harness.run<Record<string, ScenarioError>>("recordErrors");
    const notFound = errorOf("NotFoundError", "NotFound", "datastore: not found");
    const taken = errorOf("AlreadyExistsError", "AlreadyExists", "datastore: already exists");
    const { get, getKey, add, store, put, index } = errors;
    assert.deepEqual([get, getKey, store, put, index], [notFound, notFound, notFound, notFound, notFound]);
    assert.deepEqual(add, taken);
    assert.deepEqual(noId, invalid('a record needs a string in its field "id", not undefined'));
    assert.deepEqual(numberId, invalid('a record needs a string in its field "id", not 1'));
    assert.deepEqual(key, invalid("a primary key is a string"));
    assert.equal(values?.code, "InvalidArgument");
  });

  await t.test("takes ranges of primary keys, and removes nothing by a range without bounds", async () => {
    const unbounded = invalid("deleteRange() needs a bound; clear() is what removes everything");
    assert.deepEqual(await harness.run("ranges"), {
      closed: ["b", "c", "d"],
      open: ["c"],
      from: 3,
      to: ["a"],
      only: ["c"],
      none: [],
      unbounded,
      nothing: unbounded,
      nullBound: invalid("the range's lower bound is null, which nothing is found by"),
      deleted: 2,
      left: ["a", "d", "e"],
    });
  });

  await t.test(
    "finds by index: leading values, ranges, several fields, nested ones; never what lacks a field",
    async () => {
      assert.deepEqual(await harness.run("indexes"), {
        get: "a",
        getKey: "d",
        first: "b",
        all: ["a", "b", "d", "c"],
        values: ["b", "d", "a"],
        exact: ["a"],
        range: ["d", "a"],
        exactBigint: ["c"],
        valuesAndRange: ["d", "a"],
        compoundRange: 2,
        nested: ["c", "a", "b"],
        nestedValue: ["c"],
        withoutField: 4,
        deleted: 1,
        deletedMany: 2,
        left: ["c", "e"],
      });
    },
  );

  await t.test("refuses queries that gestaltd would take for wider ones", async () => {
    const { none, noKey, count, ...refused } = await harness.run<Record<string, ScenarioError>>("indexErrors");
    const messages = Object.entries(refused).map(([name, error]) => {
      assert.equal(error.code, "InvalidArgument", name);
      return [name, error.message];
    });
    assert.deepEqual(Object.fromEntries(messages), {
      range: "get(), getKey() and delete() of an index take values, not a range: use a cursor",
      rangeGet: "get(), getKey() and delete() of an index take values, not a range: use a cursor",
      empty: "delete() of an index needs at least one value",
      bareRange: 'a query of an index has "values" and "range", not "lower"',
      nan: "the index value is NaN, which nothing is found by",
      nothing: "the index value is undefined, which nothing is found by",
      parts:
        "the range's lower bound is of several fields, which can be strings, numbers and booleans; " +
        "part 0 is an object of class Date",
    });
    assert.deepEqual([none?.name, noKey?.name, count], ["NotFoundError", "NotFoundError", 4]);
  });

  await t.test("keeps unique indexes unique, among the records that have all their fields", async () => {
    const taken = errorOf("AlreadyExistsError", "AlreadyExists", "datastore: already exists");
    assert.deepEqual(await harness.run("uniqueIndexes"), { add: taken, put: taken, keys: ["a", "b", "c"] });
  });

  await t.test("gives a store that exists its new schema, and forgets one that is deleted", async () => {
    const { byNew, byOld, gone } = await harness.run<Record<string, ScenarioError>>("schemas");
    assert.deepEqual([byNew, byOld?.name, gone?.name], ["a", "NotFoundError", "NotFoundError"]);
  });

  await t.test("brings every kind of value back as it was", async () => {
    const { same, fields, ...kinds } = await harness.run<{ same: string[]; fields: number }>("kinds");
    assert.equal(same.length, fields, `only ${same} came back`);
    assert.deepEqual(kinds, {
      date: ["Date", -1],
      instant: ["Timestamp", Date.UTC(2024, 0, 1), 123_456, '"2024-01-01T00:00:00.000123456Z"'],
      bytes: [0, 255],
      negativeZero: true,
      json: { a: [1, null, { b: "c" }], "": {} },
      big: `${2n ** 60n}n`,
    });
  });

  await t.test("writes numbers as the columns declare them", async () => {
    assert.deepEqual(await harness.run("columns"), {
      record: { id: "a", price: 5, count: 5, any: "text" },
      fraction: invalid('field "count" is 0.5, and its column takes whole numbers; past 2^53 use a bigint'),
      unsafe: invalid('field "count" is 9007199254740992, and its column takes whole numbers; past 2^53 use a bigint'),
      bigint: invalid('field "price" is a bigint, and its column takes doubles'),
    });
  });

  await t.test("refuses what would not come back, naming the field and not the value", async () => {
    const { cycle, ...refused } = await harness.run<Record<string, string>>("refusedValues");
    const inJson = "which JSON has no form for; as a field of its own a record could hold more kinds";
    assert.deepEqual(refused, {
      function: 'field "function" is a function, which no kind of value is for',
      symbol: 'field "symbol" is a symbol, which no kind of value is for',
      map: 'field "map" is an object of class Map, which no kind of value is for',
      date: 'field "date" is no valid date',
      late: 'field "late" is outside the years 1 to 9999',
      int: 'field "int" does not fit into an int64',
      halfPair: 'field "halfPair" holds half a surrogate pair, which UTF-8 has no form for',
      jsonBigint: `field "jsonBigint".a is a bigint, ${inJson}`,
      jsonDate: `field "jsonDate"[0] is an object of class Date, ${inJson}`,
      jsonNan: `field "jsonNan"[0] is NaN, ${inJson}`,
    });
    assert.match(cycle ?? "", /^field "cycle"[.self]+… nests more than 100 levels deep$/);
  });

  await t.test("takes names that mean something to JavaScript for data", async () => {
    const { missing, ...found } = await harness.run<Record<string, ScenarioError>>("hostileNames");
    assert.deepEqual(found, {
      read: '{"id":"__proto__","__proto__":"polluted","constructor":1,"json":{"__proto__":{"toString":1}}}',
      prototype: true,
      own: true,
      found: "__proto__",
      clean: true,
    });
    assert.equal(missing?.name, "NotFoundError");
  });

  await t.test("says so when records are too large to go or to come", async () => {
    const { put, getAll, indexGetAll, ...rest } = await harness.run<Record<string, ScenarioError>>("sizes");
    assert.deepEqual(rest, { read: 3 * 1024 * 1024, keys: ["a", "b"], alive: 2 });
    assert.equal(put?.code, "ResourceExhausted");
    assert.match(put?.message ?? "", /4194304/);
    const text = "The answer is over gestaltd's limit of 4 MiB: read less at a time, with a range or a cursor.";
    const tooLarge = errorOf("HostServiceError", "ResourceExhausted", text);
    assert.deepEqual([getAll, indexGetAll], [tooLarge, tooLarge]);
  });

  await t.test("gives calls up at their signal or their time", async () => {
    const { aborted, late, given } = await harness.run<Record<string, ScenarioError>>("limits");
    assert.deepEqual([aborted?.code, late?.code, given?.code], ["Canceled", "DeadlineExceeded", "Canceled"]);
  });

  await t.test("keeps the databases of two bindings apart", async () => {
    const { there, here, unknown } = await harness.run<Record<string, ScenarioError>>("bindings");
    assert.deepEqual([there, here?.name, unknown?.name], [1, "NotFoundError", "HostServiceMissingError"]);
  });
});

function errorOf(name: string, code: string, message: string): ScenarioError {
  return { name, message, code, service: "indexedDB" };
}

function invalid(message: string): ScenarioError {
  return errorOf("InvalidArgumentError", "InvalidArgument", message);
}
