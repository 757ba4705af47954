// host.agents inside a worker: all eleven methods and the iterator, what gestaltd receives and answers, and how it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  AgentManagerCreateSessionRequestSchema,
  AgentManagerCreateTurnRequestSchema,
} from "../../src/gen/gestalt/provider/v1/agent_manager_pb.ts";
import { AgentExecutionStatus, AgentInteractionType } from "../../src/gen/gestalt/provider/v1/agent_pb.ts";
import type { CreateAgentTurnRequest } from "../../src/worker/host/agents/requests.ts";
import { FakeAgentManager } from "../support/fake-gestaltd/agents/manager.ts";
import { invocationToken } from "../support/fake-gestaltd/invocation-tokens.ts";
import { PLUGIN, startHostHarness } from "../support/host-harness.ts";
import { remote } from "./remote.ts";
import { agentTarget, wireAgentTarget } from "./targets.ts";

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ADA = { subjectId: "user:ada", subjectKind: "user", displayName: "", authSource: "" };
const EVENTS_IN_PAGE = 3;

test("host.agents", { timeout: 60_000 }, async (t) => {
  const fake = new FakeAgentManager({
    providers: ["memory", "second"],
    workspaces: true,
    eventsInPage: EVENTS_IN_PAGE,
  });
  const harness = await startHostHarness(t, {
    scenarios: new URL("./call.worker.ts", import.meta.url),
    hosts: ["AGENT_MANAGER"],
    gestaltd: { routes: (router) => fake.route(router) },
  });
  const token = invocationToken("user:ada", PLUGIN);
  const agents = remote(harness, "agents", { invocationToken: token });
  const last = () => fake.received.at(-1)?.request as never;
  const startTurn = async (text = "hello") => {
    const { id: sessionId } = await agents.createSession();
    const { id: turnId } = await agents.createTurn({ sessionId, messages: [{ role: "user", text }] });
    return { sessionId, turnId };
  };

  await t.test("creates a session of the defaults", async () => {
    const { id, createdAt, updatedAt, ...session } = await agents.createSession();
    assert.ok(id);
    for (const date of [createdAt, updatedAt]) assert.match(String(date), ISO_DATE);
    assert.deepEqual(session, {
      ...{ providerName: "memory", model: "", clientRef: "", state: "active", metadata: null },
      ...{ createdBy: ADA, lastTurnAt: null },
    });
    assert.deepEqual(toJson(AgentManagerCreateSessionRequestSchema, last()), { invocationToken: token });
  });

  await t.test("creates a session with everything, once per idempotency key", async () => {
    const request = {
      ...{ providerName: "second", model: "large", clientRef: "chat-7", metadata: { tags: ["a"] } },
      idempotencyKey: "once",
      workspace: {
        checkouts: [{ url: "https://example.com/a.git", ref: "main", path: "a" }, { url: "https://example.com/b.git" }],
        cwd: "a",
      },
    };
    const session = await agents.createSession(request);
    assert.deepEqual(toJson(AgentManagerCreateSessionRequestSchema, last()), { ...request, invocationToken: token });
    const { providerName, model, clientRef, metadata } = session;
    assert.deepEqual([providerName, model, clientRef, metadata], ["second", "large", "chat-7", { tags: ["a"] }]);
    assert.deepEqual(await agents.createSession(request), session);
    assert.deepEqual(await agents.getSession({ sessionId: session.id }), session);
  });

  await t.test("updates what it is given; archiving ends a session", async () => {
    const { id: sessionId } = await agents.createSession({ clientRef: "mine", metadata: { kept: true } });
    const renamed = await agents.updateSession({ sessionId, clientRef: "renamed" });
    assert.deepEqual([renamed.clientRef, renamed.state, renamed.metadata], ["renamed", "active", { kept: true }]);
    const archived = await agents.updateSession({ sessionId, state: "archived", metadata: {} });
    assert.deepEqual([archived.clientRef, archived.state, archived.metadata], ["renamed", "archived", {}]);
    const late = await agents.failing.createTurn({ sessionId, messages: [] });
    assert.deepEqual([late.name, late.service], ["FailedPreconditionError", "agents"]);
  });

  await t.test("lists sessions, the newest first", async () => {
    const cora = remote(harness, "agents", { invocationToken: invocationToken("user:cora", PLUGIN) });
    assert.deepEqual(await cora.listSessions(), []);
    const first = await cora.createSession({ metadata: { a: 1 } });
    const second = await cora.createSession({ providerName: "second" });
    await cora.updateSession({ sessionId: first.id, state: "archived" });
    const ids = async (...args: Parameters<typeof cora.listSessions>) =>
      (await cora.listSessions(...args)).map(({ id }) => id);
    assert.deepEqual(await ids(), [second.id, first.id]);
    assert.deepEqual(await ids({ limit: 1 }), [second.id]);
    assert.deepEqual(await ids({ state: "archived" }), [first.id]);
    assert.deepEqual(await ids({ providerName: "second" }), [second.id]);
    const [, summary] = await cora.listSessions({ summaryOnly: true });
    assert.deepEqual([summary?.id, summary?.metadata], [first.id, null]);
  });

  await t.test("creates a turn with everything, once per idempotency key", async () => {
    const { id: sessionId } = await agents.createSession({ model: "small" });
    const { messages = [], toolRefs = [], responseSchema, metadata, modelOptions } = agentTarget.agent ?? {};
    const request: CreateAgentTurnRequest = {
      ...{ sessionId, messages, toolRefs, responseSchema, metadata, modelOptions },
      ...{ model: "large", toolSource: "mcp_catalog", idempotencyKey: "turn-once" },
    };
    const turn = await agents.createTurn(request);
    const { createdAt, executionRef } = turn;
    assert.match(String(createdAt), ISO_DATE);
    assert.deepEqual(toJson(AgentManagerCreateTurnRequestSchema, last()), {
      ...request,
      messages: wireAgentTarget().agent.messages,
      toolSource: "AGENT_TOOL_SOURCE_MODE_MCP_CATALOG",
      invocationToken: token,
    });
    const { messages: returned, ...rest } = turn;
    assert.equal(returned[0]?.parts?.length, 6);
    assert.deepEqual(rest, {
      ...{ id: turn.id, sessionId, providerName: "memory", model: "large", status: "pending", outputText: "" },
      ...{ structuredOutput: null, statusMessage: "", createdBy: ADA, createdAt, startedAt: null, completedAt: null },
      executionRef,
    });
    assert.equal((await agents.createTurn(request)).id, turn.id);
    const { lastTurnAt } = await agents.getSession({ sessionId });
    assert.match(String(lastTurnAt), ISO_DATE);
  });

  await t.test("gets and lists turns in each status", async () => {
    const { sessionId, turnId } = await startTurn();
    const statuses = ["running", "waiting_for_input", "succeeded", "failed", "canceled", "pending"] as const;
    for (const status of statuses) {
      const name = status.toUpperCase() as keyof typeof AgentExecutionStatus;
      fake.store.change(turnId, { status: AgentExecutionStatus[name] });
      assert.equal((await agents.getTurn({ turnId })).status, status);
      assert.deepEqual(
        (await agents.listTurns({ sessionId, status })).map(({ id }) => id),
        [turnId],
      );
    }
    const structuredOutput = { total: 3 };
    fake.store.change(turnId, { status: 99 as AgentExecutionStatus, outputText: "three", structuredOutput });
    const turn = await agents.getTurn({ turnId });
    assert.deepEqual([turn.status, turn.outputText, turn.structuredOutput], ["unspecified", "three", structuredOutput]);
    const { id: second } = await agents.createTurn({ sessionId, messages: [{ role: "user", text: "more" }] });
    assert.deepEqual(
      (await agents.listTurns({ sessionId, limit: 1 })).map(({ id }) => id),
      [second],
    );
    const [, summary] = await agents.listTurns({ sessionId, summaryOnly: true });
    assert.deepEqual([summary?.id, summary?.messages, summary?.outputText], [turnId, [], ""]);
  });

  await t.test("cancels a live turn, and leaves a finished one", async () => {
    const { turnId } = await startTurn();
    const canceled = await agents.cancelTurn({ turnId, reason: "changed my mind" });
    assert.deepEqual([canceled.status, canceled.statusMessage], ["canceled", "changed my mind"]);
    assert.match(String(canceled.completedAt), ISO_DATE);
    assert.equal((await agents.cancelTurn({ turnId })).statusMessage, "changed my mind");
  });

  await t.test("lists a turn's events, a page or all of them", async () => {
    const { turnId } = await startTurn();
    const display = { kind: "tool", phase: "done", text: "Searched.", label: "search", ref: "c1", parentRef: "c0" };
    const shown = { ...display, action: "call", format: "markdown", language: "en" };
    const error = fromJson(ValueSchema, { why: null });
    fake.store.emit(turnId, { type: "turn.started", source: "memory", visibility: "public", data: { model: "large" } });
    fake.store.emit(turnId, { type: "tool", display: { ...shown, input: fromJson(ValueSchema, null), error } });
    for (let count = 2; count < 8; count += 1) fake.store.emit(turnId, { type: "assistant.delta" });
    const [first, second, ...others] = await agents.listTurnEvents({ turnId });
    assert.equal(others.length, EVENTS_IN_PAGE - 2);
    assert.match(String(first?.createdAt), ISO_DATE);
    assert.deepEqual(first, {
      ...{ id: "event-1", turnId, seq: 1, type: "turn.started", source: "memory", visibility: "public" },
      ...{ data: { model: "large" }, createdAt: first?.createdAt, display: null },
    });
    assert.deepEqual(second?.display, { ...shown, input: null, output: null, error: { why: null } });
    const seqs = (events: readonly { readonly seq: number }[]) => events.map(({ seq }) => seq);
    assert.deepEqual(seqs(await agents.listTurnEvents({ turnId, afterSeq: 5, limit: 2 })), [6, 7]);

    fake.received.length = 0;
    assert.deepEqual(seqs(await agents.turnEvents({ turnId })), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(fake.received.length, 4);
    assert.deepEqual(seqs(await agents.turnEvents({ turnId, afterSeq: 2, limit: 5 })), [3, 4, 5, 6, 7, 8]);
    assert.deepEqual(await agents.turnEvents({ turnId, afterSeq: 8 }), []);

    fake.received.length = 0;
    const args = [{ turnId }];
    const left = await harness.run<typeof others>(
      "some",
      { service: "agents", method: "turnEvents", args, count: 2 },
      { invocationToken: token },
    );
    assert.deepEqual(seqs(left), [1, 2]);
    assert.equal(fake.received.length, 1);
  });

  await t.test("ends events that do not go on", async () => {
    const { turnId } = await startTurn();
    for (let count = 0; count < 4; count += 1) fake.store.emit(turnId, { type: "x" });
    const events = fake.store.events(turnId);
    for (const event of events) event.seq = 7n;
    const stuck = await agents.failing.turnEvents({ turnId });
    assert.deepEqual([stuck.name, stuck.code], ["HostServiceError", "Internal"]);
    assert.match(stuck.message, /answered with event 7 after event 7/);
    for (const event of events) event.seq = 2n ** 60n;
    assert.equal(
      (await agents.failing.listTurnEvents({ turnId })).message,
      "gestaltd answered with the event sequence number 1152921504606846976",
    );
  });

  await t.test("lists and resolves interactions", async () => {
    const { sessionId, turnId } = await startTurn();
    const asked = { title: "May I?", prompt: "Charge 3 €?", request: { form: { yes: "boolean" } } };
    fake.store.ask(turnId, { ...asked, type: AgentInteractionType.APPROVAL });
    fake.store.ask(turnId, { type: AgentInteractionType.CLARIFICATION });
    fake.store.ask(turnId, { type: AgentInteractionType.INPUT });
    assert.equal((await agents.getTurn({ turnId })).status, "waiting_for_input");
    const [approval, ...others] = await agents.listInteractions({ turnId });
    assert.deepEqual(
      others.map(({ type, request }) => [type, request]),
      [
        ["clarification", null],
        ["input", null],
      ],
    );
    const { id: interactionId = "", createdAt } = approval ?? {};
    assert.deepEqual(approval, {
      ...{ id: interactionId, turnId, sessionId, type: "approval", state: "pending", ...asked },
      ...{ resolution: null, createdAt, resolvedAt: null },
    });
    const resolution = { yes: true };
    const { resolvedAt, ...resolved } = await agents.resolveInteraction({ turnId, interactionId, resolution });
    assert.match(String(resolvedAt), ISO_DATE);
    assert.deepEqual([resolved.state, resolved.resolution], ["resolved", resolution]);
    assert.equal((await agents.getTurn({ turnId })).status, "running");
    const again = await agents.failing.resolveInteraction({ turnId, interactionId, resolution });
    assert.equal(again.name, "FailedPreconditionError");
    const unknown = { turnId, interactionId: "interaction-9", resolution };
    assert.equal((await agents.failing.resolveInteraction(unknown)).name, "NotFoundError");
  });

  await t.test("acts for the subject of the call, or of the token that is given", async () => {
    const { sessionId, turnId } = await startTurn();
    const bob = { invocationToken: invocationToken("user:bob", PLUGIN) };
    const { failing } = remote(harness, "agents", bob);
    const refused = [
      await failing.getSession({ sessionId }),
      await failing.updateSession({ sessionId, clientRef: "stolen" }),
      await failing.createTurn({ sessionId, messages: [] }),
      await failing.getTurn({ turnId }),
      await failing.listTurns({ sessionId }),
      await failing.cancelTurn({ turnId }),
      await failing.listTurnEvents({ turnId }),
      await failing.turnEvents({ turnId }),
      await failing.listInteractions({ turnId }),
      await failing.resolveInteraction({ turnId, interactionId: "interaction-1", resolution: {} }),
      await agents.failing.getTurn({ turnId, ...bob }),
    ];
    for (const { name, message } of refused) assert.equal(name, "NotFoundError", message);
    assert.equal((await remote(harness, "agents", bob).getTurn({ turnId, invocationToken: token })).id, turnId);
    assert.equal((await agents.failing.createSession({ invocationToken: "" })).name, "FailedPreconditionError");
  });

  await t.test("fails with an error for each of gestaltd's codes", async () => {
    const { sessionId, turnId } = await startTurn();
    const { failing } = agents;
    const reserved = { "__gestalt.lifecycle.state": 1 };
    const invalid = [
      await failing.getSession({ sessionId: "" }),
      await failing.getTurn({ turnId: "" }),
      await failing.createSession({ metadata: reserved }),
      await failing.updateSession({ sessionId, metadata: reserved }),
      await failing.updateSession({ sessionId, state: "closed" as "archived" }),
      await failing.listTurns({ sessionId, status: "done" as "failed" }),
      await failing.listSessions({ limit: -1 }),
      await failing.listTurns({ sessionId, limit: 1.5 }),
      await failing.listTurnEvents({ turnId, afterSeq: -1 }),
      await failing.listTurnEvents({ turnId, afterSeq: 2 ** 53 }),
      await failing.turnEvents({ turnId, limit: 2 ** 31 }),
      await failing.resolveInteraction({ turnId, interactionId: "", resolution: {} }),
    ];
    for (const { name, message } of invalid) assert.equal(name, "InvalidArgumentError", message);
    const states = 'There is no session state "closed"; known are unspecified, active, archived.';
    assert.equal(invalid[4]?.message, states);
    assert.equal((await failing.createSession({ providerName: "nobody" })).name, "FailedPreconditionError");
    fake.options = { ...fake.options, boundedLists: false };
    assert.equal((await failing.listSessions({ limit: 1 })).name, "FailedPreconditionError");
    assert.equal((await failing.listTurns({ sessionId, summaryOnly: true })).name, "FailedPreconditionError");
  });
});
