// Host calls that a handler leaves behind: nothing hangs, nothing is said of rejections nobody could catch, and gestaltd is rid of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";

/** Of one channel at a time (docs/channel.md). */
const MAX_CALLS = 1_024;

test("host calls left behind", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./left-behind.worker.ts", import.meta.url),
    hosts: ["CACHE", "S3", "INDEXEDDB", "PLUGIN_INVOKER", "RUNTIME_LOG"],
    gestaltd: { plugins: { echo: { empty: () => ({}) } } },
  });
  const isStored = async (key: string) => (await harness.run<string[]>("stored", { keys: [key] })).includes(key);
  const { s3 } = harness.gestaltd;
  await harness.run("prepared");

  await t.test("end with the handler that did not wait for them, whether gestaltd answers or not", async () => {
    for (const pauseMs of [0, 50]) await harness.run("forgotten", { pauseMs });
    const release = harness.gestaltd.hold();
    await harness.run("forgotten", { pauseMs: 50 });
    release();
    // The store that the transactions would have kept to themselves can be written to.
    await harness.run("prepared");
    await until(() => s3.writing === 0 && s3.reading === 0, "gestaltd has streams open");
  });

  await t.test("end with the handler that has read enough", async () => {
    for (let i = 0; i < 5; i++) assert.equal(await harness.run("halfRead"), false);
    await until(() => s3.reading === 0, "gestaltd still sends an object");
  });

  await t.test("go on after the answer where waitUntil was asked to see to it", async () => {
    await harness.run("afterwards");
    await until(() => isStored("afterwards"), "it is stored");
  });

  await t.test("tell the log when they fail after the answer", async () => {
    await harness.run("failsAfterwards");
    const told = (line: string) => /waitUntil.*InvalidArgumentError.*ttlMs is 0/.test(line);
    await until(() => harness.log.some(told), "the log has it");
  });

  await t.test("that are too many for a channel fail at once, and the others do not", async () => {
    const release = harness.gestaltd.hold();
    const crowd = harness.run("crowd", { count: MAX_CALLS + 76 });
    await until(() => harness.gestaltd.held >= MAX_CALLS, "as many arrive as there may be");
    release();
    const failures = ["HostServiceError: 1024 host-service calls are in flight"];
    assert.deepEqual(await crowd, { failures, done: MAX_CALLS });
  });
});
