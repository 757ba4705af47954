// The runtime kind, walked as gestaltd walks it: sessions, a plugin each, sockets, refusals, the end.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it, type TestContext } from "node:test";
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import {
  PluginRuntimeEgressMode,
  PluginRuntimeProvider,
  type StartPluginRuntimeSessionRequestSchema,
} from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import {
  DEPLOYED_DIGEST,
  DEPLOYED_NAME,
  type DeployedWorker,
  startDeployedWorker,
} from "../support/bridge-deployed.ts";
import {
  APP,
  type BridgeProcess,
  grpcClient,
  grpcError,
  sharedApp,
  startBridgeProcess,
  until,
} from "../support/bridge-process.ts";

const runtime = PluginRuntimeProvider.method;
const plugin = IntegrationProvider.method;
const { state } = sharedApp();
let deployed: DeployedWorker;
before(async () => {
  deployed = await startDeployedWorker();
});
after(() => deployed.stop());

/** The env of a real StartPlugin, in small. */
const ENV = {
  REGION: "eu",
  GESTALT_RUNTIME_SESSION_ID: "s1",
  GESTALT_CACHE_SOCKET: "tcp://127.0.0.1:1",
  GESTALT_CACHE_SOCKET_TOKEN: "very-secret-relay-token",
  GESTALT_HOST_SERVICE_TLS_CA_PEM: "-----BEGIN CERTIFICATE-----",
};

async function startRuntime(t: TestContext, workers?: JsonObject) {
  const bridge = await startBridgeProcess(t, "runtime");
  const { url, pem: key } = deployed;
  const all = {
    search: { project: APP, state },
    remote: { url, key, name: DEPLOYED_NAME, provider: "search" },
    wrong: { url, key, name: DEPLOYED_NAME, provider: "telling" },
    gone: { url: "http://127.0.0.1:1", key, name: DEPLOYED_NAME, provider: "search" },
  };
  await bridge.configure({ workers: workers ?? all });
  return bridge;
}

/** StartSession, then GetSession until it is ready or failed. */
async function startSession(
  bridge: BridgeProcess,
  request: MessageInitShape<typeof StartPluginRuntimeSessionRequestSchema>,
) {
  const { id, state: first } = await bridge.call(runtime.startSession, request);
  assert.notEqual(id, "");
  assert.equal(first, "pending");
  let session = await bridge.call(runtime.getSession, { sessionId: id });
  await until(async () => {
    session = await bridge.call(runtime.getSession, { sessionId: id });
    return session.state !== "pending";
  }, "the session is ready or failed");
  return session;
}

async function execute(client: Pick<BridgeProcess, "call">, word: string) {
  const { status: code, body } = await client.call(plugin.execute, { operation: "tell", params: { word } });
  assert.equal(code, 200, body);
  return JSON.parse(body);
}

describe("the runtime kind", () => {
  it("tells what it is and supports", async (t) => {
    const bridge = await startBridgeProcess(t, "runtime");
    const { kind, name } = await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
    assert.deepEqual([kind, name], [ProviderKind.RUNTIME, "edge"]);
    const support = await bridge.call(runtime.getSupport, {});
    assert.equal(support.canHostPlugins, true);
    assert.equal(support.egressMode, PluginRuntimeEgressMode.NONE);
    assert.equal(support.supportsPrepareWorkspace, false);
    const early = bridge.call(runtime.startSession, { pluginName: "search" });
    await assert.rejects(early, grpcError(status.FAILED_PRECONDITION, /not configured/));
    const bad = bridge.configure({ workers: { search: { colour: "red" } } });
    await assert.rejects(bad, grpcError(status.INVALID_ARGUMENT, /workers\.search: unknown key "colour"/));
  });

  it("hosts a plugin from session to stop", async (t) => {
    const bridge = await startRuntime(t);
    const metadata = { provider_kind: "plugin", provider_name: "search", team: "a" };
    const session = await startSession(bridge, { pluginName: "search", metadata });
    assert.equal(session.state, "ready", session.stateMessage);
    assert.equal(session.metadata.provider_name, "search");
    assert.equal(session.metadata.team, "a");
    assert.equal(session.metadata.plugin, "search");
    assert.equal(session.metadata["runtime.imageMatch"], "true");
    assert.match(session.metadata["runtime.actualImage"] ?? "", /^search@sha256:[0-9a-f]{64}$/);
    assert.notEqual(session.lifecycle?.startedAt, undefined);
    assert.equal(session.lifecycle?.expiresAt, undefined);

    const start = { sessionId: session.id, pluginName: "search", command: "./catalog.yaml", env: ENV };
    const hosted = await bridge.call(runtime.startPlugin, start);
    assert.match(hosted.dialTarget, /^unix:\/\/\//);
    assert.equal(hosted.sessionId, session.id);
    const again = bridge.call(runtime.startPlugin, start);
    await assert.rejects(again, grpcError(status.ALREADY_EXISTS, /already runs its plugin/));

    const client = grpcClient(t, hosted.dialTarget);
    await client.call(plugin.getMetadata, {});
    const started = await client.call(plugin.startProvider, { name: "search", config: { a: 1 }, protocolVersion: 3 });
    assert.equal(started.protocolVersion, 3);
    const told = await execute(client, "hello");
    const env = { REGION: "eu", GESTALT_RUNTIME_SESSION_ID: "s1" };
    assert.deepEqual(told, { word: "hello", name: "search", config: { a: 1 }, env });

    const listed = await bridge.call(runtime.listSessions, {});
    assert.deepEqual(
      listed.sessions.map(({ id }) => id),
      [session.id],
    );
    await bridge.call(runtime.stopSession, { sessionId: session.id });
    assert.equal(existsSync(hosted.dialTarget.slice("unix://".length)), false);
    const unknown = grpcError(status.NOT_FOUND, /there is no session/);
    await assert.rejects(bridge.call(runtime.getSession, { sessionId: session.id }), unknown);
    await assert.rejects(bridge.call(runtime.stopSession, { sessionId: session.id }), unknown);
    await assert.rejects(bridge.call(runtime.startPlugin, start), unknown);
    assert.doesNotMatch(bridge.stderr(), /very-secret-relay-token/);
  });

  it("keeps sessions apart: config, environment and socket are each one's own", async (t) => {
    const bridge = await startRuntime(t);
    const clients = await Promise.all(
      ["one", "two"].map(async (pluginName) => {
        const session = await startSession(bridge, {
          pluginName,
          template: pluginName === "one" ? "search" : "remote",
        });
        const env = { OWNER: pluginName };
        const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session.id, pluginName, env });
        const client = grpcClient(t, dialTarget);
        await client.call(plugin.startProvider, { name: pluginName, config: { of: pluginName }, protocolVersion: 3 });
        return { pluginName, client };
      }),
    );
    for (const { pluginName, client } of clients) {
      const { name, config, env } = await execute(client, "x");
      assert.deepEqual(
        { name, config, env },
        { name: pluginName, config: { of: pluginName }, env: { OWNER: pluginName } },
      );
    }
  });

  const refusals: [string, MessageInitShape<typeof StartPluginRuntimeSessionRequestSchema>, string, RegExp][] = [
    ["an unknown worker", { pluginName: "nobody" }, "unknown-worker", /no worker "nobody", only search, remote/],
    ["no reference", { pluginName: "x", template: "search@sha256:12" }, "unknown-worker", /is no worker name/],
    ["a worker that is not there", { pluginName: "gone" }, "worker-unavailable", /ECONNREFUSED|refused/],
    ["another kind", { pluginName: "wrong" }, "provider-missing", /no plugin provider "telling"; it serves/],
    [
      "another image",
      { pluginName: "search", image: `remote@sha256:${"00".repeat(32)}` },
      "image-mismatch",
      /sha256:0{64} is wanted, and the worker at .* is sha256:abab/,
    ],
  ];
  it("says why a session failed", async (t) => {
    const bridge = await startRuntime(t);
    for (const [what, request, reason, message] of refusals) {
      const session = await startSession(bridge, request);
      assert.equal(session.state, "failed", what);
      assert.equal(session.stateReason, reason);
      assert.match(session.stateMessage, message);
      const start = bridge.call(runtime.startPlugin, { sessionId: session.id, pluginName: "x" });
      await assert.rejects(start, grpcError(status.FAILED_PRECONDITION, /is failed: /));
      if (reason === "image-mismatch") assert.equal(session.metadata["runtime.imageMatch"], "false");
    }
    assert.match(bridge.stderr(), /session failed.*unknown-worker/);
  });

  it("checks a digest it is given", async (t) => {
    const bridge = await startRuntime(t);
    const session = await startSession(bridge, { pluginName: "search", template: `remote@${DEPLOYED_DIGEST}` });
    assert.equal(session.state, "ready", session.stateMessage);
    assert.equal(session.metadata["runtime.expectedImage"], `remote@${DEPLOYED_DIGEST}`);
    assert.equal(session.metadata["runtime.imageMatch"], "true");
  });

  it("has no workspaces, and refuses what it cannot carry", async (t) => {
    const bridge = await startRuntime(t);
    const none = grpcError(status.UNIMPLEMENTED, /workspace/);
    await assert.rejects(bridge.call(runtime.prepareWorkspace, {}), none);
    await assert.rejects(bridge.call(runtime.removeWorkspace, {}), none);
    await assert.rejects(bridge.call(runtime.startSession, {}), grpcError(status.INVALID_ARGUMENT, /plugin_name/));
    const session = await startSession(bridge, { pluginName: "search" });
    const env = { BIG: "x".repeat(20_000) };
    const big = bridge.call(runtime.startPlugin, { sessionId: session.id, pluginName: "search", env });
    await assert.rejects(big, grpcError(status.INVALID_ARGUMENT, /Worker secrets/));
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session.id, pluginName: "search" });
    const client = grpcClient(t, dialTarget);
    const old = client.call(plugin.startProvider, { name: "search", protocolVersion: 2 });
    await assert.rejects(old, grpcError(status.FAILED_PRECONDITION, /version 2/));
  });

  it("ends all sessions on SIGTERM", async (t) => {
    const bridge = await startRuntime(t);
    const session = await startSession(bridge, { pluginName: "search" });
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session.id, pluginName: "search" });
    const path = dialTarget.slice("unix://".length);
    assert.equal(existsSync(path), true);
    await bridge.stop();
    assert.equal(existsSync(path), false);
  });
});
