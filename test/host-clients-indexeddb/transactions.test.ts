// Transactions of host.indexedDB inside a worker: commit, rollback, order, isolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("transactions", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./transactions.worker.ts", import.meta.url),
    hosts: ["INDEXEDDB"],
  });
  t.afterEach(() => until(() => harness.gestaltd.indexedDB.streams === 0, "every transaction is over"));
  const untouched = [
    ["a", 100],
    ["b", 20],
  ];

  await t.test("commit when the callback returns; nobody else sees them before", async () => {
    const written = [
      ["a", 70],
      ["b", 50],
    ];
    assert.deepEqual(await harness.run("commits"), { inside: written, outside: untouched, after: written });
  });

  await t.test("have every operation, and see their own writes", async () => {
    assert.deepEqual(await harness.run("operations"), {
      get: { id: "c", balance: 5, tier: "iron" },
      getKey: "d",
      getAll: 2,
      getAllKeys: ["a", "b", "c", "d"],
      count: 0,
      indexGet: "b",
      indexGetKey: "a",
      indexGetAll: ["c", "d"],
      indexGetAllKeys: ["c", "d"],
      indexCount: 2,
      deleteRange: 1,
      indexDelete: 2,
      left: 0,
      outside: 2,
    });
  });

  await t.test("roll back when the callback throws or aborts, and reject with what it threw", async () => {
    assert.deepEqual(await harness.run("rollsBack"), {
      thrown: { name: "RangeError", message: "overdrawn" },
      aborted: "aborted",
      running: "while one runs",
      synchronously: "at once",
      after: untouched,
    });
  });

  await t.test("roll back when an operation fails, whoever catches its error", async () => {
    const miss = errorOf("NotFoundError", "NotFound", "datastore: not found");
    assert.deepEqual(await harness.run("failures"), {
      miss,
      caught: miss,
      next: [
        transactionError("transaction is already finished: datastore: not found"),
        ["fulfilled", "fulfilled", "rejected", "rejected"],
      ],
      taken: errorOf("AlreadyExistsError", "AlreadyExists", "datastore: already exists"),
      readonly: transactionError("datastore: transaction is readonly"),
      dropped: miss,
      after: untouched,
    });
  });

  await t.test("go on after what was refused before it was sent", async () => {
    assert.deepEqual(await harness.run("refusals"), {
      inside: [
        transactionError('the transaction was not begun with the store "another"'),
        invalid('field "balance" is a function, which no kind of value is for'),
        invalid("deleteRange() needs a bound; clear() is what removes everything"),
      ],
      noStores: errorOf("TransactionError", "InvalidArgument", "datastore: invalid transaction"),
      noStore: errorOf("NotFoundError", "NotFound", "datastore: not found"),
      mode: invalid('a transaction can be "readonly", "readwrite"; not "write"'),
      count: 3,
    });
  });

  await t.test("cannot be used once they are over", async () => {
    const over = transactionError("transaction is already finished");
    assert.deepEqual(await harness.run("afterTheEnd"), {
      put: over,
      commit: over,
      abort: null,
      committed: [over, over],
      notAwaited: "not awaited",
      after: [
        ["a", 1],
        ["b", 2],
      ],
    });
  });

  await t.test("run in order what is asked of them without waiting", async () => {
    assert.deepEqual(await harness.run("concurrent"), { counts: [42, 42], inOrder: true, after: 43 });
  });

  await t.test("take turns where they would write to the same store", async () => {
    const events = ["first begins", "reads went on", "first ends", "second begins", "second ends"];
    assert.deepEqual(await harness.run("serializes"), { events, balance: 102 });
  });

  await t.test("are given up at a signal or a time, their own or an operation's", async () => {
    const { whole, one, waiting, after } = await harness.run<Record<string, ScenarioError>>("limits");
    assert.deepEqual([whole?.code, one?.code, waiting?.code], ["Canceled", "Canceled", "DeadlineExceeded"]);
    assert.deepEqual(after, untouched);
  });

  await t.test("end at the request's deadline", async () => {
    const waits = harness.run("waitsForItself", {}, { timeoutMs: 1000 });
    await assert.rejects(waits, /DEADLINE_EXCEEDED|DeadlineExceeded/);
  });

  await t.test("and cursors go on side by side", async () => {
    assert.equal(await harness.run("manyAtOnce"), 12);
  });

  await t.test("are undone when gestaltd goes away, and nothing hangs", async () => {
    const caught = harness.run("caughtInFlight");
    await until(() => harness.gestaltd.indexedDB.waiting === 2, "a cursor and a call wait");
    await harness.gestaltd.restart();
    const lost = "UnavailableError";
    assert.deepEqual(await caught, { step: lost, inside: lost, call: lost, transaction: lost });
    assert.deepEqual(await harness.run("afterwards"), untouched);
  });

  await t.test("know columns too", async () => {
    const text = 'field "n" is 0.5, and its column takes whole numbers; past 2^53 use a bigint';
    assert.deepEqual(await harness.run("columns"), invalid(text));
  });
});

function errorOf(name: string, code: string, message: string): ScenarioError {
  return { name, message, code, service: "indexedDB" };
}

function transactionError(message: string): ScenarioError {
  return errorOf("TransactionError", "FailedPrecondition", message);
}

function invalid(message: string): ScenarioError {
  return errorOf("InvalidArgumentError", "InvalidArgument", message);
}
