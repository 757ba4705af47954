// host.workflowHost inside a worker: operations and agents' turns, which take their time; and gestaltd's call back into
// GetExecutionReference.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { InvokeWorkflowOperationRequestSchema } from "../../src/gen/gestalt/provider/v1/workflow_host_pb.ts";
import {
  type BoundWorkflowTarget,
  BoundWorkflowTargetSchema,
  type WorkflowExecutionReference,
  WorkflowExecutionReferenceSchema,
} from "../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import type { InvokeWorkflowOperation } from "../../src/worker/host/workflow-host/client.ts";
import { until } from "../support/bridge-process.ts";
import { FakeWorkflowHost, type WorkflowOperation } from "../support/fake-gestaltd/workflows/host.ts";
import { startHostHarness } from "../support/host-harness.ts";
import { remote } from "./remote.ts";
import { agentTarget, charge, wireAgentTarget } from "./targets.ts";

const PROVIDER = "temporal";
const references = new Map<string, WorkflowExecutionReference>();

test("host.workflowHost", { timeout: 60_000 }, async (t) => {
  const began = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const answer: WorkflowOperation = async (_, signal) => {
    signal.throwIfAborted();
    return { status: 200, body: '{"ok":true}' };
  };
  const fake = new FakeWorkflowHost({
    providerName: PROVIDER,
    operations: {
      "billing.charge": answer,
      "billing.refuse": async () => ({ status: 422, body: '{"error":"no"}' }),
      "billing.slow": (_, signal) =>
        new Promise((_, reject) => {
          began.resolve();
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      "billing.afterSlow": (request, signal) => began.promise.then(() => answer(request, signal)),
      "agent.claude": (request, signal) => finish.promise.then(() => answer(request, signal)),
    },
  });
  fake.provider = {
    async getExecutionReference({ id }) {
      const reference = references.get(id);
      if (reference === undefined) throw new ConnectError("no such reference", Code.NotFound);
      return reference;
    },
  };
  const harness = await startHostHarness(t, {
    scenarios: new URL("./call.worker.ts", import.meta.url),
    hosts: ["WORKFLOW_HOST"],
    gestaltd: { routes: (router) => fake.route(router) },
  });
  const workflowHost = remote(harness, "workflowHost");
  const target = (operation: string) => ({ plugin: { ...charge.plugin, pluginName: "billing", operation } });
  const invocation = (operation: string, id = `workflow_run:${operation}`): InvokeWorkflowOperation => {
    const invoked = { target: target(operation), runId: "run:1", executionRef: id };
    refer(id, { target: wireTarget(invoked.target) });
    return invoked;
  };

  await t.test("runs an operation with everything that is known of the run", async () => {
    const request: InvokeWorkflowOperation = {
      ...invocation("charge"),
      trigger: { schedule: { scheduleId: "sch-1", scheduledFor: new Date("2026-01-02T03:00:00.000Z") } },
      input: { cents: 5 },
      metadata: { attempt: 2 },
      createdBy: { subjectId: "user:ada", subjectKind: "user", displayName: "Ada", authSource: "oidc" },
      signals: [
        {
          ...{ name: "paid", id: "s1", idempotencyKey: "k1", payload: { a: 1 }, metadata: { b: 2 }, sequence: 1 },
          ...{ createdBy: { subjectId: "user:bob" }, createdAt: new Date("2026-01-02T02:00:00.000Z") },
        },
        { name: "late", sequence: 2 },
      ],
    };
    assert.deepEqual(await workflowHost.invokeOperation(request), { status: 200, body: '{"ok":true}' });
    const [received] = fake.received;
    assert.deepEqual(toJson(InvokeWorkflowOperationRequestSchema, received?.request as never), {
      ...request,
      trigger: { schedule: { scheduleId: "sch-1", scheduledFor: "2026-01-02T03:00:00Z" } },
      signals: [
        { ...request.signals?.[0], sequence: "1", createdAt: "2026-01-02T02:00:00Z" },
        { name: "late", sequence: "2" },
      ],
    });
    assert.deepEqual(fake.asked, [request.executionRef]);
  });

  await t.test("says what started the run", async () => {
    const triggerOf = async (trigger: InvokeWorkflowOperation["trigger"]) => {
      await workflowHost.invokeOperation({ ...invocation("charge"), trigger });
      const { request } = fake.received.at(-1) ?? {};
      return (toJson(InvokeWorkflowOperationRequestSchema, request as never) as { trigger?: unknown }).trigger;
    };
    assert.equal(await triggerOf(undefined), undefined);
    for (const trigger of [
      { manual: {} },
      { schedule: { scheduleId: "sch-1" } },
      { event: { triggerId: "trg-1" } },
      { event: { triggerId: "trg-1", event: { type: "order.paid", data: { id: 1 }, extensions: { a: null } } } },
    ]) {
      assert.deepEqual(await triggerOf(trigger as InvokeWorkflowOperation["trigger"]), trigger);
    }
  });

  await t.test("waits for an agent as long as it takes, and other calls go on meanwhile", async () => {
    refer("workflow_run:agent", { target: wireTarget(wireAgentTarget()) });
    const request = { target: agentTarget, runId: "run:2", executionRef: "workflow_run:agent" };
    const result = workflowHost.invokeOperation(request);
    await until(() => fake.asked.includes("workflow_run:agent"), "gestaltd has asked for the reference");
    assert.equal((await workflowHost.invokeOperation(invocation("charge"))).status, 200);
    const waiting = fake.received.find(({ request: { runId } }) => runId === "run:2");
    assert.deepEqual([waiting?.timeoutMs, waiting?.signal.aborted], [undefined, false]);
    finish.resolve();
    assert.equal((await result).status, 200);
  });

  await t.test("returns a failure of the operation as its status", async () => {
    const result = await workflowHost.invokeOperation(invocation("refuse"));
    assert.deepEqual(result, { status: 422, body: '{"error":"no"}' });
  });

  await t.test("fails with an error for each of gestaltd's codes", async () => {
    const { failing } = workflowHost;
    const request = invocation("charge");
    refer("revoked", { target: wireTarget(target("charge")), revokedAt: timestampNow() });
    refer("foreign", { target: wireTarget(target("charge")), providerName: "another" });
    const denied = [
      await failing.invokeOperation({ ...request, executionRef: "unknown" }),
      await failing.invokeOperation({ ...request, executionRef: "revoked" }),
      await failing.invokeOperation({ ...request, executionRef: "foreign" }),
      await failing.invokeOperation({ ...request, target: target("refuse") }),
    ];
    for (const { name, message } of denied) assert.equal(name, "PermissionDeniedError", message);
    assert.match(denied[3]?.message ?? "", /target does not match the scheduled invocation/);
    const invalid = [
      await failing.invokeOperation({ ...request, executionRef: "" }),
      await failing.invokeOperation({ ...request, target: target("") }),
      await failing.invokeOperation({ ...request, target: { agent: { providerName: "" } } }),
      await failing.invokeOperation({ ...request, signals: [{ name: "x", sequence: -1 }] }),
    ];
    for (const { name, message } of invalid) assert.equal(name, "InvalidArgumentError", message);
    const missing = await failing.invokeOperation({ ...request, target: target("none") });
    assert.deepEqual([missing.name, missing.service], ["NotFoundError", "workflowHost"]);
  });

  await t.test("a call that is given up ends at gestaltd too", async () => {
    const request = { ...invocation("slow") };
    const other = { ...invocation("afterSlow") };
    const params = { service: "workflowHost", method: "invokeOperation", request, other } as never;
    const { name, code } = await harness.run<{ name: string; code: string }>("aborted", params);
    assert.deepEqual([name, code], ["HostServiceError", "Canceled"]);
    const begun = fake.received.find((call) => call.request.executionRef === request.executionRef);
    await until(() => begun?.signal.aborted === true, "gestaltd has heard of it");
  });
});

function refer(id: string, reference: Partial<WorkflowExecutionReference>): void {
  references.set(id, create(WorkflowExecutionReferenceSchema, { providerName: PROVIDER, ...reference, id } as never));
}

/** A target whose JSON is also the protocol's. */
function wireTarget(target: object): BoundWorkflowTarget {
  return fromJson(BoundWorkflowTargetSchema, target as JsonObject);
}
