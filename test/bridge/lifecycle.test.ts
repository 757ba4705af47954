// A bridge that is one provider, as gestaltd meets it: handshake, config, end. Its worker runs in the shared embedded node.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { status } from "@grpc/grpc-js";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.ts";
import {
  APP,
  atEnd,
  BRIDGE,
  grpcError,
  isAlive,
  nodeOf,
  sharedApp,
  startBridgeProcess,
  stateFolder,
  temporaryFolder,
  until,
} from "../support/bridge-process.ts";

const lifecycle = ProviderLifecycle.method;
const { state } = sharedApp();

describe("the command", () => {
  it("says how it is used when it is used otherwise", () => {
    for (const args of [[], ["nonsense"], ["cache", "more"]]) {
      const { status: code, stderr } = spawnSync(BRIDGE, args, { encoding: "utf8" });
      assert.equal(code, 64);
      assert.match(stderr, /usage: gestalt-edge-bridge runtime \| cache \| s3/);
    }
    const { stderr } = spawnSync(BRIDGE, ["cache"], { encoding: "utf8" });
    assert.match(stderr, /GESTALT_PLUGIN_SOCKET is not set/);
  });
});

describe("before configuration", () => {
  it("tells its identity, serves health, and refuses the rest", async (t) => {
    const bridge = await startBridgeProcess(t, "s3", { name: "blobs" });
    assert.equal(statSync(bridge.socket).mode & 0o777, 0o600);
    const identity = await bridge.call(lifecycle.getProviderIdentity, {});
    assert.equal(identity.kind, ProviderKind.S3);
    assert.equal(identity.name, "blobs");
    assert.deepEqual([identity.minProtocolVersion, identity.maxProtocolVersion], [3, 3]);
    await bridge.call(Health.method.check, { service: S3.typeName });
    const refused = grpcError(status.FAILED_PRECONDITION, /not configured/);
    await assert.rejects(bridge.call(S3.method.headObject, {}), refused);
    await assert.rejects(bridge.call(lifecycle.healthCheck, {}), refused);
    await assert.rejects(bridge.call(Cache.method.get, {}), grpcError(status.UNIMPLEMENTED, /unknown service .*Cache/));
  });

  it("refuses what cannot work, saying what to do", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const wrongVersion = bridge.call(lifecycle.configureProvider, { name: "edge", protocolVersion: 4 });
    await assert.rejects(wrongVersion, grpcError(status.FAILED_PRECONDITION, /version 4, this bridge speaks 3/));
    await assert.rejects(bridge.configure(undefined), grpcError(status.INVALID_ARGUMENT, /worker: is missing/));
    const big = { worker: { project: "." }, blob: "x".repeat(20_000) };
    await assert.rejects(bridge.configure(big), grpcError(status.INVALID_ARGUMENT, /Worker secrets .* or bindings/));
    const nowhere = { worker: { project: "./nowhere" } };
    await assert.rejects(
      bridge.configure(nowhere),
      grpcError(status.FAILED_PRECONDITION, /there is no folder .*nowhere/),
    );
  });

  it("says which package is missing in a project that has none", async (t) => {
    const project = temporaryFolder(t);
    const bridge = await startBridgeProcess(t, "cache", { env: { GESTALT_EDGE_ROOT: join(project, "..") } });
    const configure = () => bridge.configure({ worker: { project: project.split("/").at(-1) ?? "" } });
    await assert.rejects(configure(), grpcError(status.FAILED_PRECONDITION, /has no wrangler\.toml.*worker\.project/));
    assert.deepEqual(readdirSync(project), [], "nothing is left in a folder named by mistake");
    writeFileSync(join(project, "wrangler.toml"), "");
    await assert.rejects(configure(), grpcError(status.FAILED_PRECONDITION, /npm install gestalt-edge/));
  });
});

describe("configuration", () => {
  it("reaches the worker with each call, and again when it changes", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const worker = { project: APP, state, provider: "telling" };
    const session = async () => {
      const { value } = await bridge.call(Cache.method.get, { key: "session" });
      return JSON.parse(Buffer.from(value).toString());
    };

    assert.deepEqual(await bridge.configure({ worker, warn: true, limit: 7 }), await bridge.configure({ worker }));
    assert.deepEqual(await session(), { name: "edge", config: {}, env: {} });
    await bridge.configure({ worker, warn: true, nested: { a: [1, null, "x"] } });
    assert.deepEqual(await session(), { name: "edge", config: { warn: true, nested: { a: [1, null, "x"] } }, env: {} });

    const identity = await bridge.call(lifecycle.getProviderIdentity, {});
    assert.equal(identity.displayName, "Telling cache");
    assert.equal(identity.version, "1.2.3");
    assert.equal(identity.name, "edge");
    assert.deepEqual(identity.warnings, ["be warned"]);
    assert.equal((await bridge.call(lifecycle.healthCheck, {})).ready, true);

    const refused = bridge.configure({ worker, refuse: true });
    await assert.rejects(refused, (error: { code: number }) => error.code !== status.OK);
    assert.deepEqual((await session()).config.warn, true, "a refused config changes nothing");
  });

  it("names the providers there are when it asks for another", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    const several = bridge.configure({ worker: { project: APP, state } });
    await assert.rejects(
      several,
      grpcError(status.FAILED_PRECONDITION, /several cache providers: kv, telling\. Set worker/),
    );
    const unknown = bridge.configure({ worker: { project: APP, state, provider: "nope" } });
    await assert.rejects(
      unknown,
      grpcError(status.FAILED_PRECONDITION, /no cache provider "nope".*blobs \(s3\), kv \(cache\)/),
    );
    const otherKind = bridge.configure({ worker: { project: APP, state, provider: "blobs" } });
    await assert.rejects(otherKind, grpcError(status.FAILED_PRECONDITION, /no cache provider "blobs"/));
  });

  it("reports what is wrong with the wrangler file, however soon the node ends over it", async (t) => {
    const project = emptyProject(t);
    const bridge = await startBridgeProcess(t, "cache");
    const faults: [string, RegExp][] = [
      ["name = 5", /wrangler\.toml is not a valid wrangler file: Expected "name" to be of type string/],
      ['name = "x"', /wrangler\.toml names no entry module; add main/],
      ['main = "x.ts"', /wrangler\.toml gives the worker no name; add name/],
    ];
    for (const [text, message] of faults) {
      writeFileSync(join(project, "wrangler.toml"), `compatibility_date = "2026-07-01"\n${text}\n`);
      await assert.rejects(bridge.configure({ worker: { project } }), grpcError(status.FAILED_PRECONDITION, message));
    }
  });

  it("reports errors of the project's sources by file and line", async (t) => {
    const project = emptyProject(t);
    writeFileSync(join(project, "wrangler.toml"), 'name = "x"\nmain = "x.ts"\ncompatibility_date = "2026-07-01"\n');
    writeFileSync(join(project, "x.ts"), 'import "./nothing.ts";\n');
    const bridge = await startBridgeProcess(t, "cache");
    const failed = grpcError(
      status.FAILED_PRECONDITION,
      /cannot bundle .*x\.ts:1:8: Could not resolve "\.\/nothing\.ts"/,
    );
    await assert.rejects(bridge.configure({ worker: { project } }), failed);
  });
});

/** A folder where gestalt-edge is installed, and nothing else is. */
function emptyProject(t: TestContext): string {
  const project = temporaryFolder(t);
  writeFileSync(join(project, "package.json"), "{}");
  mkdirSync(join(project, "node_modules"));
  symlinkSync(join(import.meta.dirname, "../.."), join(project, "node_modules/gestalt-edge"));
  return project;
}

describe("the end", () => {
  it("comes on SIGTERM with calls in flight: they fail, the process exits with 0, the socket is gone", async (t) => {
    const bridge = await startBridgeProcess(t, "cache");
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    const slow = bridge.call(Cache.method.get, { key: "slow" });
    const failed = assert.rejects(slow, grpcError(status.UNAVAILABLE, /the bridge is stopping/));
    // A later call's answer proves that the slow one has reached the bridge.
    await bridge.call(Cache.method.get, { key: "other" });
    bridge.child.kill("SIGTERM");
    await failed;
    assert.deepEqual(await bridge.exited, { code: 0, signal: null });
    assert.equal(existsSync(bridge.socket), false);
  });

  it("comes on SIGINT as well", async (t) => {
    const bridge = await startBridgeProcess(t, "runtime");
    bridge.child.kill("SIGINT");
    assert.deepEqual(await bridge.exited, { code: 0, signal: null });
  });

  it("comes when the parent is gone", async (t) => {
    const parent = spawn("sleep", ["1000"]);
    atEnd(t, () => parent.kill("SIGKILL"));
    // As gestaltd names it; it cannot remove it any more, nor its own host services' sockets there.
    const folder = mkdtempSync(join(tmpdir(), "gstp-"));
    writeFileSync(join(folder, "host-0.sock"), "");
    atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
    const bridge = await startBridgeProcess(t, "runtime", { parentPid: parent.pid ?? 0, folder });
    await bridge.configure({ workers: { app: { project: APP, state } } });
    assert.equal(readdirSync(folder).length, 3, "beside its own socket, the folder for those of sessions");
    parent.kill("SIGKILL");
    assert.deepEqual(await bridge.exited, { code: 0, signal: null });
    assert.equal(existsSync(folder), false);
  });

  it("of the last bridge is the end of its node", async (t) => {
    const state = stateFolder(t);
    const bridge = await startBridgeProcess(t, "cache");
    await bridge.configure({ worker: { project: APP, state, provider: "telling" } });
    const node = nodeOf(state);
    assert.ok(node !== undefined && isAlive(node.pid));
    bridge.child.kill("SIGKILL");
    await bridge.exited;
    await until(() => !isAlive(node.pid), "the node ends");
    assert.equal(nodeOf(state), undefined);
  });
});
