// A real gestaltd runs the examples: the plugin on our runtime kind, the cache and the object store by their bridges.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isAlive, nodeOf, until } from "../support/bridge-process.ts";
import { bridge, buildPlugin, type Site, serveSite, stateOf, worker } from "../support/gestaltd/examples.ts";
import { type Gestaltd, type GestaltdConfig, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";
import { getJson, invoke } from "../support/gestaltd/http-api.ts";

describe("a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let site: Site;
  let config: GestaltdConfig;
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    site = await serveSite();
    config = await exampleConfig(folder, site);
    gestaltd = await startGestaltd(folder, config);
  });

  after(async () => {
    site.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("invokes an operation over its HTTP API", async () => {
    const answer = await invoke(gestaltd, "search", "find", { query: "edge" });
    assert.equal(answer.status, 200, gestaltd.log());
    assert.equal((answer.body as { items: { title: string }[] }).items[0]?.title, "Life at the edge");
  });

  it("shows a caller which input is wrong", async () => {
    const answer = await invoke(gestaltd, "search", "find", { query: "e" });
    assert.equal(answer.status, 400);
    assert.match(JSON.stringify(answer.body), /query/);
  });

  it("lists the operations with their schemas", async () => {
    const answer = await fetch(`${gestaltd.url}/api/v1/integrations/search/operations`);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"find"/);
  });

  it("shows the session in its runtime inspection", async () => {
    const providers = await getJson(gestaltd, "/admin/api/v1/runtime/providers");
    assert.match(JSON.stringify(providers), /"name":"edge".*"loaded":true.*"sessionCount":1/);
    const sessions = await getJson(gestaltd, "/admin/api/v1/runtime/providers/edge/sessions");
    assert.match(JSON.stringify(sessions), /"plugin":"search"/);
    assert.match(JSON.stringify(sessions), /"state":"(ready|running)"/);
  });

  it("refuses bad config with the place of the fault", async () => {
    const bad = { source: bridge("cache"), config: { worker: { project: 7 } } };
    const other = await mkdtemp(join(tmpdir(), "gd-"));
    try {
      const started = startGestaltd(other, { providers: { cache: { edge: bad } } });
      await assert.rejects(started, /at '\/worker\/project': got number, want string/);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it("ends with every process it started", async () => {
    const nodes = runningNodes(folder);
    assert.equal(nodes.length, 3, "one embedded worker per project");
    assert.equal(await gestaltd.stop(), 0, gestaltd.log());
    for (const pid of nodes) await until(() => !isAlive(pid), `node ${pid} ends`);
  });

  it("leaves nothing behind when it is killed", async () => {
    gestaltd = await startGestaltd(folder, config);
    const nodes = runningNodes(folder);
    const bridges = gestaltd.children();
    assert.ok(bridges.length >= 4, "runtime, object store, and the cache twice");
    await gestaltd.kill();
    for (const pid of [...bridges, ...nodes]) await until(() => !isAlive(pid), `process ${pid} ends`);
    assert.deepEqual(runningNodes(folder), []);
  });
});

/** Process ids of the embedded nodes of the three examples. */
function runningNodes(folder: string): number[] {
  return ["search", "cache", "blobs"].flatMap((name) => nodeOf(stateOf(folder, `examples/${name}`))?.pid ?? []);
}

/** The three examples in one config, the plugin from what `gestalt-edge build` wrote. */
async function exampleConfig(folder: string, site: Site): Promise<GestaltdConfig> {
  const example = (name: string) => worker(folder, `examples/${name}`);
  const plugin = {
    source: { path: await buildPlugin(folder, "examples/search", "search") },
    runtime: { provider: "edge", template: "search" },
  };
  return {
    providers: {
      cache: {
        edge: { source: bridge("cache"), config: { worker: { ...example("cache"), provider: "cache" } } },
      },
      s3: {
        blobs: { source: bridge("s3"), config: { worker: { ...example("blobs"), provider: "blobs" } } },
      },
    },
    runtime: {
      providers: { edge: { source: bridge("runtime"), config: { workers: { search: example("search") } } } },
    },
    plugins: {
      search: { ...plugin, cache: ["edge"], s3: ["blobs"], config: { baseUrl: `http://127.0.0.1:${site.port}` } },
    },
  };
}
