// host.workflows inside a worker: all sixteen methods, what gestaltd receives and answers, and how it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import {
  WorkflowManagerPublishEventRequestSchema,
  WorkflowManagerStartRunRequestSchema,
  WorkflowManagerUpdateScheduleRequestSchema,
} from "../../src/gen/gestalt/provider/v1/workflow_manager_pb.ts";
import { WorkflowRunStatus } from "../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import type { WorkflowTarget } from "../../src/worker/host/workflows/targets.ts";
import { invocationToken } from "../support/fake-gestaltd/invocation-tokens.ts";
import { FakeWorkflowManager } from "../support/fake-gestaltd/workflows/manager.ts";
import { PLUGIN, startHostHarness } from "../support/host-harness.ts";
import { remote } from "./remote.ts";
import { agentTarget, charge, givenAgain, wireAgentTarget } from "./targets.ts";

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ADA = { subjectId: "user:ada", subjectKind: "user", displayName: null, authSource: null };
/** As gestaltd returns it, with the connection it chose. */
const charged = {
  plugin: { ...charge.plugin, connection: "default", instance: null, credentialMode: null },
};
const nightly = { cron: "0 3 * * *", timezone: "Europe/Berlin", target: charge };
const paid = { match: { type: "order.paid" }, target: charge };

test("host.workflows", { timeout: 60_000 }, async (t) => {
  const fake = new FakeWorkflowManager({
    providers: ["memory", "second"],
    operations: { billing: ["charge", "refund", "purge!"], chat: ["post"] },
  });
  const harness = await startHostHarness(t, {
    scenarios: new URL("./call.worker.ts", import.meta.url),
    hosts: ["WORKFLOW_MANAGER"],
    gestaltd: { routes: (router) => fake.route(router) },
  });
  const token = invocationToken("user:ada", PLUGIN);
  const workflows = remote(harness, "workflows", { invocationToken: token });
  const last = () => {
    const received = fake.received.at(-1);
    assert.ok(received);
    return received;
  };

  await t.test("starts a run", async () => {
    const { providerName, run } = await workflows.startRun({ target: charge, workflowKey: "order-1" });
    assert.match(String(run.createdAt), ISO_DATE);
    assert.deepEqual(
      { providerName, run: { ...run, createdAt: "now" } },
      {
        providerName: "memory",
        run: {
          id: run.id,
          status: "pending",
          target: charged,
          trigger: { manual: {} },
          createdAt: "now",
          startedAt: null,
          completedAt: null,
          statusMessage: "",
          resultBody: "",
          createdBy: ADA,
          executionRef: `workflow_run:${run.id}`,
          workflowKey: "order-1",
        },
      },
    );
    assert.deepEqual(toJson(WorkflowManagerStartRunRequestSchema, last().request as never), {
      target: { plugin: charge.plugin },
      workflowKey: "order-1",
      invocationToken: token,
    });
  });

  await t.test("sends all of an agent's target, and gets all of it back", async () => {
    const { run } = await workflows.startRun({ providerName: "second", target: agentTarget });
    assert.deepEqual(givenAgain(run.target), agentTarget);
    const { target } = toJson(WorkflowManagerStartRunRequestSchema, last().request as never) as { target: never };
    assert.deepEqual(target, wireAgentTarget());
    // And a target that was got can be given again.
    const again = await workflows.startRun({ target: givenAgain(run.target) });
    assert.deepEqual(again.run.target, run.target);
  });

  await t.test("starts one run per idempotency key, and one active run per workflow key", async () => {
    const request = { target: charge, idempotencyKey: "once", workflowKey: "order-2" };
    const { run } = await workflows.startRun(request);
    assert.equal((await workflows.startRun(request)).run.id, run.id);
    const { name, code, service } = await workflows.failing.startRun({ target: charge, workflowKey: "order-2" });
    assert.deepEqual([name, code, service], ["FailedPreconditionError", "FailedPrecondition", "workflows"]);
    fake.finish(run.id, WorkflowRunStatus.FAILED, "{}");
    const finished = await workflows.startRun(request);
    assert.deepEqual([finished.run.id, finished.run.status, finished.run.resultBody], [run.id, "failed", "{}"]);
    assert.match(String(finished.run.completedAt), ISO_DATE);
    assert.notEqual((await workflows.startRun({ target: charge, workflowKey: "order-2" })).run.id, run.id);
  });

  await t.test("signals a run once per key or id, in order", async () => {
    const { run } = await workflows.startRun({ target: charge, workflowKey: "order-3" });
    const createdAt = new Date("2026-01-02T03:04:05.678Z");
    const createdBy = { subjectId: "service:shop", subjectKind: "service" };
    const full = { name: "paid", id: "s1", idempotencyKey: "k1", payload: { cents: 3 }, metadata: { a: 1 } };
    const first = await workflows.signalRun({ runId: run.id, signal: { ...full, createdAt, createdBy } });
    assert.deepEqual(first, {
      providerName: "memory",
      run,
      signal: {
        ...full,
        createdBy: { ...createdBy, displayName: null, authSource: null },
        createdAt: createdAt.toISOString(),
        sequence: 1,
      },
      startedRun: false,
      workflowKey: "order-3",
    });
    const { signal: repeated } = await workflows.signalRun({
      runId: run.id,
      signal: { name: "x", idempotencyKey: "k1" },
    });
    assert.deepEqual(repeated, first.signal);
    const { signal: second } = await workflows.signalRun({ runId: run.id, signal: { name: "paid", id: "s2" } });
    assert.deepEqual([second.sequence, second.createdBy], [2, ADA]);
    assert.match(String(second.createdAt), ISO_DATE);
    assert.equal((await workflows.signalRun({ runId: run.id, signal: { name: "y", id: "s2" } })).signal.sequence, 2);

    fake.finish(run.id, WorkflowRunStatus.SUCCEEDED);
    const late = await workflows.failing.signalRun({ runId: run.id, signal: { name: "late" } });
    assert.deepEqual([late.name, late.message], ["FailedPreconditionError", `workflow run "${run.id}" is finished`]);
  });

  await t.test("signals the active run of a key, or starts one", async () => {
    const request = { workflowKey: "cart-1", target: charge, signal: { name: "added" }, idempotencyKey: "add-1" };
    const first = await workflows.signalOrStartRun(request);
    assert.deepEqual([first.startedRun, first.signal.sequence, first.workflowKey], [true, 1, "cart-1"]);
    const second = await workflows.signalOrStartRun({ ...request, providerName: "memory" });
    assert.deepEqual([second.startedRun, second.signal.sequence, second.run.id], [false, 2, first.run.id]);
  });

  await t.test("keeps schedules: create, get, update, pause, resume, delete", async () => {
    const { providerName, schedule } = await workflows.createSchedule(nightly);
    const { id: scheduleId, createdAt, updatedAt, nextRunAt, executionRef } = schedule;
    for (const date of [createdAt, updatedAt, nextRunAt]) assert.match(String(date), ISO_DATE);
    const dates = { createdAt, updatedAt, nextRunAt };
    assert.deepEqual(schedule, {
      ...{ id: scheduleId, cron: "0 3 * * *", timezone: "Europe/Berlin", target: charged, paused: false },
      ...{ ...dates, createdBy: ADA, executionRef },
    });
    assert.deepEqual(await workflows.getSchedule({ scheduleId }), { providerName: "memory", schedule });

    const refund: WorkflowTarget = { plugin: { pluginName: "billing", operation: "refund", instance: "eu" } };
    const update = { scheduleId, providerName: "second", cron: "*/5 * * * *", target: refund, paused: true };
    const updated = await workflows.updateSchedule(update);
    assert.deepEqual(toJson(WorkflowManagerUpdateScheduleRequestSchema, last().request as never), {
      ...{ ...update, target: { plugin: refund.plugin }, invocationToken: token },
    });
    const { schedule: changed } = updated;
    assert.deepEqual([providerName, updated.providerName], ["memory", "second"]);
    assert.deepEqual([changed.cron, changed.timezone, changed.paused], ["*/5 * * * *", "", true]);
    assert.deepEqual([changed.createdAt, changed.nextRunAt], [createdAt, null]);
    assert.equal(changed.target.plugin?.instance, "eu");

    assert.equal((await workflows.resumeSchedule({ scheduleId })).schedule.paused, false);
    const paused = await workflows.pauseSchedule({ scheduleId });
    assert.deepEqual([paused.schedule.paused, paused.schedule.nextRunAt], [true, null]);
    assert.equal(await workflows.deleteSchedule({ scheduleId }), null);
    for (const method of ["getSchedule", "deleteSchedule", "pauseSchedule", "resumeSchedule"] as const) {
      assert.equal((await workflows.failing[method]({ scheduleId })).name, "NotFoundError", method);
    }
    assert.equal((await workflows.failing.updateSchedule(update)).name, "NotFoundError");
  });

  await t.test("keeps triggers: create, get, update, pause, resume, delete", async () => {
    const match = { type: "order.paid", source: "shop", subject: "order-1" };
    const { providerName, trigger } = await workflows.createTrigger({ match, target: charge });
    const { id: triggerId, createdAt, updatedAt, executionRef } = trigger;
    assert.deepEqual(trigger, {
      ...{ id: triggerId, match, target: charged, paused: false, createdAt, updatedAt, createdBy: ADA, executionRef },
    });
    assert.deepEqual(await workflows.getTrigger({ triggerId }), { providerName, trigger });
    const update = { triggerId, match: { type: "order.lost" }, target: charge, paused: true };
    const { trigger: changed } = await workflows.updateTrigger(update);
    assert.deepEqual([changed.match, changed.paused], [{ type: "order.lost", source: null, subject: null }, true]);
    assert.equal((await workflows.resumeTrigger({ triggerId })).trigger.paused, false);
    assert.equal((await workflows.pauseTrigger({ triggerId })).trigger.paused, true);
    assert.equal(await workflows.deleteTrigger({ triggerId }), null);
    for (const method of ["getTrigger", "deleteTrigger", "pauseTrigger", "resumeTrigger"] as const) {
      assert.equal((await workflows.failing[method]({ triggerId })).name, "NotFoundError", method);
    }
    assert.equal((await workflows.failing.updateTrigger(update)).name, "NotFoundError");
  });

  await t.test("finds what an idempotency key made, and refuses it for something else", async () => {
    const { schedule } = await workflows.createSchedule({ ...nightly, idempotencyKey: "nightly" });
    assert.deepEqual((await workflows.createSchedule({ ...nightly, idempotencyKey: "nightly" })).schedule, schedule);
    const other = { ...nightly, cron: "0 4 * * *", idempotencyKey: "nightly" };
    const { name, code } = await workflows.failing.createSchedule(other);
    assert.deepEqual([name, code], ["HostServiceError", "Unknown"]);
    const { trigger } = await workflows.createTrigger({ ...paid, paused: true, idempotencyKey: "paid" });
    const again = await workflows.createTrigger({ ...paid, paused: true, idempotencyKey: "paid" });
    assert.deepEqual(again.trigger, trigger);
    assert.equal((await workflows.failing.createTrigger({ ...paid, idempotencyKey: "paid" })).code, "Unknown");
  });

  await t.test("publishes events, completed by gestaltd, which start runs", async () => {
    const { trigger } = await workflows.createTrigger({
      match: { type: "order.shipped", source: "shop" },
      target: charge,
    });
    const { id, time, ...published } = await workflows.publishEvent({
      event: { type: "order.shipped", source: "shop" },
    });
    assert.match(String(time), ISO_DATE);
    assert.ok(id);
    const bare = { subject: null, datacontenttype: null, data: null, extensions: null };
    assert.deepEqual(published, { type: "order.shipped", source: "shop", specVersion: "1.0", ...bare });
    const [run] = [...fake.store.runs.values()].filter(({ value }) => value.trigger?.kind.case === "event");
    const kind = run?.value.trigger?.kind;
    assert.equal(kind?.case === "event" && kind.value.triggerId, trigger.id);

    const full = {
      ...{ type: "order.lost", id: "e1", source: "shop", specVersion: "1.1", subject: "order-1" },
      ...{ time: new Date("2026-01-02T03:04:05.678Z"), datacontenttype: "application/json", data: { a: [1] } },
      extensions: { traceparent: "00-1", count: 3, deep: { nothing: null } },
    };
    const answer = await workflows.publishEvent({ event: full, providerName: "second" });
    assert.deepEqual(answer, { ...full, time: full.time.toISOString() });
    assert.deepEqual(toJson(WorkflowManagerPublishEventRequestSchema, last().request as never), {
      ...{ event: { ...full, time: "2026-01-02T03:04:05.678Z" }, invocationToken: token, providerName: "second" },
    });
  });

  await t.test("says what JSON can say, and refuses what it cannot before anything is sent", async () => {
    const odd = await harness.run<Record<string, { name: string; message: string }>>(
      "oddValues",
      {},
      { invocationToken: token },
    );
    assert.equal(odd.data, '{"list":[null],"at":"1970-01-01T00:00:00.000Z","notANumber":null,"__proto__":1}');
    const extensions = { at: "1970-01-01T00:00:00.000Z", nothing: null };
    assert.equal(odd.extensions, `${JSON.stringify(extensions).slice(0, -1)},"__proto__":{"deep":[1,"two",false]}}`);
    assert.match(odd.bigint?.message ?? "", /^An event's data cannot be written as JSON: .*BigInt/);
    assert.match(odd.extension?.message ?? "", /^An event's extension cannot be written as JSON/);
    assert.match(odd.circular?.message ?? "", /circular/i);
    assert.match(odd.time?.message ?? "", /^An event's time is no valid date\.$/);
    for (const key of ["bigint", "extension", "circular", "time"]) assert.equal(odd[key]?.name, "InvalidArgumentError");
  });

  await t.test("acts for the subject of the call, or of the token that is given", async () => {
    const { schedule } = await workflows.createSchedule(nightly);
    const scheduleId = schedule.id;
    const bob = { invocationToken: invocationToken("user:bob", PLUGIN) };
    assert.equal((await remote(harness, "workflows", bob).failing.getSchedule({ scheduleId })).name, "NotFoundError");
    assert.equal((await workflows.failing.pauseSchedule({ scheduleId, ...bob })).name, "NotFoundError");
    const mine = await remote(harness, "workflows", bob).getSchedule({ scheduleId, invocationToken: token });
    assert.deepEqual(mine.schedule, schedule);
    for (const wrong of ["", "nonsense", invocationToken("user:ada", "another-plugin")]) {
      const { name } = await workflows.failing.publishEvent({ event: { type: "x" }, invocationToken: wrong });
      assert.equal(name, "FailedPreconditionError", wrong);
    }
    const none = remote(harness, "workflows", { invocationToken: "" });
    assert.equal((await none.failing.startRun({ target: charge })).message, "invocation token is required");
  });

  await t.test("fails with an error for each of gestaltd's codes", async () => {
    const start = (plugin: object) => workflows.failing.startRun({ target: { plugin } as WorkflowTarget });
    const { failing } = workflows;
    const failures = {
      NotFoundError: [
        await start({ pluginName: "nobody", operation: "x" }),
        await start({ pluginName: "billing", operation: "x" }),
        await failing.signalRun({ runId: "run:none", signal: { name: "x" } }),
      ],
      PermissionDeniedError: [await start({ pluginName: "billing", operation: "purge!" })],
      InvalidArgumentError: [
        await start({ pluginName: "", operation: "x" }),
        await failing.startRun({ target: {} as WorkflowTarget }),
        await failing.startRun({ target: { ...charge, ...agentTarget } as WorkflowTarget }),
        await failing.startRun({ target: { agent: { providerName: "" } } }),
        await failing.startRun({ target: { agent: { providerName: "claude", prompt: "x", timeoutSeconds: -1 } } }),
        await failing.startRun({ target: { agent: { providerName: "claude", messages: [odd] } } }),
        await failing.signalRun({ runId: "", signal: { name: "x" } }),
        await failing.signalOrStartRun({ workflowKey: "", target: charge, signal: { name: "x" } }),
        await failing.signalOrStartRun({ workflowKey: "k", target: charge, signal: { name: "" } }),
        await failing.createSchedule({ ...nightly, cron: "daily" }),
        await failing.createTrigger({ ...paid, match: { type: "" } }),
        await failing.publishEvent({ event: { type: "" } }),
      ],
      HostServiceError: [
        await failing.startRun({ target: charge, providerName: "nobody" }),
        await failing.startRun({ target: { agent: { providerName: "claude" } } }),
      ],
    };
    for (const [name, errors] of Object.entries(failures)) {
      for (const error of errors) assert.equal(error.name, name, error.message);
    }
    const [, neither] = failures.InvalidArgumentError;
    assert.equal(neither?.message, "A workflow target needs exactly one of plugin and agent.");
    const timeout = "A workflow target's timeoutSeconds must be a whole number from 0 to 2147483647, not -1.";
    assert.equal(failures.InvalidArgumentError[4]?.message, timeout);
    assert.match(
      failures.InvalidArgumentError[5]?.message ?? "",
      /^There is no type of message part "video"; known are/,
    );
  });

  await t.test("has the request's deadline, or less", async () => {
    const hurried = remote(harness, "workflows", { invocationToken: token, timeoutMs: 20_000 });
    await hurried.publishEvent({ event: { type: "x" } });
    const inherited = last().timeoutMs ?? 0;
    assert.ok(inherited > 0 && inherited <= 20_000, String(inherited));
    await hurried.publishEvent({ event: { type: "x" } }, { timeoutMs: 5000 });
    const own = last().timeoutMs ?? 0;
    assert.ok(own > 0 && own <= 5000, String(own));
    await workflows.publishEvent({ event: { type: "x" } });
    assert.equal(last().timeoutMs, undefined);
  });
});

const odd = { role: "user", parts: [{ type: "video" as "text" }] };
