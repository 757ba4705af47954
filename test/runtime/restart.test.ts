// Hosted sessions outlive a crash of the bridge's working process: same ids, same sockets, same sessions, and true states.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { status } from "@grpc/grpc-js";
import { AgentProvider } from "../../src/gen/gestalt/provider/v1/agent_provider_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { DEPLOYED_NAME, type DeployedWorker, startDeployedWorker } from "../support/bridge-deployed.ts";
import {
  atEnd,
  type BridgeProcess,
  grpcError,
  isAlive,
  sharedApp,
  until,
  workingProcess,
} from "../support/bridge-process.ts";
import { host, RUNTIME_APP, runtime, settled, startRuntime, startSession } from "./runtime.ts";

const plugin = IntegrationProvider.method;
const { state } = sharedApp(RUNTIME_APP);
let deployed: DeployedWorker;
before(async () => {
  deployed = await startDeployedWorker();
});
after(() => deployed.stop());

const unavailable = (error: { code: number }) => error.code === status.UNAVAILABLE;

/** Kills the working process. Resolves when its successor answers: a call that was being connected may still fail. */
async function crash(bridge: BridgeProcess): Promise<void> {
  const victim = await workingProcess(bridge);
  process.kill(victim, "SIGKILL");
  await workingProcess(bridge, victim);
  const answers = () =>
    bridge.call(runtime.getSupport, {}).then(
      () => true,
      () => false,
    );
  await until(answers, "the successor answers");
}

async function execute({ call }: Pick<BridgeProcess, "call">, word: string) {
  const { status: code, body } = await call(plugin.execute, { operation: "tell", params: { word } });
  assert.equal(code, 200, body);
  return JSON.parse(body);
}

describe("a crash of a runtime", () => {
  it("leaves its plugins served, on the sockets and with the sessions they had", async (t) => {
    const bridge = await startRuntime(t, state);
    const env = {
      REGION: "eu",
      GESTALT_CACHE_SOCKET: "tcp://127.0.0.1:1",
      GESTALT_CACHE_SOCKET_TOKEN: "very-secret-token",
    };
    const hosted = await host(t, bridge, { name: "search", env: () => env });
    await hosted.call(plugin.startProvider, { name: "search", config: { a: 1 }, protocolVersion: 3 });
    const told = { word: "x", name: "search", config: { a: 1 }, env: { REGION: "eu" } };
    assert.deepEqual(await execute(hosted, "x"), told);
    const before = await bridge.call(runtime.getSession, { sessionId: hosted.id });

    await crash(bridge);
    await until(
      () =>
        execute(hosted, "x").then(
          () => true,
          () => false,
        ),
      "the plugin answers on its old connection",
    );
    assert.deepEqual(await execute(hosted.connect(), "x"), told);
    assert.deepEqual(await settled(bridge, hosted.id), before);
    const again = bridge.call(runtime.startPlugin, { sessionId: hosted.id, pluginName: "search" });
    await assert.rejects(again, grpcError(status.ALREADY_EXISTS, /already runs its plugin/));
    await bridge.call(runtime.stopSession, { sessionId: hosted.id });
    assert.equal(existsSync(hosted.path), false);
    assert.doesNotMatch(bridge.stderr(), /very-secret-token/);
  });

  it("keeps every session in the state it is in, and forgets those that were stopped", async (t) => {
    const bridge = await startRuntime(t, state);
    const failed = await startSession(bridge, { name: "nobody", template: "nobody" });
    const stopped = await startSession(bridge, { name: "stopped" });
    const ready = await startSession(bridge, { name: "ready" });
    await bridge.call(runtime.stopSession, { sessionId: stopped.id });
    await crash(bridge);
    const { sessions } = await bridge.call(runtime.listSessions, {});
    assert.deepEqual(
      sessions.map(({ id }) => id),
      [failed.id, ready.id],
    );
    assert.deepEqual(await settled(bridge, failed.id), failed);
    assert.deepEqual(await settled(bridge, ready.id), ready);
    // It goes on from where it was.
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: ready.id, pluginName: "ready" });
    assert.match(dialTarget, /^unix:/);
  });

  it("lets an agent's turn in flight fail, and the next be served as configured", async (t) => {
    const bridge = await startRuntime(t, state);
    const agent = AgentProvider.method;
    const { call } = await host(t, bridge, { kind: "agent", name: "helper", config: { mark: "m", ready: false } });
    const turnId = `crash-${process.pid}`;
    const inFlight = assert.rejects(call(agent.createTurn, { turnId, sessionId: "s", model: "slow" }), unavailable);
    const begun = () =>
      call(agent.getTurn, { turnId }).then(
        () => true,
        () => false,
      );
    await until(begun, "the turn has begun");
    await crash(bridge);
    await inFlight;
    await until(begun, "the session's socket is served again");
    const { ready, message } = await call(ProviderLifecycle.method.healthCheck, {});
    assert.deepEqual([ready, message], [false, "not today"], "it has its config");
    const identity = await call(ProviderLifecycle.method.getProviderIdentity, {});
    assert.equal(identity.displayName, "Fixture agent");
  });

  it("tells of a worker that has gone meanwhile, and of its return", async (t) => {
    const way = await openWay(t, deployed.url);
    const remote = { url: way.url, key: deployed.pem, name: DEPLOYED_NAME, provider: "search" };
    const bridge = await startRuntime(t, state, { remote });
    const hosted = await host(t, bridge, { name: "search", template: "remote" });
    const waiting = await startSession(bridge, { name: "waiting", template: "remote" });
    way.close();
    await crash(bridge);
    for (const { id } of [hosted, waiting]) {
      const session = await settled(bridge, id);
      assert.deepEqual([session.state, session.stateReason], ["failed", "worker-unavailable"]);
      assert.match(session.stateMessage, /ECONNREFUSED/);
    }
    way.open();
    const isReady = async () => (await bridge.call(runtime.getSession, { sessionId: hosted.id })).state === "ready";
    await until(isReady, "the session whose plugin is started is ready again");
  });

  it("leaves nothing behind when the bridge is told to end before a successor is there", async (t) => {
    const bridge = await startRuntime(t, state);
    await host(t, bridge, { name: "search" });
    const folder = join(bridge.socket, "..");
    assert.equal(readdirSync(folder).length, 2);
    await crash(bridge);
    // The second in a row is waited for: the bridge ends within that wait.
    process.kill(await workingProcess(bridge), "SIGKILL");
    await until(() => /"restart":2/.test(bridge.stderr()), "the supervisor waits");
    await bridge.stop();
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe("a runtime whose supervisor was killed", () => {
  it("ends with its sessions and leaves no socket", async (t) => {
    const bridge = await startRuntime(t, state);
    const { path } = await host(t, bridge, { name: "search" });
    const folder = join(bridge.socket, "..");
    const working = await workingProcess(bridge);
    bridge.child.kill("SIGKILL");
    await bridge.exited;
    await until(() => !isAlive(working), "the working process ends");
    assert.equal(existsSync(path), false);
    assert.deepEqual(readdirSync(folder), []);
  });
});

/** A way to a server that can be closed, and opened again under the same address. */
async function openWay(t: TestContext, url: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  atEnd(t, close);
  return { url: `http://127.0.0.1:${own}`, close, open: () => server.listen(own, "127.0.0.1") };
}
