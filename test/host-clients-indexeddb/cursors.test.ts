// Cursors of host.indexedDB inside a worker: directions, steps, writes, and how they end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("cursors", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./cursors.worker.ts", import.meta.url),
    hosts: ["INDEXEDDB"],
  });
  const closed = () => until(() => harness.gestaltd.indexedDB.streams === 0, "every cursor is closed");

  await t.test("walk stores and indexes, every way", async () => {
    const own = (...ids: string[]) => ids.map((id) => [id, id]);
    assert.deepEqual(await harness.run("walks"), {
      next: own("a", "b", "c", "d"),
      prev: own("d", "c", "b", "a"),
      range: own("c", "d"),
      unique: own("a", "b", "c", "d"),
      index: [...at("active", "a", "c", "d"), ...at("idle", "b")],
      indexPrev: [...at("idle", "b"), ...at("active", "d", "c", "a")],
      nextUnique: [...at("active", "a"), ...at("idle", "b")],
      prevUnique: [...at("idle", "b"), ...at("active", "a")],
      indexRange: at("idle", "b"),
      values: [
        [["active", 2], "c"],
        [["active", 4], "a"],
      ],
      empty: [],
    });
    await closed();
  });

  await t.test("have key and value where they stand, and say so where they do not", async () => {
    const nowhere = errorOf("NotFoundError", "NotFound", "the cursor stands on no record");
    assert.deepEqual(await harness.run("values"), {
      before: { key: nowhere, done: false },
      moved: true,
      on: { value: { id: "d", status: "active", rank: 1 }, key: "d", primaryKey: "d", done: false },
      keyOnly: errorOf("FailedPreconditionError", "FailedPrecondition", "value not available on key-only cursor"),
      after: nowhere,
    });
    await closed();
  });

  await t.test("go where the author says: to the next, to a key, by a number; with a loop or without", async () => {
    assert.deepEqual(await harness.run("steps"), {
      led: ["a", "c", "d"],
      advanced: ["a", "c"],
      manual: ["d", "a"],
      back: [3, 2, 1],
      over: [false, false, true],
    });
    await closed();
  });

  await t.test("replace and remove the record they stand on", async () => {
    assert.deepEqual(await harness.run("writes"), {
      seen: ["a", 1, "c", null, "d", 1],
      all: [
        { id: "b", status: "idle", rank: 3 },
        { id: "d", status: "active", rank: 1, seen: 1 },
      ],
    });
    await closed();
  });

  await t.test("end when gestaltd refuses a step, and go on when nothing was sent", async () => {
    const errors = await harness.run<Record<string, ScenarioError>>("errors");
    const nowhere = errorOf("NotFoundError", "NotFound", "the cursor stands on no record");
    const { behind, afterwards, conflict, refused, closed: over, store, index, ...rest } = errors;
    assert.deepEqual(rest, { onNothing: [nowhere, nowhere], stillGood: true, alive: [true, "b"] });
    assert.deepEqual(behind, invalid("continue key must lie ahead of the cursor"));
    assert.equal(afterwards, behind?.message);
    assert.deepEqual(conflict, errorOf("AlreadyExistsError", "AlreadyExists", "datastore: already exists"));
    assert.deepEqual(refused, [
      invalid("a cursor cannot change the primary key of a record"),
      invalid('field "status" is a function, which no kind of value is for'),
      invalid("advance count must be positive"),
      invalid("the key to continue at is an object of class Object, which nothing is found by"),
      invalid('a cursor walks "next", "nextunique", "prev", "prevunique"; not "up"'),
    ]);
    assert.deepEqual(over, errorOf("FailedPreconditionError", "FailedPrecondition", "the cursor is closed"));
    assert.deepEqual([store?.name, index?.name], ["NotFoundError", "NotFoundError"]);
    await closed();
  });

  await t.test("do in order what is asked of them without waiting", async () => {
    const left = [
      ["a", "first"],
      ["b", "second"],
      ["d", "active"],
    ];
    assert.deepEqual(await harness.run("concurrent"), { answers: [true, null, true, null, true, null], left });
    await closed();
  });

  await t.test("are closed however a loop is left", async () => {
    const running = harness.run<Record<string, ScenarioError>>("leaves");
    await until(() => harness.run<boolean>("hasLeft"), "all have been left");
    await closed();
    await harness.run("go");
    const { thrown, aborted, never, given } = await running;
    assert.deepEqual(thrown, { name: "RangeError", message: "mine" });
    assert.deepEqual([aborted?.code, never?.message, given?.code], ["Canceled", "the cursor is closed", "Canceled"]);
  });

  await t.test("see the store as it was when they began", async () => {
    assert.deepEqual(await harness.run("snapshot"), { keys: ["a", "b", "c", "d"], count: 8 });
    await closed();
  });

  // In Node nothing ends with the request.
  await t.test(
    "end with the request that forgot them",
    { skip: process.env.HOST_SCENARIOS_IN === "node" },
    async () => {
      assert.equal(await harness.run("forgotten"), "a");
      await closed();
    },
  );
});

function at(key: string, ...ids: string[]) {
  return ids.map((id) => [[key], id]);
}

function errorOf(name: string, code: string, message: string): ScenarioError {
  return { name, message, code, service: "indexedDB" };
}

function invalid(message: string): ScenarioError {
  return errorOf("InvalidArgumentError", "InvalidArgument", message);
}
