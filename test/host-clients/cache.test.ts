// host.cache inside a worker: all seven methods, lifetimes, bindings, refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startHostHarness } from "../support/host-harness.ts";

test("host.cache", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./cache.worker.ts", import.meta.url),
    hosts: ["CACHE_MAIN", "CACHE_SIDE_CAR"],
  });

  await t.test("keeps texts and bytes; a miss is undefined, an empty value is not", async () => {
    assert.deepEqual(await harness.run("readsAndWrites"), {
      text: { bytes: "grüße" },
      bytes: { bytes: "raw" },
      buffer: { bytes: "buffer" },
      empty: { bytes: "" },
      miss: null,
      many: [
        ["text", { bytes: "grüße" }],
        ["empty", { bytes: "" }],
      ],
      none: [],
    });
  });

  await t.test("reads, writes and deletes many at once", async () => {
    assert.deepEqual(await harness.run("batches"), {
      many: [
        ["a", { bytes: "1" }],
        ["b", { bytes: "2" }],
        ["__proto__", { bytes: "3" }],
      ],
      deleted: 2,
      none: 0,
      first: true,
      again: false,
    });
  });

  await t.test("sends lifetimes to the nanosecond, and never a short one as none", async () => {
    const sent = async (ttlMs: number) => {
      const from = harness.gestaltd.cacheLifetimes.length;
      await harness.run("lifetimes", { ttlMs });
      return harness.gestaltd.cacheLifetimes.slice(from, from + 2).map((ttl) => `${ttl?.seconds}s ${ttl?.nanos}ns`);
    };
    assert.deepEqual(await sent(1500), ["1s 500000000ns", "1s 500000000ns"]);
    assert.deepEqual(await sent(0.25), ["0s 250000ns", "0s 250000ns"]);
    assert.deepEqual(await sent(1e-9), ["0s 1ns", "0s 1ns"]);
    assert.deepEqual(await sent(1999.9999999), ["2s 0ns", "2s 0ns"]);
    assert.deepEqual(await sent(86_400_000 * 3650), ["315360000s 0ns", "315360000s 0ns"]);
  });

  await t.test("forgets what has expired; touch and set without a lifetime take it away", async () => {
    const left = [
      ["kept", { bytes: "v" }],
      ["replaced", { bytes: "w" }],
    ];
    assert.deepEqual(await harness.run("forgets"), { touch: false, left });
  });

  await t.test("finds a binding by any spelling of its name, and says what there is", async () => {
    const { main, side, unnamed, unknown } =
      await harness.run<Record<string, { readonly message: string }>>("bindings");
    assert.deepEqual([main, side], [{ bytes: "in main" }, { bytes: "in side" }]);
    const error = { name: "HostServiceMissingError", code: "FailedPrecondition", service: "cache" };
    const offers = "gestaltd offers MAIN, SIDE_CAR";
    assert.deepEqual(unnamed, { ...error, message: `host.cache: one must be named; ${offers}` });
    assert.deepEqual(unknown, { ...error, message: `host.cache: there is none named "OTHER"; ${offers}` });
  });

  await t.test("refuses lifetimes that mean something else, and what does not fit into a message", async () => {
    const refused = await harness.run<Record<string, { readonly name: string; readonly message: string }>>("refusals");
    for (const name of ["zero", "negative", "nan"]) {
      assert.equal(refused[name]?.name, "InvalidArgumentError");
      assert.match(refused[name]?.message ?? "", /ttlMs is (0|-1|NaN): it must be more than 0/);
    }
    assert.match(refused.large?.message ?? "", /^This key and value have 4,194,\d\d\d bytes; gestaltd takes at most/);
    assert.match(refused.together?.message ?? "", /^These 3 entries have [\d,]+ bytes; .* Write fewer at a time\.$/);
    assert.deepEqual(refused.written, []);
  });

  await t.test("a call ends with its own signal and its own time limit", async () => {
    const release = harness.gestaltd.hold();
    const { already, timeout } = await harness.run<Record<string, { readonly code: string }>>("cancelled");
    release();
    assert.equal(already?.code, "Canceled");
    assert.equal(timeout?.code, "DeadlineExceeded");
  });
});
