// gestaltd calls a hosted provider back, on the one connection it has, while the provider waits on gestaltd (DESIGN §8).
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { AgentProvider } from "../../src/gen/gestalt/provider/v1/agent_provider_pb.ts";
import { WorkflowProvider } from "../../src/gen/gestalt/provider/v1/workflow_provider_pb.ts";
import { type BridgeProcess, sharedApp, until, workingProcess } from "../support/bridge-process.ts";
import { FakeAgentHost } from "../support/fake-gestaltd/agents/host.ts";
import type { HostName } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { FakeWorkflowHost } from "../support/fake-gestaltd/workflows/host.ts";
import { createGrpcJsTransport } from "../support/grpc-js-transport.ts";
import { type HostWish, host, RUNTIME_APP, startRuntime } from "./runtime.ts";

const { state } = sharedApp(RUNTIME_APP);

/** More than any layer lets one session have by accident. */
const TURNS_AT_ONCE = 40;

const findTool = { listed: { id: "search.find" }, execute: async () => ({ status: 200, body: "found" }) };

/** gestaltd with an agent host, and a hosted agent it calls back over the connection it calls it on. */
async function startAgent(t: TestContext, agentHost: FakeAgentHost) {
  const gestaltd = await startFakeGestaltd(t, { routes: (router) => agentHost.route(router) });
  const bridge = await startRuntime(t, state);
  const offer = (session: string) => gestaltd.offer({ plugin: "helper", session, via: "tcp", hosts: ["AGENT_HOST"] });
  const agent = await connect(t, bridge, AgentProvider, { kind: "agent", name: "helper", env: offer });
  agentHost.provider = agent;
  const turn = (turnId: string) =>
    agent.createTurn({ turnId, sessionId: "s1", model: "with-a-tool", runGrant: agentHost.grant("s1", turnId) });
  return { bridge, turn };
}

async function connect<S extends typeof AgentProvider | typeof WorkflowProvider>(
  t: TestContext,
  bridge: BridgeProcess,
  service: S,
  wish: HostWish,
): Promise<Client<S>> {
  const { path } = await host(t, bridge, { config: { mark: "re-entrancy" }, ...wish });
  const transport = createGrpcJsTransport(`unix:${path}`);
  t.after(() => transport.close());
  return createClient(service, transport);
}

describe("an agent's turn", () => {
  it("executes a tool, for which gestaltd first asks for the turn", async (t) => {
    const agentHost = new FakeAgentHost({ tools: [findTool] });
    const { turn } = await startAgent(t, agentHost);
    const turnId = `re-entrant-${process.pid}`;
    assert.equal((await turn(turnId)).outputText, "200 found");
    assert.deepEqual(agentHost.asked, [turnId]);
  });

  it("may be one of many that wait at the same time", async (t) => {
    const agentHost = new FakeAgentHost({ tools: [findTool] });
    const { turn } = await startAgent(t, agentHost);
    const ids = Array.from({ length: TURNS_AT_ONCE }, (_, number) => `many-${process.pid}-${number}`);
    const turns = await Promise.all(ids.map(turn));
    assert.deepEqual(new Set(turns.map(({ outputText }) => outputText)), new Set(["200 found"]));
    assert.deepEqual([...agentHost.asked].sort(), [...ids].sort());
  });

  it("fails when the bridge crashes while it waits; the next one reaches gestaltd again", async (t) => {
    let waiting = 0;
    const { promise: gone, resolve: go } = Promise.withResolvers<void>();
    const slowTool = {
      ...findTool,
      execute: async () => {
        waiting += 1;
        await gone;
        return findTool.execute();
      },
    };
    const { bridge, turn } = await startAgent(t, new FakeAgentHost({ tools: [slowTool] }));
    const lost = assert.rejects(
      turn(`lost-${process.pid}`),
      (error) => ConnectError.from(error).code === Code.Unavailable,
    );
    await until(() => waiting === 1, "the tool is being executed");
    process.kill(await workingProcess(bridge), "SIGKILL");
    await lost;
    go();
    const answers = async (number: number) => {
      try {
        return (await turn(`next-${process.pid}-${number}`)).outputText === "200 found";
      } catch (error) {
        // Until the new process has its channel open.
        assert.equal(ConnectError.from(error).code, Code.Unavailable);
        return false;
      }
    };
    let number = 0;
    await until(() => answers(number++), "a turn has its tool executed");
  });
});

describe("a workflow's run", () => {
  it("invokes an operation, for which gestaltd first asks for the execution reference", async (t) => {
    const operations = { "search.find": findTool.execute };
    const workflowHost = new FakeWorkflowHost({ providerName: "flows", operations });
    const gestaltd = await startFakeGestaltd(t, { routes: (router) => workflowHost.route(router) });
    const bridge = await startRuntime(t, state);
    const hosts: HostName[] = ["WORKFLOW_HOST"];
    const env = (session: string) => gestaltd.offer({ plugin: "flows", session, via: "tcp", hosts });
    const workflow = await connect(t, bridge, WorkflowProvider, { kind: "workflow", name: "flows", env });
    workflowHost.provider = workflow;
    const id = `workflow_schedule:1:${process.pid}`;
    const target = { kind: { case: "plugin" as const, value: { pluginName: "search", operation: "find" } } };
    await workflow.putExecutionReference({ reference: { id, providerName: "flows", target } });
    assert.equal((await workflow.startRun({ executionRef: id, target })).resultBody, "200 found");
    assert.deepEqual(workflowHost.asked, [id]);
  });
});
