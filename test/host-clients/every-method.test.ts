// Every method of every host client ends at its signal, at its own time and with its request, and says so in the same way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

type Failures = Readonly<Record<string, ScenarioError>>;

/** How many there are of each: what the protocol has, and what is made of that. */
const METHODS = {
  ...{ cache: 7, s3: 17, indexedDB: 23, plugins: 3, workflows: 16, workflowHost: 1 },
  ...{ agents: 12, agentHost: 4, authorization: 11, runtimeLogs: 3 },
};

test("every method of a host client", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./every-method.worker.ts", import.meta.url),
    hosts: [
      ...(["CACHE", "S3", "INDEXEDDB", "PLUGIN_INVOKER", "WORKFLOW_MANAGER", "WORKFLOW_HOST"] as const),
      ...(["AGENT_MANAGER", "AGENT_HOST", "AUTHORIZATION", "RUNTIME_LOG"] as const),
    ],
  });

  function assertFailures(failures: Failures, codes: readonly string[]): void {
    const counts: Record<string, number> = {};
    for (const [method, { code = "", service = "", message }] of Object.entries(failures)) {
      assert.ok(codes.includes(code), `${method}: ${code} ${message}`);
      assert.equal(service, method.split(" ")[0], method);
      counts[service] = (counts[service] ?? 0) + 1;
    }
    assert.deepEqual(counts, METHODS);
  }

  await t.test("is looked at here", async () => {
    const methods = await harness.run<Record<string, string[]>>("methods");
    const looked = Object.keys(await harness.run<Failures>("aborted"));
    const asksNothing = ["s3 object", "s3 ref"];
    for (const [service, names] of Object.entries(methods)) {
      const all = names.map((name) => `${service} ${name}`).filter((name) => !asksNothing.includes(name));
      const known = looked.filter((name) => name.startsWith(`${service} `));
      assert.deepEqual(known.sort(), all.sort());
    }
  });

  await t.test("asks nothing once its signal has aborted or its time is up", async () => {
    await until(() => harness.gestaltd.logs.calls.length > 0, "the bridge has written its own first line");
    const release = harness.gestaltd.hold();
    assertFailures(await harness.run("aborted"), ["Canceled"]);
    assertFailures(await harness.run("late", { timeoutMs: 0 }), ["DeadlineExceeded"]);
    assert.equal(harness.gestaltd.held, 0);
    release();
  });

  await t.test("belongs to the trace it is given", async () => {
    const { traces } = harness.gestaltd;
    const release = harness.gestaltd.hold();
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const calls = Object.keys(await harness.run("traced", { traceparent }));
    release();
    assert.equal(traces.filter((trace) => trace.slice(3, 35) === "a".repeat(32)).length, calls.length);
  });

  await t.test("ends at its own time, and with its request, when gestaltd does not answer", async () => {
    const release = harness.gestaltd.hold();
    assertFailures(await harness.run("late", { timeoutMs: 300 }), ["DeadlineExceeded"]);
    // Who calls gives up at the same time, and either may be noticed first.
    await assert.rejects(harness.run("unlimited", {}, { timeoutMs: 500 }));
    await until(async () => (await harness.run("found")) !== null, "all have ended");
    assertFailures(await harness.run("found"), ["DeadlineExceeded", "Canceled"]);
    release();
  });
});
