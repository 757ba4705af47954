// Answers that gestaltd never gives: each client says so, and none passes half a thing on as if it were whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { HostServiceError } from "../../src/worker/host/errors.ts";
import { testHost } from "../../src/worker/host/test-host.ts";

const target = { plugin: { pluginName: "billing", operation: "charge" } };
const wireTarget = { kind: { case: "plugin" as const, value: target.plugin } };
const run = { target: wireTarget };

function saying(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof HostServiceError);
    assert.deepEqual([error.code, error.message], [Code.Internal, `gestaltd answered with ${message}`]);
    return true;
  };
}

test("an answer without what it is about", async () => {
  const { workflows } = await testHost({
    workflows: {
      startRun: () => ({}),
      signalRun: () => ({ run }),
      getSchedule: () => ({}),
      pauseSchedule: () => ({ schedule: { id: "s" } }),
      getEventTrigger: () => ({ trigger: { target: wireTarget } }),
      pauseEventTrigger: () => ({}),
    },
  });
  await assert.rejects(workflows.startRun({ target }), saying("no workflow run"));
  await assert.rejects(workflows.signalRun({ runId: "r", signal: { name: "s" } }), saying("no workflow signal"));
  await assert.rejects(workflows.getSchedule({ scheduleId: "s" }), saying("no workflow schedule"));
  await assert.rejects(workflows.pauseSchedule({ scheduleId: "s" }), saying("no workflow target"));
  await assert.rejects(workflows.getTrigger({ triggerId: "t" }), saying("no match of a workflow trigger"));
  await assert.rejects(workflows.pauseTrigger({ triggerId: "t" }), saying("no workflow trigger"));
});

test("numbers and parts of a later protocol", async () => {
  const { workflows, agents } = await testHost({
    workflows: {
      startRun: () => ({ run: { ...run, status: 77 as never } }),
      signalRun: () => ({ run, signal: { name: "s", sequence: 2n ** 63n - 1n } }),
    },
    agents: { listInteractions: () => ({ interactions: [{ type: 77 as never, state: 77 as never }] }) },
  });
  const started = await workflows.startRun({ target });
  assert.deepEqual([started.run.status, started.run.trigger], ["unspecified", undefined]);
  const number = saying("the sequence number of a signal 9223372036854775807");
  await assert.rejects(workflows.signalRun({ runId: "r", signal: { name: "s" } }), number);
  const [interaction] = await agents.listInteractions({ turnId: "t" });
  assert.deepEqual([interaction?.type, interaction?.state], ["unspecified", "unspecified"]);
});

test("a list of objects that leads nowhere, and a size that is none", async () => {
  const page = (size: bigint, nextContinuationToken: string) => {
    return { objects: [{ ref: { bucket: "b", key: "k" }, size }], hasMore: true, nextContinuationToken };
  };
  const keysOf = async (answer: ReturnType<typeof page>) => {
    const { s3 } = await testHost({ s3: { listObjects: () => answer } });
    const keys: string[] = [];
    for await (const { ref } of s3().list("b")) keys.push(ref.key);
    return keys;
  };
  for (const token of ["", "same"]) await assert.rejects(keysOf(page(1n, token)), saying("a page that leads nowhere"));
  for (const size of [2n ** 53n, -1n]) await assert.rejects(keysOf(page(size, "next")), saying(`the size ${size}`));
});
