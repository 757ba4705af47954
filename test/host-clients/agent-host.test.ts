// host.agentHost inside a worker: tools page by page, their execution, connections; and gestaltd's call back into GetTurn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ExecuteAgentToolRequestSchema,
  ListAgentToolsRequestSchema,
  ResolveAgentConnectionRequestSchema,
} from "../../src/gen/gestalt/provider/v1/agent_host_pb.ts";
import { AgentExecutionStatus, AgentTurnSchema } from "../../src/gen/gestalt/provider/v1/agent_pb.ts";
import type { AgentTool } from "../../src/worker/host/agent-host/objects.ts";
import { until } from "../support/bridge-process.ts";
import { FakeAgentHost, type FakeTool } from "../support/fake-gestaltd/agents/host.ts";
import { startHostHarness } from "../support/host-harness.ts";
import { remote } from "./remote.ts";

const live = create(AgentTurnSchema, {
  ...{ id: "t1", sessionId: "s1", status: AgentExecutionStatus.RUNNING, executionRef: "ref-1" },
});
const finished = create(AgentTurnSchema, { ...live, id: "t2", status: AgentExecutionStatus.SUCCEEDED });
const turns = new Map([live, finished].map((turn) => [turn.id, turn]));
const expiresAt = new Date("2026-01-02T03:04:05.678Z");

const search: FakeTool = {
  listed: {
    ...{ id: "tool:search", mcpName: "billing_search", title: "Search", description: "Finds.", tags: ["read"] },
    inputSchema: '{"type":"object","properties":{"q":{"type":"string"}}}',
    outputSchema: '{"type":"array"}',
    annotations: { readOnlyHint: true, destructiveHint: false },
    ref: { plugin: "billing", operation: "search" },
    searchText: "search billing",
  },
  execute: async (args, { idempotencyKey }) => ({ status: 200, body: JSON.stringify({ args, idempotencyKey }) }),
};
const refuse: FakeTool = {
  listed: { id: "tool:refuse", mcpName: "refuse", inputSchema: "{broken", outputSchema: "true" },
  execute: async () => ({ status: 403, body: '{"error":"no"}' }),
};

test("host.agentHost", { timeout: 60_000 }, async (t) => {
  const began = Promise.withResolvers<void>();
  const slow: FakeTool = {
    listed: { id: "tool:slow" },
    execute: (_, { signal }) =>
      new Promise((_, reject) => {
        began.resolve();
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  const afterSlow: FakeTool = {
    listed: { id: "tool:after-slow" },
    execute: () => began.promise.then(() => ({ status: 200, body: "" })),
  };
  const many = Array.from({ length: 250 }, (_, number) => ({
    listed: { id: `tool:${number}`, mcpName: `many_${number}`, searchText: "many" },
    execute: refuse.execute,
  }));
  const fake = new FakeAgentHost({
    tools: [search, refuse, slow, afterSlow, ...many],
    connections: {
      model: {
        ...{ connectionId: "c1", mode: "user", expiresAt: timestampFromDate(expiresAt) },
        ...{ headers: { authorization: "Bearer secret" }, params: { region: "eu" } },
      },
      plain: { mode: "none" },
    },
  });
  fake.provider = {
    async getTurn({ turnId }) {
      const turn = turns.get(turnId);
      if (turn === undefined) throw new ConnectError("no such turn", Code.NotFound);
      return turn;
    },
  };
  const harness = await startHostHarness(t, {
    scenarios: new URL("./call.worker.ts", import.meta.url),
    hosts: ["AGENT_HOST"],
    gestaltd: { routes: (router) => fake.route(router) },
  });
  const agentHost = remote(harness, "agentHost");
  const scope = { sessionId: "s1", turnId: "t1", runGrant: fake.grant("s1", "t1") };
  const last = () => fake.received.at(-1)?.request as never;

  await t.test("lists tools with what a model needs", async () => {
    const { tools, nextPageToken } = await agentHost.listTools({ ...scope, query: "search" });
    assert.equal(nextPageToken, null);
    const ref = { plugin: "billing", operation: "search", connection: null, instance: null, title: null };
    const expected = {
      ...{ id: "tool:search", mcpName: "billing_search", title: "Search", description: "Finds." },
      inputSchema: { type: "object", properties: { q: { type: "string" } } },
      outputSchema: { type: "array" },
      annotations: { readOnly: true, destructive: false },
      ref: { ...ref, description: null, system: null },
      ...{ tags: ["read"], searchText: "search billing" },
    };
    assert.deepEqual(tools, [expected]);
    assert.deepEqual(toJson(ListAgentToolsRequestSchema, last()), { ...scope, query: "search" });
  });

  await t.test("does without a schema that is broken, or no object", async () => {
    const [tool] = (await agentHost.listTools(scope)).tools.filter(({ id }) => id === "tool:refuse");
    assert.deepEqual([tool?.inputSchema, tool?.outputSchema, tool?.annotations], [null, null, {}]);
  });

  await t.test("goes through the pages", async () => {
    const first = await agentHost.listTools({ ...scope, query: "many" });
    assert.equal(first.tools.length, 100);
    const second = await agentHost.listTools({
      ...scope,
      query: "many",
      pageSize: 120,
      pageToken: first.nextPageToken ?? "",
    });
    assert.deepEqual([second.tools.length, second.tools[0]?.mcpName], [120, "many_100"]);
    fake.received.length = 0;
    const all = await agentHost.tools({ ...scope, query: "many" });
    assert.deepEqual(
      all.map(({ id }) => id),
      many.map(({ listed }) => listed.id),
    );
    assert.equal(fake.received.length, 3);
    const rest = await agentHost.tools({ ...scope, query: "many", pageSize: 1000, pageToken: "240" });
    assert.equal(rest.length, 10);
    fake.received.length = 0;
    const params = { service: "agentHost", method: "tools", args: [{ ...scope, pageSize: 5 }], count: 7 };
    assert.equal((await harness.run<AgentTool[]>("some", params)).length, 7);
    assert.equal(fake.received.length, 2);
    assert.equal((await agentHost.failing.tools({ ...scope, pageToken: "x" })).name, "InvalidArgumentError");
  });

  await t.test("executes a tool, whose refusal is an outcome", async () => {
    const call = { ...scope, toolId: "tool:search", toolCallId: "call-1", arguments: { q: "x", deep: [1, null] } };
    const outcome = await agentHost.executeTool(call);
    assert.deepEqual(toJson(ExecuteAgentToolRequestSchema, last()), call);
    assert.equal(outcome.status, 200);
    assert.deepEqual(JSON.parse(outcome.body), { args: call.arguments, idempotencyKey: "t1/call-1" });
    const keyed = await agentHost.executeTool({ ...scope, toolId: "tool:search", idempotencyKey: "k1" });
    assert.deepEqual(JSON.parse(keyed.body), { args: {}, idempotencyKey: "k1" });
    const refused = await agentHost.executeTool({ ...scope, toolId: "tool:refuse", toolCallId: "call-2" });
    assert.deepEqual(refused, { status: 403, body: '{"error":"no"}' });
  });

  await t.test("resolves a connection", async () => {
    const resolved = await agentHost.resolveConnection({ ...scope, connection: "model", instance: "eu" });
    assert.deepEqual(toJson(ResolveAgentConnectionRequestSchema, last()), {
      ...{ ...scope, connection: "model", instance: "eu" },
    });
    assert.deepEqual(resolved, {
      ...{ connectionId: "c1", connection: "model", instance: "eu", mode: "user" },
      ...{ headers: { authorization: "Bearer secret" }, params: { region: "eu" }, expiresAt: expiresAt.toISOString() },
    });
    const plain = await agentHost.resolveConnection({ ...scope, connection: "plain" });
    assert.deepEqual([plain.headers, plain.params, plain.expiresAt], [{}, {}, null]);
  });

  await t.test("gestaltd asks for the turn in each call, before it answers", async () => {
    fake.asked.length = 0;
    await agentHost.listTools(scope);
    await agentHost.executeTool({ ...scope, toolId: "tool:search", toolCallId: "c" });
    await agentHost.resolveConnection({ ...scope, connection: "plain" });
    assert.deepEqual(fake.asked, ["t1", "t1", "t1"]);
  });

  await t.test("fails with an error for each of gestaltd's codes", async () => {
    const { failing } = agentHost;
    const tool = { toolId: "tool:search", toolCallId: "c" };
    const other = { ...scope, sessionId: "s2", runGrant: fake.grant("s2", "t1") };
    const revoked = { ...scope, runGrant: fake.grant("s1", "ref-1") };
    assert.equal((await agentHost.executeTool({ ...revoked, ...tool })).status, 200);
    fake.revoke(revoked.runGrant);
    const denied = [
      await failing.listTools({ ...scope, runGrant: "" }),
      await failing.listTools({ ...scope, runGrant: fake.grant("s1", "t9") }),
      await failing.executeTool({ ...scope, ...tool, turnId: "t9", runGrant: fake.grant("s1", "t9") }),
      await failing.executeTool({ ...scope, ...tool, turnId: "t2", runGrant: fake.grant("s1", "t2") }),
      await failing.executeTool({ ...scope, ...tool, toolId: "tool:none" }),
      await failing.executeTool({ ...revoked, ...tool }),
      await failing.resolveConnection({ ...scope, connection: "unbound" }),
      await failing.listTools(other),
      await failing.tools({ ...scope, sessionId: "s2" }),
    ];
    for (const { name, message } of denied) assert.equal(name, "PermissionDeniedError", message);
    assert.equal(denied[3]?.message, 'agent execute tool: authorization denied: agent turn "t2" is not active');
    const invalid = [
      await failing.listTools({ ...scope, sessionId: "" }),
      await failing.listTools({ ...scope, turnId: "" }),
      await failing.listTools({ ...scope, pageSize: -1 }),
      await failing.executeTool({ ...scope, toolId: "", toolCallId: "c" }),
      await failing.executeTool({ ...scope, toolId: "tool:search", toolCallId: "" }),
      await failing.resolveConnection({ ...scope, connection: "" }),
    ];
    for (const { name, message } of invalid) assert.equal(name, "InvalidArgumentError", message);
  });

  await t.test("a call that is given up ends at gestaltd too", async () => {
    const request = { ...scope, toolId: "tool:slow", toolCallId: "slow" };
    const other = { ...scope, toolId: "tool:after-slow", toolCallId: "after" };
    const params = { service: "agentHost", method: "executeTool", request, other };
    const { name, code } = await harness.run<{ name: string; code: string }>("aborted", params);
    assert.deepEqual([name, code], ["HostServiceError", "Canceled"]);
    const begun = fake.received.find((call) => "toolCallId" in call.request && call.request.toolCallId === "slow");
    await until(() => begun?.signal.aborted === true, "gestaltd has heard of it");
  });
});
