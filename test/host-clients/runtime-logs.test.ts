// host.runtimeLogs inside a worker: entries, writers, refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { PluginRuntimeLogStream as Stream } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("host.runtimeLogs", { timeout: 60_000 }, async (t) => {
  const scenarios = new URL("./runtime-logs.worker.ts", import.meta.url);
  const harness = await startHostHarness(t, { scenarios, hosts: ["RUNTIME_LOG"] });
  // The bridge itself says when the worker is ready.
  const lines = () =>
    harness.gestaltd.logs.of(harness.session).filter(({ message }) => !message.startsWith("the worker at"));

  await t.test("appends to the session's log, with stream, time and number", async () => {
    const from = lines().length;
    const before = Date.now();
    const { none = 0, one = 0, dated = 0, many = 0 } = await harness.run<Record<string, number>>("appends");
    assert.ok(none < one && one < dated && dated + 1 < many, "each has a number, and later ones have higher");
    const written = lines().slice(from);
    assert.deepEqual(
      written.map(({ message, stream, sourceSeq }) => [message, stream, sourceSeq]),
      [
        ["plain", Stream.STDOUT, 0n],
        ["dated", Stream.STDERR, 7n],
        ["a", Stream.RUNTIME, 2n ** 60n],
        ["b", Stream.STDOUT, 0n],
      ],
    );
    const times = written.map(({ observedAt }) => observedAt && timestampMs(observedAt));
    assert.equal(times[1], 1000);
    assert.ok((times[0] ?? 0) >= before - 1 && (times[0] ?? 0) <= Date.now() + 1);
  });

  await t.test("a writer makes lines of what comes in pieces", async () => {
    const from = lines().length;
    await harness.run("writes");
    const written = lines().slice(from);
    assert.deepEqual(
      written.map(({ message }) => message),
      ["one", "two", "ü", "last"],
    );
    assert.ok(written.every(({ stream }) => stream === Stream.STDERR));
  });

  await t.test("a writer cuts endless lines and makes batches of many", async () => {
    const from = lines().length;
    await harness.run("writesLong");
    const messages = lines()
      .slice(from)
      .map(({ message }) => message);
    assert.equal(messages.length, 4 + 199_999);
    assert.ok(messages.every((message) => message.length <= 16 * 1024 && message.isWellFormed()));
    assert.equal(messages.slice(0, 4).join(""), `${"x".repeat(16 * 1024 - 1)}😀${"y".repeat(40_000)}z`);
  });

  await t.test("fails with what gestaltd says", async () => {
    const { unknown, fraction, writer } = await harness.run<Record<string, ScenarioError>>("refusals");
    assert.deepEqual([unknown?.name, unknown?.message], ["NotFoundError", "runtime session not found"]);
    assert.equal(writer?.name, "NotFoundError");
    assert.equal(fraction?.name, "InvalidArgumentError");
  });
});
