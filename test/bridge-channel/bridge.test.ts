// The channel as the bridge's process opens it: when, for whom, and until when. The worker is scripted.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { grpcClient, grpcError, startBridgeProcess, until, workingProcess } from "../support/bridge-process.ts";
import type { HostName } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { callError, callHost, open } from "./rig.ts";
import { hostedChannel, KEY, startRuntime, startSession } from "./runtime.ts";
import { ScriptedWorker } from "./scripted-worker.ts";

const runtime = PluginRuntimeProvider.method;
const { get, set } = Cache.method;

describe("a hosted session", () => {
  it("has its channel when StartPlugin returns, until StopSession does", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    const session = await startSession(bridge);
    const env = await gestaltd.offer({ plugin: "search", session, via: "tls", hosts: ["CACHE"] });
    const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session, pluginName: "search", env });
    const channel = only(worker.channels);
    assert.match(channel.headers.authorization ?? "", /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    await callHost(channel, set, { key: "k", value: Buffer.from("v") });
    const client = grpcClient(t, dialTarget);
    worker.configured = async () => {
      assert.equal((await callHost(channel, get, { key: "k" })).found, true);
    };
    await client.call(IntegrationProvider.method.startProvider, { name: "search", protocolVersion: 3 });
    assert.equal(worker.upgrades, 1, "a new configuration needs no new channel");
    await bridge.call(runtime.stopSession, { sessionId: session });
    assert.equal(await channel.closed, 4000);
    assert.equal(worker.closedSessions, 1);
    assert.doesNotMatch(bridge.stderr(), /eyJ/, "a token was logged");
  });

  it("has none when it is offered nothing", async (t) => {
    const { bridge, worker } = await startRuntime(t);
    const session = await startSession(bridge);
    await bridge.call(runtime.startPlugin, { sessionId: session, pluginName: "search", env: { REGION: "eu" } });
    assert.equal(worker.upgrades, 0);
  });

  it("has none when the worker has none: the log says what to add when the provider would use it", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    const start = async (uses: { name: string; optional: boolean }[]) => {
      worker.describes = describing(uses, false);
      const session = await startSession(bridge);
      const env = await gestaltd.offer({ plugin: "search", session, via: "tcp", hosts: ["CACHE"] });
      await bridge.call(runtime.startPlugin, { sessionId: session, pluginName: "search", env });
    };
    await start([]);
    assert.equal(bridge.stderr(), "");
    await start([{ name: "cache", optional: true }]);
    assert.match(bridge.stderr(), /"info".*export \{ HostChannel \} .*GESTALT_EDGE_CHANNEL.*"wanted":\["cache"\]/);
    assert.equal(worker.upgrades, 0);
  });

  const unmet: [what: string, uses: string[], hostChannel: boolean, hosts: HostName[], message: RegExp][] = [
    [
      "what gestaltd does not offer",
      ["cache", "s3"],
      true,
      ["CACHE_MAIN"],
      /"search" uses host services that gestaltd does not offer it: s3 \(list an object store under plugins\.search\.s3 in gestaltd's config\)$/,
    ],
    [
      "what its worker cannot reach",
      ["cache"],
      false,
      ["CACHE"],
      /"search" uses cache, and its worker has no host channel .* export \{ HostChannel \} from/,
    ],
    [
      "what this bridge does not know",
      ["crystalBall"],
      true,
      ["CACHE"],
      /crystalBall \(this bridge does not know it; install the version/,
    ],
  ];
  for (const [what, uses, hostChannel, hosts, message] of unmet) {
    it(`is not started with a provider that uses ${what}`, async (t) => {
      const { bridge, worker, gestaltd } = await startRuntime(t);
      worker.describes = describing(
        uses.map((name) => ({ name })),
        hostChannel,
      );
      const session = await startSession(bridge);
      const env = await gestaltd.offer({ plugin: "search", session, via: "tcp", hosts });
      const start = bridge.call(runtime.startPlugin, { sessionId: session, pluginName: "search", env });
      await assert.rejects(start, grpcError(status.FAILED_PRECONDITION, message));
      assert.equal(worker.upgrades, 0);
    });
  }

  it("is started with a provider that can do without", async (t) => {
    const { bridge, worker } = await startRuntime(t);
    worker.describes = describing([{ name: "s3", optional: true }]);
    const sessionId = await startSession(bridge);
    await bridge.call(runtime.startPlugin, { sessionId, pluginName: "search", env: {} });
  });

  it("is not started without its channel, or with an environment that cannot be", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    const sessionId = await startSession(bridge);
    const env = await gestaltd.offer({ plugin: "search", session: sessionId, via: "tcp", hosts: ["CACHE"] });
    const start = (more: Record<string, string> = {}) =>
      bridge.call(runtime.startPlugin, { sessionId, pluginName: "search", env: { ...env, ...more } });
    const malformed = { GESTALT_S3_SOCKET_MAIN: "tls://secret" };
    await assert.rejects(
      start(malformed),
      grpcError(status.INVALID_ARGUMENT, /the address in GESTALT_S3_SOCKET_MAIN is not host:port/),
    );
    worker.refusal = { status: 401, body: JSON.stringify({ code: "unauthenticated", message: "Unknown key." }) };
    const refused = /cannot open the host channel: the worker answered HTTP 401: Unknown key\.; .*compare worker\.key/;
    await assert.rejects(start(), grpcError(status.FAILED_PRECONDITION, refused));
    worker.refusal = undefined;
    await start();
    await callHost(only(worker.channels), get, {});
  });

  it("that is stopped while its channel opens leaves none", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    worker.mute = true;
    const sessionId = await startSession(bridge);
    const env = await gestaltd.offer({ plugin: "search", session: sessionId, via: "tcp", hosts: ["CACHE"] });
    const arrival = worker.next();
    const start = bridge.call(runtime.startPlugin, { sessionId, pluginName: "search", env });
    const ended = assert.rejects(start, grpcError(status.UNAVAILABLE, /the session has ended/));
    const channel = await arrival;
    await bridge.call(runtime.stopSession, { sessionId });
    await ended;
    await channel.closed;
    await until(() => worker.channels.every(({ peer }) => peer.end !== undefined), "a channel is left");
  });

  it("cannot reach another session's host services, whatever it sends", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    const [mine, other] = await Promise.all([
      hostedChannel(bridge, worker, gestaltd, "mine", ["CACHE_MINE"]),
      hostedChannel(bridge, worker, gestaltd, "other", ["CACHE_OTHER", "CACHE_MINE"]),
    ]);
    await callHost(other, set, { key: "k", value: Buffer.from("others") }, { service: "CACHE_OTHER" });
    await callHost(other, set, { key: "k", value: Buffer.from("others") }, { service: "CACHE_MINE" });
    const denied = callError(GrpcCode.permissionDenied, /not offered/);
    await assert.rejects(callHost(mine, get, { key: "k" }, { service: "CACHE_OTHER" }), denied);
    // By name it has one like the other's, by header it claims to be the other; gestaltd knows it by its token alone.
    const metadata = [
      "x-gestalt-host-service-relay-token",
      "t",
      "x-gestalt-session-id",
      "other",
      "authorization",
      "Bearer t",
    ];
    assert.equal((await callHost(mine, get, { key: "k" }, { service: "CACHE_MINE", metadata })).found, false);
    // Ids belong to a channel: the other's call goes on when the same id is cancelled here.
    const release = gestaltd.hold();
    const waiting = callHost(other, get, { key: "k" }, { service: "CACHE_OTHER" });
    await until(() => gestaltd.held === 1, "the call does not arrive");
    for (let i = 0; i < 5; i++) open(mine, get, { service: "CACHE_MINE" }).cancel();
    await assert.rejects(callHost(mine, get, {}, { service: "CACHE_OTHER" }), denied);
    release();
    assert.equal((await waiting).found, true);
  });

  it("gets its channel back after a crash of the bridge's working process", async (t) => {
    const { bridge, worker, gestaltd } = await startRuntime(t);
    const channel = await hostedChannel(bridge, worker, gestaltd, "search", ["CACHE"]);
    const again = worker.next();
    process.kill(await workingProcess(bridge), "SIGKILL");
    await channel.closed;
    await callHost(await again, get, {});
  });
});

describe("a provider of gestaltd's own kinds", () => {
  it("has its channel before it is configured, from the sockets in the bridge's environment", async (t) => {
    const worker = await ScriptedWorker.start(t);
    const gestaltd = await startFakeGestaltd(t);
    const env = await gestaltd.offer({ plugin: "kv", session: "none", via: "unix", hosts: ["CACHE", "CACHE_MAIN"] });
    const bridge = await startBridgeProcess(t, "cache", { env });
    let found: boolean | undefined;
    worker.configured = async () => {
      found = (await callHost(only(worker.channels), get, {}, { service: "CACHE_MAIN" })).found;
    };
    await bridge.configure({ worker: { url: worker.origin, key: KEY, name: "scripted" }, table: "a" });
    assert.equal(found, false);
    await bridge.configure({ worker: { url: worker.origin, key: KEY, name: "scripted" }, table: "b" });
    const channel = only(worker.channels);
    await bridge.stop();
    assert.equal(await channel.closed, 4000);
  });

  it("has none without such sockets", async (t) => {
    const worker = await ScriptedWorker.start(t);
    const bridge = await startBridgeProcess(t, "cache");
    await bridge.configure({ worker: { url: worker.origin, key: KEY, name: "scripted" } });
    assert.equal(worker.upgrades, 0);
  });
});

/** What a worker says whose only provider uses these. */
function describing(uses: { readonly name: string; readonly optional?: boolean }[], hostChannel = true) {
  return { worker: "scripted", hostChannel, providers: [{ name: "search", kind: ProviderKind.INTEGRATION, uses }] };
}

function only<T>(values: readonly T[]): T {
  const [value, ...more] = values;
  assert.ok(value);
  assert.equal(more.length, 0);
  return value;
}
