// The shared embedded node: one for many bridges, back after every death, handed over to `gestalt-edge dev`.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { type EmbeddedNodeOptions, startEmbeddedNode, type WorkerState } from "../../src/bridge/embedded/node.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { HEALTH_PATH } from "../../src/wire/routes.ts";
import {
  APP,
  atEnd,
  isAlive,
  nodeOf,
  startBridgeProcess,
  stateFolder,
  temporaryFolder,
  until,
  workerdsOf,
  workingProcess,
} from "../support/bridge-process.ts";

async function startConfigured(t: TestContext, state: string, provider = "kv", project = APP) {
  const bridge = await startBridgeProcess(t, "cache");
  await bridge.configure({ worker: { project, state, provider } });
  return bridge;
}

function runningNode(state: string) {
  const node = nodeOf(state);
  assert.ok(node !== undefined, "there is a node");
  return node;
}

/** As `workerdsOf`, while other children of the node come and go. */
function workerdsNow(pid: number): number[] {
  try {
    return workerdsOf(pid);
  } catch {
    return [];
  }
}

describe("one node", { concurrency: false }, () => {
  it("serves bridges that start at once, and keeps what they wrote for the next", async (t) => {
    const state = stateFolder(t);
    const bridges = await Promise.all([1, 2, 3, 4].map(() => startConfigured(t, state)));
    const { pid, socket } = runningNode(state);
    assert.equal(workerdsOf(pid).length, 1);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(statSync(join(socket, "..")).mode & 0o777, 0o700);
    const [first, second] = bridges;
    await first?.call(Cache.method.set, { key: "k", value: Buffer.from("v") });
    assert.deepEqual(await second?.call(Cache.method.get, { key: "k" }).then(({ found }) => found), true);
    for (const bridge of bridges.slice(1)) await bridge.stop();
    assert.ok(isAlive(pid), "the node lives as long as one bridge does");
    await first?.stop();
    await until(() => !isAlive(pid), "the node ends");

    const later = await startConfigured(t, state);
    const { value } = await later.call(Cache.method.get, { key: "k" });
    assert.equal(Buffer.from(value).toString(), "v");
  });

  it("keeps what it stores to its user, and gets no secret of the bridge's environment", async (t) => {
    const state = stateFolder(t);
    rmSync(state, { recursive: true });
    const secret = "not-for-children";
    const env = { GESTALT_EDGE_KEY: secret, GESTALT_CACHE_SOCKET_TOKEN: secret, OTEL_EXPORTER_OTLP_HEADERS: secret };
    const bridge = await startBridgeProcess(t, "cache", { env });
    await bridge.configure({ worker: { project: APP, state, provider: "kv" } });
    assert.equal(statSync(state).mode & 0o777, 0o700);
    const { pid } = runningNode(state);
    for (const process of [pid, ...workerdsOf(pid)]) {
      const told = readFileSync(`/proc/${process}/environ`, "utf8") + readFileSync(`/proc/${process}/cmdline`, "utf8");
      assert.doesNotMatch(told, new RegExp(secret));
    }
  });

  it("brings workerd back when it is killed: what may be repeated is, the rest fails, later calls succeed", async (t) => {
    const state = stateFolder(t);
    const bridge = await startConfigured(t, state, "telling");
    const { pid } = runningNode(state);
    const read = async (key: string) => Buffer.from((await bridge.call(Cache.method.get, { key })).value).toString();
    const [workerd = 0] = workerdsOf(pid);

    const repeatable = read("second-time");
    const lost = assert.rejects(
      bridge.call(Cache.method.delete, { key: "k" }),
      (error: { code: number }) => error.code === status.UNAVAILABLE,
    );
    await until(
      async () => (await read("asked")) === "yes" && (await read("deleting")) === "k",
      "both are in the worker",
    );
    process.kill(workerd, "SIGKILL");
    await lost;
    assert.equal(await repeatable, "answered");
    assert.notDeepEqual(workerdsOf(pid), [workerd]);

    const [second = 0] = workerdsOf(pid);
    process.kill(second, "SIGKILL");
    assert.equal(await read("asked"), "yes");
  });

  it("starts workerd again when it is killed on the way up", async (t) => {
    const state = stateFolder(t);
    const bridge = await startBridgeProcess(t, "cache");
    const configured = bridge.configure({ worker: { project: APP, state, provider: "kv" } });
    await until(() => nodeOf(state) !== undefined, "there is a node");
    const { pid } = runningNode(state);
    const killed = new Set<number>();
    // Twice, each as early as can be: before it has read what it is to do.
    while (killed.size < 2) {
      for (const workerd of workerdsNow(pid).filter((each) => !killed.has(each))) {
        process.kill(workerd, "SIGKILL");
        killed.add(workerd);
      }
      await setImmediate();
    }
    await configured;
    assert.equal((await bridge.call(Cache.method.get, { key: "k" })).found, false);
    assert.equal(runningNode(state).pid, pid);
    assert.match(readFileSync(join(state, "node.log"), "utf8"), /worker ready/);
  });

  it("is replaced when it is killed, and takes its workerd along", async (t) => {
    const state = stateFolder(t);
    const bridge = await startConfigured(t, state, "telling");
    const { pid } = runningNode(state);
    const [workerd = 0] = workerdsOf(pid);
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(workerd), "the orphaned workerd ends");
    assert.equal((await bridge.call(Cache.method.get, { key: "session" })).found, true);
    assert.notEqual(runningNode(state).pid, pid);
  });

  it("ends on SIGTERM without leaving anything", async (t) => {
    const state = stateFolder(t);
    const bridge = await startBridgeProcess(t, "cache");
    await bridge.configure({ worker: { project: APP, state, provider: "kv" } });
    const { pid } = runningNode(state);
    const [workerd = 0] = workerdsOf(pid);
    // Stopped, so that it cannot start the next one.
    const working = await workingProcess(bridge);
    process.kill(working, "SIGSTOP");
    process.kill(pid, "SIGTERM");
    await until(() => !isAlive(pid) && !isAlive(workerd), "node and workerd end");
    assert.equal(nodeOf(state), undefined);
    assert.match(readFileSync(join(state, "node.log"), "utf8"), /worker closed/);
    bridge.child.kill("SIGKILL");
    process.kill(working, "SIGKILL");
    await bridge.exited;
  });
});

describe("startEmbeddedNode", { concurrency: false }, () => {
  it("says what is wrong with a project, and leaves it free for the next attempt", async (t) => {
    const { project, source } = smallProject(t);
    const wrangler = join(project, "wrangler.json");
    const attempts: [string, string, RegExp][] = [
      ["", "", /is not a valid wrangler file/],
      [JSON.stringify({ name: "x", main: 3 }), "", /wrangler\.json is not a valid wrangler file: Expected "main"/],
      [JSON.stringify({ name: "x" }), "", /wrangler\.json names no entry module/],
      [readFileSync(wrangler, "utf8"), 'import "node:fs";', /cannot bundle .*worker\.ts:1:8.*nodejs_compat/],
      [
        readFileSync(wrangler, "utf8"),
        "throw new Error('at start');",
        /^\S* ?workerd does not start the worker of \S+: service core:user:small: Uncaught Error: at start[^\n]*$/,
      ],
    ];
    for (const [config, text, message] of attempts) {
      writeFileSync(wrangler, config);
      writeFileSync(source, text);
      await assert.rejects(startEmbeddedNode({ project }), message);
    }
    rmSync(wrangler);
    await assert.rejects(startEmbeddedNode({ project }), /has no wrangler\.toml, wrangler\.jsonc or wrangler\.json/);
    await assert.rejects(startEmbeddedNode({ project: join(project, "no") }), /there is no folder/);
  });

  it("reloads on change, keeps the old worker while the sources have an error, keeps port and data", async (t) => {
    const { project, source } = smallProject(t);
    const states: WorkerState[] = [];
    const { node, next } = await startNode(t, {
      project,
      watch: true,
      hooks: { state: (state) => states.push(state) },
    });
    const text = async () => (await fetch(node.worker.origin)).text();
    const { origin, digest } = node.worker;
    assert.equal(await text(), "one");
    await next(() => writeFileSync(source, workerSource("two")), states, "ready");
    assert.equal(await text(), "two");
    assert.notEqual(node.worker.digest, digest);
    await next(() => writeFileSync(source, "export default {"), states, "reload-failed");
    assert.equal(await text(), "two");
    await next(() => writeFileSync(source, workerSource("one")), states, "ready");
    assert.equal(await text(), "one");
    assert.equal(node.worker.origin, origin);
    assert.equal(node.worker.digest, digest, "the same sources give the same digest");
  });

  it("passes on what the worker prints", async (t) => {
    const { project } = smallProject(t);
    const lines: string[] = [];
    const { node } = await startNode(t, {
      project,
      hooks: { log: ({ level, message }) => lines.push(`${level} ${message}`) },
    });
    await (await fetch(node.worker.origin)).text();
    await until(() => lines.length > 0, "the line arrives");
    assert.deepEqual(lines, ["warn served one"]);
    assert.match(readFileSync(node.logFile, "utf8"), /served one/);
  });

  it("takes a project over from a node that runs for bridges only, which follow it", async (t) => {
    const state = stateFolder(t);
    const bridge = await startConfigured(t, state, "telling");
    const { pid } = runningNode(state);
    const { node } = await startNode(t, { project: APP, state });
    assert.equal(isAlive(pid), false);
    assert.equal(runningNode(state).pid, process.pid);
    assert.equal((await bridge.call(Cache.method.get, { key: "session" })).found, true);
    assert.equal((await fetch(node.worker.origin + HEALTH_PATH)).status, 200);
    await assert.rejects(startEmbeddedNode({ project: APP, state }), /\(gestalt-edge dev\) already runs/);
    await bridge.stop();
    await node.close();
  });
});

function workerSource(word: string): string {
  return `export default { fetch() { console.warn("served ${word}"); return new Response("${word}"); } };\n`;
}

function smallProject(t: TestContext) {
  const project = temporaryFolder(t);
  mkdirSync(join(project, "src"));
  const source = join(project, "src/worker.ts");
  writeFileSync(source, workerSource("one"));
  const config = { name: "small", main: "src/worker.ts", compatibility_date: "2026-07-01" };
  writeFileSync(join(project, "wrangler.json"), JSON.stringify(config));
  return { project, source };
}

async function startNode(t: TestContext, options: EmbeddedNodeOptions) {
  const node = await startEmbeddedNode(options);
  atEnd(t, () => node.close());
  const next = async (change: () => void, states: WorkerState[], type: WorkerState["type"]) => {
    const seen = states.length;
    change();
    await until(() => states.slice(seen).some((state) => state.type === type), `the worker is ${type}`);
  };
  return { node, next };
}
