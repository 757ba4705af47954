// Values of the wrong kind are refused before anything is sent: none is stored as something else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PluginRuntimeLogStream } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("host clients refuse what their types forbid, as invalid arguments, and store nothing of it", async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./wrong-values.worker.ts", import.meta.url),
    hosts: ["CACHE", "S3", "RUNTIME_LOG"],
  });
  const refused = await harness.run<Record<string, ScenarioError>>("refused");
  for (const [what, { name, message }] of Object.entries(refused)) {
    assert.equal(name, "InvalidArgumentError", `${what}: ${message}`);
  }
  assert.equal(refused.number?.message, "A value is a text or bytes, not number; write others as JSON.");
  assert.equal(refused.method?.message, 'There is no method "PATCH"; known are GET, PUT, DELETE, HEAD.');
  assert.deepEqual(await harness.run("left"), [null, false]);
  const lines = harness.gestaltd.logs
    .of(harness.session)
    .filter(({ stream }) => stream === PluginRuntimeLogStream.STDOUT);
  assert.deepEqual(lines, []);
});
