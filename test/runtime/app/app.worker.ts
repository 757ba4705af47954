// What the runtime hosts in these tests: a plugin, and an agent and a workflow provider made of bare surfaces.
import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { z } from "zod";
import { AgentExecutionStatus as Status } from "../../../src/gen/gestalt/provider/v1/agent_pb.ts";
import { AgentProvider } from "../../../src/gen/gestalt/provider/v1/agent_provider_pb.ts";
import { WorkflowExecutionReferenceSchema } from "../../../src/gen/gestalt/provider/v1/workflow_pb.ts";
import { WorkflowProvider } from "../../../src/gen/gestalt/provider/v1/workflow_provider_pb.ts";
import type { Call } from "../../../src/worker/call.ts";
import { HostChannel } from "../../../src/worker/channel/host-channel.ts";
import type { AnyHostUse } from "../../../src/worker/host/uses.ts";
import { definePlugin, operation, type Provider, type ProviderRequest, serve } from "../../../src/worker/index.ts";
import { providerBase } from "../../../src/worker/sessions/lifecycle.ts";
import { providerRequest } from "../../../src/worker/sessions/provider-request.ts";
import { surface } from "../../../src/worker/surface.ts";

export { HostChannel };

interface Config {
  /** Of the test: what is stored is told apart by it. */
  readonly mark: string;
  /** The health check's answer. */
  readonly ready?: boolean;
}

const POLL_MS = 10;
const FOR_EVER_MS = 600_000;

const search = definePlugin({
  operations: [
    operation({
      id: "tell",
      method: "POST",
      description: "Tells what the session carries.",
      input: z.object({ word: z.string() }),
      handler: ({ word }, { name, config, env }) => ({ word, name, config, env }),
    }),
  ],
});

/** Turns are kept where every isolate finds them. The model says what becomes of one. */
const agent: Provider = {
  kind: "agent",
  ...base("Fixture agent"),
  surfaces: [
    surface(AgentProvider, {
      getCapabilities: () => ({}),
      async createTurn({ turnId, sessionId, model, runGrant }, call) {
        const { state, request } = around(call);
        const turn = { id: turnId, sessionId, model, status: Status.RUNNING };
        await state.put(`turn/${turnId}`, JSON.stringify(turn));
        if (model === "slow") await scheduler.wait(FOR_EVER_MS);
        if (model === "until-cancelled") await until(state, `cancelled/${turnId}`);
        if (model !== "with-a-tool") return { ...turn, status: Status.SUCCEEDED, outputText: "done" };
        const { agentHost } = request.host;
        if (agentHost === undefined) throw new ConnectError("no agent host was offered", Code.FailedPrecondition);
        const tool = { sessionId, turnId, toolCallId: "1", toolId: "search.find", runGrant };
        const { status, body } = await agentHost.executeTool(tool);
        return { ...turn, status: Status.SUCCEEDED, outputText: `${status} ${body}` };
      },
      async getTurn({ turnId }, call) {
        const turn = await around(call).state.get(`turn/${turnId}`);
        if (turn === null) throw new ConnectError(`there is no turn ${turnId}`, Code.NotFound);
        return JSON.parse(turn);
      },
      async cancelTurn({ turnId }, call) {
        await around(call).state.put(`cancelled/${turnId}`, "yes");
        return { id: turnId, status: Status.CANCELED };
      },
    }),
  ],
};

const workflow: Provider = {
  kind: "workflow",
  ...base("Fixture workflow"),
  surfaces: [
    surface(WorkflowProvider, {
      async putExecutionReference({ reference }, call) {
        const stored = reference ?? create(WorkflowExecutionReferenceSchema);
        const text = toJsonString(WorkflowExecutionReferenceSchema, stored);
        await around(call).state.put(`reference/${stored.id}`, text);
        return stored;
      },
      async getExecutionReference({ id }, call) {
        const text = await around(call).state.get(`reference/${id}`);
        if (text === null) throw new ConnectError(`there is no reference ${id}`, Code.NotFound);
        return fromJsonString(WorkflowExecutionReferenceSchema, text);
      },
      async startRun({ executionRef }, call) {
        const { workflowHost } = around(call).request.host;
        if (workflowHost === undefined) throw new ConnectError("no workflow host was offered", Code.FailedPrecondition);
        const target = { plugin: { pluginName: "search", operation: "find" } };
        const { status, body } = await workflowHost.invokeOperation({ target, runId: "run-1", executionRef });
        return { id: "run-1", executionRef, resultBody: `${status} ${body}` };
      },
      async cancelRun({ runId }, call) {
        // What became of a session, by the mark of its config: asked of another session, when that one has ended.
        return { id: runId, statusMessage: (await around(call).state.get(`closed/${runId}`)) ?? "" };
      },
    }),
  ],
};

function base(displayName: string) {
  return providerBase<Config, AnyHostUse>({
    displayName,
    version: "4.5.6",
    healthCheck: ({ config }) => ({
      ready: config.ready !== false,
      message: config.ready === false ? "not today" : "",
    }),
    async close({ config, bindings }) {
      await stateOf(bindings).put(`closed/${config.mark}`, "yes");
    },
  });
}

function around(call: Call): { readonly state: KVNamespace; readonly request: ProviderRequest<Config> } {
  return { state: stateOf(call.bindings), request: providerRequest<Config>(call) };
}

function stateOf(bindings: Readonly<Record<string, unknown>>): KVNamespace {
  return bindings.STATE as KVNamespace;
}

async function until(state: KVNamespace, key: string): Promise<void> {
  while ((await state.get(key)) === null) await scheduler.wait(POLL_MS);
}

export default serve({ search, agent, workflow });
