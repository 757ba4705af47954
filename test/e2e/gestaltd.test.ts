// A real gestaltd runs the examples: the plugin on our runtime kind, the cache and the object store by their bridges.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { isAlive, nodeOf, until } from "../support/bridge-process.ts";
import { type Gestaltd, type GestaltdConfig, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "..", "..");

describe("a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let site: http.Server;
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
    const providers = await getJson(`${gestaltd.url}/admin/api/v1/runtime/providers`);
    assert.match(JSON.stringify(providers), /"name":"edge".*"loaded":true.*"sessionCount":1/);
    const sessions = await getJson(`${gestaltd.url}/admin/api/v1/runtime/providers/edge/sessions`);
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
  return ["search", "cache", "blobs"].flatMap((name) => nodeOf(join(folder, "state", name))?.pid ?? []);
}

/** The three examples in one config, the plugin from what `gestalt-edge build` wrote. */
async function exampleConfig(folder: string, site: http.Server): Promise<GestaltdConfig> {
  await run(
    "node",
    [join(repository, "dist/lib/cli/main.js"), "build", "examples/search", "--out", join(folder, "build")],
    {
      cwd: repository,
    },
  );
  const state = (name: string) => join(folder, "state", name);
  const project = (name: string) => join(repository, "examples", name);
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const plugin = {
    source: { path: join(folder, "build", "search", "manifest.yaml") },
    runtime: { provider: "edge", template: "search" },
  };
  return {
    providers: {
      cache: {
        edge: {
          source: bridge("cache"),
          config: { worker: { project: project("cache"), provider: "cache", state: state("cache") } },
        },
      },
      s3: {
        blobs: {
          source: bridge("s3"),
          config: { worker: { project: project("blobs"), provider: "blobs", state: state("blobs") } },
        },
      },
    },
    runtime: {
      providers: {
        edge: {
          source: bridge("runtime"),
          config: { workers: { search: { project: project("search"), state: state("search") } } },
        },
      },
    },
    plugins: { search: { ...plugin, cache: ["edge"], s3: ["blobs"], config: { baseUrl: origin } } },
  };
}

function bridge(kind: "runtime" | "cache" | "s3") {
  const file = kind === "runtime" ? "provider-release.yaml" : "manifest.yaml";
  return { path: join(repository, "dist", kind, file) };
}

async function serveSite(): Promise<http.Server> {
  const server = http.createServer((_request, response) => {
    response.setHeader("content-type", "application/feed+json");
    response.end(JSON.stringify(FEED));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const FEED = {
  version: "https://jsonfeed.org/version/1.1",
  title: "A feed",
  items: [{ id: "1", url: "https://example.com/1", title: "Life at the edge", content_text: "Near the people." }],
};

async function invoke(gestaltd: Gestaltd, plugin: string, operation: string, input: unknown) {
  const answer = await fetch(`${gestaltd.url}/api/v1/${plugin}/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  return { status: answer.status, body: await answer.json() };
}

async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return answer.json();
}
