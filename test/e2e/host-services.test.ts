// A real gestaltd offers its host services to plugins on the edge: through its relay, its egress proxy, and to its operator's eyes.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { childrenOf, grpcClient, isAlive, nodeEnded, until } from "../support/bridge-process.ts";
import { bridgesOf } from "../support/gestaltd/bridges.ts";
import { bridge, buildPlugin, type Site, serveSite, stateOf, worker } from "../support/gestaltd/examples.ts";
import { type Gestaltd, type GestaltdConfig, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";
import { getJson, invoke, invokeWell, logOf } from "../support/gestaltd/http-api.ts";
import { type CollectedSpan, type Collector, startCollector } from "../support/otlp-collector.ts";
import { DATABASE_TOLD } from "./app/database-told.ts";

const PROJECTS = {
  cache: "examples/cache",
  blobs: "examples/blobs",
  search: "examples/search",
  briefing: "examples/briefing",
  app: "test/e2e/app",
} as const;
/** More than gestaltd takes in one message. */
const LARGE_MIB = 6;
const SECRET = "a-secret-of-the-config";

describe("host services of a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let site: Site;
  let collector: Collector;
  let config: GestaltdConfig;
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    site = await serveSite();
    collector = await startCollector("grpc");
    config = await completeConfig(folder, site, collector);
    gestaltd = await startGestaltd(folder, config);
  });

  after(async () => {
    site.close();
    await gestaltd?.stop();
    await Promise.all(Object.values(PROJECTS).map((project) => nodeEnded(stateOf(folder, project))));
    await collector.close();
    await rm(folder, { recursive: true, force: true });
  });

  const call = (plugin: string, operation: string, input?: JsonObject) =>
    invokeWell(gestaltd, plugin, operation, input);

  it("serve a plugin: another plugin, a cache, a bucket and a database", async () => {
    const asked = site.requests.length;
    assert.deepEqual(await call("briefing", "write", { topic: "edge" }), { key: "edge.md", items: 1, fresh: true });
    assert.deepEqual(await call("briefing", "write", { topic: "edge" }), { key: "edge.md", items: 1, fresh: false });
    assert.equal(site.requests.length, asked + 1, "the cache knew");
    const text = "# edge\n\n- [Life at the edge](https://example.com/1)\n";
    assert.deepEqual(await call("briefing", "read", { topic: "edge" }), { text });
    await call("briefing", "write", { topic: "people" });
    const { topics } = (await call("briefing", "topics")) as { topics: { topic: string; writes: number }[] };
    assert.deepEqual(
      topics.map(({ topic, writes }) => [topic, writes]),
      [
        ["people", 1],
        ["edge", 1],
      ],
    );
  });

  it("keep what is a plugin's under its name", async (t) => {
    assert.deepEqual(await storedKeys(t, gestaltd), ["plugin_8_briefing/edge.md", "plugin_8_briefing/people.md"]);
    const [bridge] = bridgesOf(gestaltd, "cache");
    const cache = grpcClient(t, `unix:${bridge?.socket}`);
    const keys = ["edge", "briefing:edge"];
    const { entries } = await cache.call(Cache.method.getMany, { keys });
    assert.deepEqual(
      entries.map(({ found }) => found),
      [false, true],
    );
  });

  it("take many calls at once, and values of every kind", async () => {
    const cached = { hits: ["a", "b"], touched: true, deleted: 1, same: 200 };
    assert.deepEqual(await call("user", "cache", { calls: cached.same }), cached);
    assert.deepEqual(await call("user", "database"), DATABASE_TOLD);
  });

  it("carry objects of any size, and give out URLs for them", async () => {
    const { url, headers, ...rest } = await call("user", "store", { mebibytes: LARGE_MIB });
    const size = LARGE_MIB * 1024 * 1024;
    const listed = ["small/a.json", "small/b.json"];
    assert.deepEqual(rest, { size, read: size, range: 5, origin: "edge", listed, refused: true, gone: true });
    const answer = await fetch(String(url), { headers: headers as Record<string, string> });
    assert.deepEqual([answer.status, await answer.json()], [200, { a: 1 }]);
  });

  it("let a plugin call what its `invokes` names, and nothing else", async () => {
    const denied = { beyondNarrowed: true, notAllowed: true, tooMuch: true };
    assert.deepEqual(await call("user", "plugins"), { found: 200, byNarrowed: 200, wrongInput: 400, ...denied });
    // There are no agents and workflows here, and gestaltd says so in its own words.
    const { agents, workflows, authorization } = await call("user", "managers");
    assert.match(String(agents), /^PermissionDeniedError 7: /);
    assert.match(String(workflows), /^NotFoundError 5: /);
    assert.equal(authorization, "not offered");
  });

  it("keep a log, which the operator reads over the admin interface", async () => {
    await call("user", "say", { word: "hello", secret: SECRET });
    const spoken = async () => (await logOf(gestaltd, "user")).filter(({ message }) => message.includes("hello"));
    await until(async () => (await spoken()).length === 4, "all lines are in the log");
    const lines = (await spoken()).map(({ stream, message }) => `${stream} ${message}`);
    assert.deepEqual(lines.sort(), [
      "stderr hello by writer",
      'stderr warn hello {"by":"request.log"}',
      "stdout hello by append",
      "stdout hello by console, [redacted]",
    ]);
    const written = (await logOf(gestaltd, "briefing")).filter(({ message }) => message.startsWith("info briefing"));
    assert.equal(written.length, 2);
  });

  it("keep each plugin to its own hosts, by way of gestaltd's egress proxy", async () => {
    const [local, address] = [`http://localhost:${site.port}/`, `http://127.0.0.1:${site.port}/`];
    const runtimes = JSON.stringify(await getJson(gestaltd, "/admin/api/v1/runtime/providers"));
    assert.match(runtimes, /"effective":{[^}]*"hostServiceAccess":"relay","egressMode":"hostname"}/);
    const reach = async (plugin: string, target: string) => (await call(plugin, "reach", { target })).outcome;
    assert.equal(await reach("user", local), 200);
    assert.equal(await reach("user", `http://[::1]:${site.port}/`), `denied [::1]:${site.port} by allowed_hosts`);
    assert.equal(await reach("recluse", "http://example.com/"), "denied example.com by allowed_hosts");
    // gestaltd lists itself for the sake of its relay. Its proxy knows better, and has no idea of ports.
    assert.equal(await reach("user", address), `denied 127.0.0.1:${site.port} by gestaltd's egress proxy`);
    assert.equal(await reach("recluse", local), `denied localhost:${site.port} by gestaltd's egress proxy`);
    await until(
      async () => (await logOf(gestaltd, "recluse")).filter(({ message }) => /^egress to /.test(message)).length === 2,
      "both denials are in the log",
    );
  });

  it("are seen in traces, which gestaltd asks for by its telemetry", async () => {
    const service = "gestalt-provider-briefing";
    const ofBriefing = async (name: string) => {
      const fits = (span: CollectedSpan) => span.name.endsWith(name) && span.resource["service.name"] === service;
      await until(() => collector.spans.some(fits), `there is a span ${name}`);
      return collector.seen(fits);
    };
    const execute = await ofBriefing("IntegrationProvider/Execute");
    for (const call of ["Cache/Get", "PluginInvoker/Invoke", "S3/WriteObject", "IndexedDB/Transaction"]) {
      const { traceId, parentSpanId, status } = await ofBriefing(call);
      assert.deepEqual([traceId, parentSpanId, status], [execute.traceId, execute.spanId, 0], call);
    }
    assert.equal(execute.resource["gestaltd.provider.name"], "briefing");
  });

  it("are there again after the bridge has crashed", async () => {
    const [runtime] = bridgesOf(gestaltd, "runtime");
    const [working = 0] = childrenOf(runtime?.pid ?? 0);
    process.kill(working, "SIGKILL");
    await until(() => !isAlive(working), "the working process is gone");
    const searched = async () => (await invoke(gestaltd, "search", "find", { query: "edge" })).status === 200;
    await until(searched, "the plugin works again");
    assert.equal((await call("briefing", "write", { topic: "life" })).fresh, true);
    assert.equal((await call("briefing", "write", { topic: "edge" })).fresh, false);
    assert.equal(((await call("briefing", "topics")).topics as unknown[]).length, 3);
    const target = `http://[::1]:${site.port}/`;
    assert.match(String((await call("user", "reach", { target })).outcome), /^denied .* by allowed_hosts$/);
    const log = (await logOf(gestaltd, "briefing")).map(({ message }) => message);
    assert.ok(log.includes("the bridge was started again and goes on with this session"), log.join("\n"));
  });

  it("are there again after gestaltd was killed and started anew", async (t) => {
    const before = await storedKeys(t, gestaltd);
    await gestaltd.kill();
    gestaltd = await startGestaltd(folder, config);
    assert.equal((await call("briefing", "write", { topic: "edge" })).fresh, false);
    assert.deepEqual(await storedKeys(t, gestaltd), before);
    // The database was the stand-in's, in memory.
    assert.deepEqual(await call("briefing", "topics"), { topics: [] });
  });
});

/** Keys in the bucket, as its provider has them. */
async function storedKeys(t: TestContext, gestaltd: Gestaltd): Promise<string[]> {
  const [bridge] = bridgesOf(gestaltd, "s3");
  const store = grpcClient(t, `unix:${bridge?.socket}`);
  const { objects } = await store.call(S3.method.listObjects, { bucket: "blobs" });
  return objects.map(({ ref }) => ref?.key ?? "");
}

async function completeConfig(folder: string, site: Site, collector: Collector): Promise<GestaltdConfig> {
  const projects = Object.entries(PROJECTS).map(([name, project]) => [name, worker(folder, project)]);
  const { cache, blobs, ...workers } = Object.fromEntries(projects) as Record<string, object>;
  const [search, briefing, user] = await Promise.all([
    buildPlugin(folder, PROJECTS.search, "search"),
    buildPlugin(folder, PROJECTS.briefing, "briefing"),
    buildPlugin(folder, PROJECTS.app, "user"),
  ]);
  const plugin = (path: string, template: string) => ({ source: { path }, runtime: { provider: "edge", template } });
  const bound = { cache: ["main"], s3: ["blobs"] };
  const find = { plugin: "search", operation: "find" };
  return {
    providers: {
      telemetry: { collector: otlp(collector) },
      cache: { main: { source: bridge("cache"), config: { worker: { ...cache, provider: "cache" } } } },
      s3: { blobs: { source: bridge("s3"), config: { worker: blobs } } },
    },
    runtime: {
      providers: { edge: { source: bridge("runtime"), config: { workers }, env: { OTEL_BSP_SCHEDULE_DELAY: "100" } } },
    },
    plugins: {
      search: { ...plugin(search, "search"), config: { baseUrl: `http://localhost:${site.port}` } },
      briefing: { ...plugin(briefing, "briefing"), ...bound, invokes: [find], config: { bucket: "blobs" } },
      user: {
        ...plugin(user, "app"),
        ...bound,
        invokes: [find, { plugin: "search", operation: "item" }],
        egress: { allowedHosts: ["localhost"] },
        config: { apiKey: SECRET },
      },
      recluse: {
        ...plugin(join(user, "../../recluse/manifest.yaml"), "app"),
        egress: { allowedHosts: ["*.example.com", `localhost:${site.port}`] },
        config: {},
      },
    },
  };
}

/** gestaltd's own driver: what it is told here, it tells the runtime provider by environment variables. */
function otlp({ address }: Collector) {
  return {
    source: "otlp",
    config: { endpoint: address, protocol: "grpc", insecure: true, logs: { exporter: "stdout" } },
  };
}
