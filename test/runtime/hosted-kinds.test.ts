// Hosted agents and workflow workers, from StartSession to StopSession, as gestaltd's pools walk them (reference §2.6, 2.8, 2.9).
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { AgentExecutionStatus } from "../../src/gen/gestalt/provider/v1/agent_pb.ts";
import { AgentProvider } from "../../src/gen/gestalt/provider/v1/agent_provider_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { WorkflowProvider } from "../../src/gen/gestalt/provider/v1/workflow_provider_pb.ts";
import { grpcClient, grpcError, sharedApp, until } from "../support/bridge-process.ts";
import { host, RUNTIME_APP, runtime, startRuntime, startSession } from "./runtime.ts";

const lifecycle = ProviderLifecycle.method;
const agent = AgentProvider.method;
const workflow = WorkflowProvider.method;
const { state } = sharedApp(RUNTIME_APP);

describe("a hosted agent", () => {
  it("is identified, configured and health-checked by the lifecycle, and proxied", async (t) => {
    const bridge = await startRuntime(t, state);
    const session = await startSession(bridge, { kind: "agent", name: "helper" });
    assert.equal(session.state, "ready", session.stateMessage);
    assert.equal(session.metadata.provider_name, "helper");
    assert.deepEqual([session.lifecycle?.expiresAt, session.lifecycle?.recommendedDrainAt], [undefined, undefined]);

    const { id, connect } = await host(t, bridge, { kind: "agent", name: "helper", config: { mark: "a" } });
    const { call } = connect();
    const identity = await call(lifecycle.getProviderIdentity, {});
    assert.deepEqual([identity.kind, identity.name], [ProviderKind.AGENT, "helper"]);
    assert.deepEqual([identity.displayName, identity.version], ["Fixture agent", "4.5.6"]);
    assert.equal((await call(lifecycle.healthCheck, {})).ready, true);
    const turn = await call(agent.createTurn, { turnId: "t1", sessionId: "s1", model: "quick" });
    assert.deepEqual([turn.id, turn.status], ["t1", AgentExecutionStatus.SUCCEEDED]);
    assert.equal((await call(agent.getTurn, { turnId: "t1" })).sessionId, "s1");
    await call(lifecycle.configureProvider, {
      name: "helper",
      config: { mark: "a", ready: false },
      protocolVersion: 3,
    });
    const { ready, message } = await call(lifecycle.healthCheck, {});
    assert.deepEqual([ready, message], [false, "not today"]);

    const other = grpcError(status.UNIMPLEMENTED, /unknown service .*IntegrationProvider/);
    await assert.rejects(call(IntegrationProvider.method.getMetadata, {}), other);
    await bridge.call(runtime.stopSession, { sessionId: id });
  });

  it("says who it is before it is configured, and refuses everything else", async (t) => {
    const bridge = await startRuntime(t, state);
    const { id } = await startSession(bridge, { kind: "agent" });
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: id, pluginName: "agent" });
    const { call } = grpcClient(t, dialTarget);
    const identity = await call(lifecycle.getProviderIdentity, {});
    assert.deepEqual(
      [identity.kind, identity.minProtocolVersion, identity.maxProtocolVersion],
      [ProviderKind.AGENT, 3, 3],
    );
    const refused = grpcError(status.FAILED_PRECONDITION, /not configured/);
    await assert.rejects(call(lifecycle.healthCheck, {}), refused);
    await assert.rejects(call(agent.getTurn, { turnId: "t" }), refused);
    const old = call(lifecycle.configureProvider, { name: "agent", config: { mark: "x" }, protocolVersion: 2 });
    await assert.rejects(old, grpcError(status.FAILED_PRECONDITION, /version 2/));
  });
});

describe("a hosted workflow worker", () => {
  it("is configured, started, health-checked, and told of its end", async (t) => {
    const bridge = await startRuntime(t, state);
    const mark = `w-${process.pid}`;
    const [worker, other] = await Promise.all(
      [mark, "other"].map((one) => host(t, bridge, { kind: "workflow", config: { mark: one } })),
    );
    assert.ok(worker !== undefined && other !== undefined);
    const identity = await worker.call(lifecycle.getProviderIdentity, {});
    assert.deepEqual([identity.kind, identity.displayName], [ProviderKind.WORKFLOW, "Fixture workflow"]);
    assert.equal((await worker.call(lifecycle.healthCheck, {})).ready, true);
    await worker.call(workflow.putExecutionReference, { reference: { id: "r:1", subjectId: "user:1" } });
    assert.equal((await worker.call(workflow.getExecutionReference, { id: "r:1" })).subjectId, "user:1");

    await bridge.call(runtime.stopSession, { sessionId: worker.id });
    const closed = await other.call(workflow.cancelRun, { runId: mark });
    assert.equal(closed.statusMessage, "yes", "the provider's close hook ran before StopSession returned");
  });
});

describe("what can be hosted", () => {
  it("is one of three kinds, and one the worker serves", async (t) => {
    const bridge = await startRuntime(t, state, { plugins: { project: RUNTIME_APP, state, provider: "search" } });
    const odd = { pluginName: "x", template: "app", metadata: { provider_kind: "cache" } };
    await assert.rejects(
      bridge.call(runtime.startSession, odd),
      grpcError(status.INVALID_ARGUMENT, /kind "cache", only plugin, agent, workflow/),
    );
    assert.deepEqual((await bridge.call(runtime.listSessions, {})).sessions, []);
    const session = await startSession(bridge, { kind: "agent", template: "plugins" });
    assert.deepEqual([session.state, session.stateReason], ["failed", "provider-missing"]);
    assert.match(session.stateMessage, /no agent provider "search"/);
  });
});

describe("StopSession", () => {
  it("lets calls in flight finish, takes no new ones, and tells of the session until then", async (t) => {
    const bridge = await startRuntime(t, state);
    const [ending, other] = await Promise.all(
      ["ending", "other"].map((name) => host(t, bridge, { kind: "agent", name, config: { mark: name } })),
    );
    assert.ok(ending !== undefined && other !== undefined);
    const turnId = `until-${process.pid}`;
    const inFlight = ending.call(agent.createTurn, { turnId, sessionId: "s", model: "until-cancelled" });
    const hasBegun = () =>
      other.call(agent.getTurn, { turnId }).then(
        () => true,
        () => false,
      );
    await until(hasBegun, "the turn has begun");

    // A workflow worker's `drainTimeout`, say: the time for calls in flight is what gestaltd gives.
    const stopped = bridge.call(runtime.stopSession, { sessionId: ending.id }, { deadline: Date.now() + 60_000 });
    const stopping = async () =>
      (await bridge.call(runtime.getSession, { sessionId: ending.id })).stateReason === "stopping";
    await until(stopping, "the session is stopping");
    // gestaltd verifies the session whenever the call in flight calls a host service: it must not be gone yet.
    assert.equal((await bridge.call(runtime.getSession, { sessionId: ending.id })).state, "ready");
    const late = ending.connect().call(agent.getTurn, { turnId });
    await assert.rejects(late, (error: { code: number }) => error.code === status.UNAVAILABLE);
    const again = bridge.call(runtime.startPlugin, { sessionId: ending.id, pluginName: "ending" });
    await assert.rejects(again, grpcError(status.FAILED_PRECONDITION, /is stopping/));

    await other.call(agent.cancelTurn, { turnId });
    assert.equal((await inFlight).outputText, "done");
    await stopped;
    assert.equal(existsSync(ending.path), false);
    const unknown = bridge.call(runtime.getSession, { sessionId: ending.id });
    await assert.rejects(unknown, grpcError(status.NOT_FOUND, /no session/));
    assert.equal((await bridge.call(runtime.getSession, { sessionId: other.id })).state, "ready");
  });

  it("answers before gestaltd gives up on it, whatever is still in flight", async (t) => {
    const bridge = await startRuntime(t, state);
    const { id, call } = await host(t, bridge, { kind: "agent", config: { mark: "m" } });
    const turnId = `slow-${process.pid}`;
    const inFlight = assert.rejects(
      call(agent.createTurn, { turnId, sessionId: "s", model: "slow" }),
      grpcError(status.UNAVAILABLE, /the bridge is stopping/),
    );
    const hasBegun = () =>
      call(agent.getTurn, { turnId }).then(
        () => true,
        () => false,
      );
    await until(hasBegun, "the turn has begun");
    await bridge.call(runtime.stopSession, { sessionId: id }, { deadline: Date.now() + 1_500 });
    await inFlight;
  });
});
