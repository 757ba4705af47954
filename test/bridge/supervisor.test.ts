// The bridge survives its own fault: its working process is killed, its supervisor is killed, both are told to end.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import {
  APP,
  BRIDGE,
  type BridgeProcess,
  childrenOf,
  grpcClient,
  isAlive,
  sharedApp,
  startBridgeProcess,
  temporaryFolder,
  until,
  workingProcess,
} from "../support/bridge-process.ts";

const { state } = sharedApp();

/** Far longer than any call takes, in milliseconds; a call that nobody serves ends by it. */
const PATIENCE_MS = 30_000;

async function read({ call }: Pick<BridgeProcess, "call">, key: string): Promise<string> {
  const { value } = await call(Cache.method.get, { key });
  return Buffer.from(value).toString();
}

/** What the supervisor logged about restarts. */
function restarts(
  bridge: BridgeProcess,
): { readonly cause: string; readonly restart: number; readonly delayMs: number }[] {
  const lines = bridge.stderr().split("\n");
  return lines.flatMap((line) => (line.includes("has ended by itself") ? [JSON.parse(line)] : []));
}

/** Kills the working process, and resolves with its successor. */
async function crash(bridge: BridgeProcess): Promise<number> {
  const victim = await workingProcess(bridge);
  process.kill(victim, "SIGKILL");
  return workingProcess(bridge, victim);
}

describe("a crash of the working process", () => {
  it("fails the calls in flight; the next is served by a successor with the same session", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const mark = `${process.pid}-${Date.now()}`;
    await bridge.configure({ worker: { project: APP, state, provider: "telling" }, warn: true });
    await bridge.configure({ worker: { project: APP, state, provider: "telling" }, mark });
    const told = { name: "edge", config: { mark }, env: {} };
    assert.deepEqual(JSON.parse(await read(bridge, "session")), told);

    const inFlight = [1, 2, 3].map(() => read(bridge, "slow"));
    const lost = Promise.all(
      inFlight.map((call) => assert.rejects(call, (e: { code: number }) => e.code === status.UNAVAILABLE)),
    );
    await read(bridge, "session");
    const victim = await workingProcess(bridge);
    process.kill(victim, "SIGKILL");
    await lost;

    assert.deepEqual(JSON.parse(await read(bridge, "session")), told);
    assert.equal(await read(bridge, "configurations"), "1", "to the worker it is the session it knows");
    const identity = await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
    assert.deepEqual([identity.name, identity.displayName], ["edge", "Telling cache"]);
    assert.deepEqual(
      restarts(bridge).map(({ cause, delayMs }) => [cause, delayMs]),
      [["SIGKILL", 0]],
    );
    assert.notEqual(await workingProcess(bridge), victim);

    await bridge.configure({ worker: { project: APP, state, provider: "telling" }, changed: true });
    assert.deepEqual(JSON.parse(await read(bridge, "session")).config, { changed: true });
  });

  it("leaves no caller hanging that connects in that moment", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const { getProviderIdentity } = ProviderLifecycle.method;
    const outcome = (client: Pick<BridgeProcess, "call">) =>
      client.call(getProviderIdentity, {}, { deadline: Date.now() + PATIENCE_MS }).then(
        () => "answered",
        (error: { code: number }) => status[error.code],
      );
    const connected = grpcClient(t, `unix:${bridge.socket}`);
    assert.equal(await outcome(connected), "answered");
    process.kill(await workingProcess(bridge), "SIGKILL");
    // The one may have reached the dying process, the other begins when the death is known.
    const connecting = Array.from({ length: 8 }, () => outcome(grpcClient(t, `unix:${bridge.socket}`)));
    while ((await outcome(connected)) === "UNAVAILABLE");
    assert.equal(await outcome(connected), "answered");
    for (const one of await Promise.all(connecting)) assert.match(one ?? "", /answered|UNAVAILABLE/);
  });

  it("before configuration loses nothing either", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    // The first working process must have come up: one that never does is not replaced.
    await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
    await crash(bridge);
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    assert.deepEqual(JSON.parse(await read(bridge, "session")).name, "edge");
  });

  it("that comes again and again is answered ever later, and the operator is told why", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    let working = await workingProcess(bridge);
    for (let number = 1; number <= 4; number++) {
      process.kill(working, "SIGKILL");
      await until(() => restarts(bridge).length === number, "the supervisor tells of it");
      if (number < 4) working = await workingProcess(bridge, working);
    }
    assert.deepEqual(
      restarts(bridge).map(({ cause, restart, delayMs }) => [cause, restart, delayMs]),
      [
        ["SIGKILL", 1, 0],
        ["SIGKILL", 2, 500],
        ["SIGKILL", 3, 1000],
        ["SIGKILL", 4, 2000],
      ],
    );
    // A wait this long is not for callers: they hear of it at once.
    assert.deepEqual(childrenOf(bridge.child.pid ?? 0), []);
    await assert.rejects(read(bridge, "session"), (error: { code: number }) => error.code === status.UNAVAILABLE);
    await bridge.stop();
    assert.deepEqual(readdirSync(join(bridge.socket, "..")), []);
  });
});

describe("a working process that hangs", () => {
  const seconds = (limit: number) => ({ env: { GESTALT_EDGE_HUNG_SECONDS: String(limit) } });

  it("is replaced, and what had waited for it is served by its successor", async (t) => {
    const bridge = await startBridgeProcess(t, "cache", seconds(1));
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    const working = await workingProcess(bridge);
    const inFlight = assert.rejects(read(bridge, "slow"), (e: { code: number }) => e.code === status.UNAVAILABLE);
    await read(bridge, "session");
    process.kill(working, "SIGSTOP");
    // A connection of its own, which the hung process does not take.
    const late = grpcClient(t, `unix:${bridge.socket}`, { "grpc.use_local_subchannel_pool": 1 });
    assert.equal(JSON.parse(await read(late, "session")).name, "edge");
    await inFlight;
    assert.notEqual(await workingProcess(bridge), working);
    const [{ cause } = { cause: "" }, ...more] = restarts(bridge);
    assert.equal(cause, "hung: it gave no sign of life for 1 s and was killed");
    assert.deepEqual(more, []);
  });

  it("is left alone when its supervisor stood still too: a stopped group, a machine that slept", async (t) => {
    const limit = 2;
    const bridge = await startBridgeProcess(t, "cache", seconds(limit));
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    const working = await workingProcess(bridge);
    bridge.child.kill("SIGSTOP");
    process.kill(working, "SIGSTOP");
    // Not waited for: what is tried is that it passes.
    await sleep(1_500 * limit);
    bridge.child.kill("SIGCONT");
    process.kill(working, "SIGCONT");
    assert.equal(JSON.parse(await read(bridge, "session")).name, "edge");
    assert.equal(await workingProcess(bridge), working);
    assert.deepEqual(restarts(bridge), []);
  });
});

describe("the supervisor", () => {
  it("shows nothing of its secrets, and starts one process", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const working = await workingProcess(bridge);
    const [, ...args] = readFileSync(`/proc/${working}/cmdline`, "utf8").split("\0").filter(Boolean);
    const given = args.filter((argument) => !/^--max-semi-space-size=\d+$/.test(argument));
    assert.deepEqual(given, [BRIDGE, "cache"]);
    assert.deepEqual(childrenOf(bridge.child.pid ?? 0), [working]);
  });

  it("takes its working process along when it is killed, and leaves no socket", async (t) => {
    const bridge = await startBridgeProcess(t, "runtime");
    await bridge.configure({ workers: { app: { project: APP, state } } });
    const working = await workingProcess(bridge);
    bridge.child.kill("SIGKILL");
    await bridge.exited;
    await until(() => !isAlive(working), "the working process ends");
    assert.match(bridge.stderr(), /supervisor is gone/);
    assert.deepEqual(readdirSync(join(bridge.socket, "..")), []);
  });

  it("takes it along even while it starts", async (t) => {
    const env = { ...process.env, GESTALT_PLUGIN_SOCKET: join(temporaryFolder(t), "plugin.sock") };
    const child = spawn(BRIDGE, ["cache"], { stdio: "ignore", env });
    const working = await workingProcess({ child });
    child.kill("SIGKILL");
    await until(() => !isAlive(working), "the working process ends");
  });

  it("ends with 0 when both processes get the signal, as a terminal sends it", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    process.kill(await workingProcess(bridge), "SIGINT");
    bridge.child.kill("SIGINT");
    assert.deepEqual(await bridge.exited, { code: 0, signal: null });
    assert.equal(existsSync(bridge.socket), false);
  });

  it("passes on why the first working process could not start", (t) => {
    const env = { ...process.env, GESTALT_PLUGIN_SOCKET: join(temporaryFolder(t), "no/such/folder.sock") };
    const { status: code, stderr } = spawnSync(BRIDGE, ["cache"], { encoding: "utf8", env });
    assert.equal(code, 1);
    assert.match(stderr, /cannot listen on .*folder\.sock: E/);
  });

  it("is not there when it is not wanted", async (t) => {
    const bridge = await startBridgeProcess(t, "cache", { env: { GESTALT_EDGE_SUPERVISOR: "off" } });
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    assert.deepEqual(childrenOf(bridge.child.pid ?? 0), []);
    assert.equal(JSON.parse(await read(bridge, "session")).name, "edge");
    await bridge.stop();
    assert.deepEqual(readdirSync(join(bridge.socket, "..")), []);
  });
});
