// The whole way: a handler in workerd, the channel, the bridge's process, gRPC to a fake gestaltd, and back.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import {
  type BridgeProcess,
  grpcClient,
  nodeOf,
  startBridgeProcess,
  stateFolder,
  until,
  workerdsOf,
} from "../support/bridge-process.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { type HostHarness, startHostHarness } from "../support/host-harness.ts";
import { startSession } from "./runtime.ts";

const MIB = 1024 * 1024;
const scenarios = new URL("./channel.worker.ts", import.meta.url);

describe("a handler in workerd", () => {
  for (const via of ["unix", "tcp", "tls"] as const) {
    it(`reaches gestaltd over ${via}`, async (t) => {
      const harness = await startHostHarness(t, { scenarios, hosts: ["CACHE", "S3"], via });
      assert.deepEqual(await harness.run("keeps", { key: "k", value: "v" }), { bytes: "v" });
      if (via === "tcp") await bulk(harness);
      if (via === "tls") await faults(harness);
    });
  }
});

async function bulk({ run }: HostHarness): Promise<void> {
  assert.equal(await run("many", { calls: 1_000 }), 1_000);
  assert.equal(await run("streams", { bytes: 8 * MIB }), 8 * MIB);
}

async function faults({ gestaltd, run, thrown }: HostHarness): Promise<void> {
  const release = gestaltd.hold();
  const cut = thrown("reads", { key: "k" });
  await until(() => gestaltd.held === 1, "the call arrives");
  await gestaltd.restart();
  release();
  assert.equal((await cut).code, "Unavailable");
  assert.deepEqual(await run("reads", { key: "k" }), { bytes: "v" });
  gestaltd.relay.expireTokens();
  const expired = await thrown("reads", { key: "k" });
  assert.deepEqual([expired.code, /invalid-host-service-relay-token/.test(expired.message)], ["Unauthenticated", true]);
}

describe("an embedded worker", () => {
  it("that dies and comes back elsewhere has its channel again", async (t) => {
    const state = stateFolder(t);
    const gestaltd = await startFakeGestaltd(t);
    const bridge = await startBridgeProcess(t, "runtime");
    await bridge.configure({ workers: { search: { project: `${import.meta.dirname}/app`, state } } });
    const session = await startSession(bridge);
    const runtime = PluginRuntimeProvider.method;
    const env = await gestaltd.offer({ plugin: "search", session, via: "unix", hosts: ["CACHE"] });
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session, pluginName: "search", env });
    const plugin = grpcClient(t, dialTarget);
    const { startProvider } = IntegrationProvider.method;
    await plugin.call(startProvider, { name: "search", config: {}, protocolVersion: 3 });
    assert.equal(await keep(plugin, "one"), "one");
    for (const pid of workerdsOf(nodeOf(state)?.pid ?? 0)) process.kill(pid, "SIGKILL");
    await until(async () => (await keep(plugin, "two").catch(() => undefined)) === "two", "it works again");
    assert.match(bridge.stderr(), /"the host channel is lost"/);
    assert.match(bridge.stderr(), /"the host channel is back"/);
  });
});

describe("an isolate that is recycled", () => {
  it("in the middle of host calls ends them, here and at gestaltd, and the next works", async (t) => {
    const state = stateFolder(t);
    const gestaltd = await startFakeGestaltd(t);
    const bridge = await startBridgeProcess(t, "runtime");
    await bridge.configure({ workers: { search: { project: `${import.meta.dirname}/app`, state } } });
    const sessions = [await startSession(bridge), await startSession(bridge)];
    const plugins = await Promise.all(
      sessions.map(async (session) => {
        const env = await gestaltd.offer({ plugin: "search", session, via: "tcp", hosts: ["CACHE"] });
        const { startPlugin } = PluginRuntimeProvider.method;
        const { dialTarget } = await bridge.call(startPlugin, { sessionId: session, pluginName: "search", env });
        const plugin = grpcClient(t, dialTarget);
        const start = { name: "search", config: {}, protocolVersion: 3 };
        await plugin.call(IntegrationProvider.method.startProvider, start);
        return plugin;
      }),
    );
    const release = gestaltd.hold();
    const cut = plugins.map((plugin) => assert.rejects(keep(plugin, "cut"), { code: status.UNAVAILABLE }));
    await until(() => gestaltd.held === plugins.length, "the host calls have come to gestaltd");
    for (const pid of workerdsOf(nodeOf(state)?.pid ?? 0)) process.kill(pid, "SIGKILL");
    await Promise.all(cut);
    await until(() => gestaltd.abandoned === plugins.length, "gestaltd's calls are cancelled");
    release();
    for (const plugin of plugins) {
      await until(async () => (await keep(plugin, "two").catch(() => undefined)) === "two", "it works again");
    }
  });
});

async function keep(plugin: Pick<BridgeProcess, "call">, value: string): Promise<unknown> {
  const request = { operation: "keep", params: { key: "k", value } };
  const { status, body } = await plugin.call(IntegrationProvider.method.execute, request);
  assert.equal(status, 200, body);
  return JSON.parse(body);
}
