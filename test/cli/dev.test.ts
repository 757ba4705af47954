// `gestalt-edge dev` and `invoke`: a project served, called, changed, broken, mended and ended, as its author would.
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Miniflare } from "miniflare";
import { parse } from "yaml";
import { type Site, startSite } from "../../scripts/demo/site.ts";
import { cli, copyExample, type Running, repository, startCli, temporaryFolder, writeProject } from "./cli.ts";

describe("gestalt-edge dev and invoke", () => {
  let project = "";
  let remove: () => Promise<void>;
  let site: Site;
  let dev: Running;
  let origin = "";
  const event = async (type: string) => JSON.parse(await dev.line(new RegExp(`^\\{"event":"${type}"`)));
  const invoke = (operation: string, input: string, ...more: string[]) =>
    cli([
      "invoke",
      operation,
      input,
      "--project",
      project,
      "--config",
      JSON.stringify({ baseUrl: site.origin }),
      ...more,
    ]);

  before(async () => {
    site = await startSite();
    ({ folder: project, remove } = await copyExample("search"));
    dev = startCli(["dev", project, "--json"]);
  });
  after(async () => {
    dev.child.kill("SIGKILL");
    await dev.finished;
    await site.close();
    await remove();
  });

  it("says where it listens and what it serves", async () => {
    const ready = await event("ready");
    origin = ready.origin;
    assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(ready.providers, [{ name: "search", kind: "plugin" }]);
    assert.equal((await fetch(`${origin}/healthz`)).status, 200);
    assert.equal((await fetch(`${origin}/gestalt.provider.v1.IntegrationProvider/Execute`)).status, 401);
  });

  it("invokes an operation on the worker that dev runs, which shows the call", async () => {
    const { code, stdout, stderr } = await invoke("search.find", '{"query":"pier","limit":1}');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^status 200, /);
    const { total, items } = JSON.parse(stdout);
    assert.deepEqual([total, items.length, items[0].title], [3, 1, "Summer regatta"]);
    const call = JSON.parse(await dev.line(/"event":"call".*"call":"find"/));
    assert.deepEqual([call.provider, call.status], ["search", 200]);
  });

  it("takes the input from a file and from stdin, and tells the same with --json", async () => {
    const file = join(project, "input.json");
    await writeFile(file, '{"path":"/"}');
    const fromFile = await invoke("search.page", `@${file}`, "--json");
    const { status, body } = JSON.parse(fromFile.stdout);
    assert.deepEqual([status, body.title], [200, "Harbour notes"]);
    const args = ["invoke", "search.page", "-", "--project", project, "--config", `{"baseUrl":"${site.origin}"}`];
    const fromStdin = await cli([...args, "--json"], { input: '{"path":"/"}' });
    assert.deepEqual(JSON.parse(fromStdin.stdout).body, body);
  });

  it("exits 1 for statuses from 400, and prints the body all the same", async () => {
    const missing = await invoke("search.item", '{"id":"99"}', "--json");
    assert.equal(missing.code, 1);
    assert.deepEqual(JSON.parse(missing.stdout).status, 404);
    const bad = await invoke("search.find", '{"query":"x"}', "--json");
    assert.equal(bad.code, 1);
    const { status, body } = JSON.parse(bad.stdout);
    assert.equal(status, 400);
    assert.match(body.error, /query/);
  });

  it("names the operations there are when one is not, and the fault of input that is no object", async () => {
    const unknown = await invoke("search.fly", "{}");
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /"search" has no operation "fly"\n\s+fix: Its operations: find, item, page/);
    for (const input of ["[1]", "{", "@nowhere.json"]) {
      const { code, stderr } = await invoke("search.find", input);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /fix: /);
    }
  });

  it("says what is wrong with a provider's name or config", async () => {
    const name = await invoke("serach.find", "{}");
    assert.equal(name.code, 1);
    assert.match(name.stderr, /provider that this worker does not serve/);
    const config = await cli([
      "invoke",
      "search.find",
      "{}",
      "--project",
      project,
      "--config",
      '{"baseUrl":"ftp://x"}',
    ]);
    assert.equal(config.code, 1);
    assert.match(config.stderr, /baseUrl/);
  });

  it("reloads when a source changes; an error in it is shown, and the old worker runs on", async () => {
    const file = join(project, "src/search.ts");
    const source = await readFile(file, "utf8");
    await writeFile(file, source.replace('id: "page"', 'id: "summary"'));
    await event("reloaded");
    assert.equal((await invoke("search.summary", '{"path":"/"}')).code, 0);
    await writeFile(file, `${source}\nconst = 1;\n`);
    const { message } = await event("failed");
    assert.match(message, /src\/search\.ts:\d+:\d+: /);
    assert.equal((await invoke("search.summary", '{"path":"/"}')).code, 0);
    await writeFile(file, source);
    await event("reloaded");
    assert.equal((await invoke("search.page", '{"path":"/"}')).code, 0);
  });

  it("watches what a failed reload had got to: a new file with an error, and one that is not there yet", async () => {
    const file = join(project, "src/index.ts");
    const source = await readFile(file, "utf8");
    const added = join(project, "src/added.ts");
    await writeFile(added, "export const = 1;");
    await writeFile(file, `import "./added.ts";\n${source}`);
    assert.match((await event("failed")).message, /src\/added\.ts:1:\d+: /);
    await writeFile(added, "export const one = 1;");
    await event("reloaded");
    await writeFile(file, `import "./later/more.js";\n${source}`);
    assert.match((await event("failed")).message, /Could not resolve "\.\/later\/more\.js"/);
    await mkdir(join(project, "src/later"));
    await event("failed");
    await writeFile(join(project, "src/later/more.ts"), "export const two = 2;");
    await event("reloaded");
    await writeFile(file, source);
    await event("reloaded");
  });

  it("refuses a second dev on the same project", async () => {
    const { code, stderr } = await cli(["dev", project]);
    assert.equal(code, 1);
    assert.match(stderr, /already runs/);
  });

  it("ends on SIGINT with 0, and its worker with it", async () => {
    dev.child.kill("SIGINT");
    assert.equal((await dev.finished).code, 0);
    await assert.rejects(fetch(`${origin}/healthz`));
  });

  it("invokes without a running dev, on a worker of its own", async () => {
    const { code, stderr } = await invoke("search.page", "{}");
    assert.equal(code, 0, stderr);
  });
});

describe("gestalt-edge dev, for people", () => {
  const plugin =
    'import { definePlugin, operation, serve } from "gestalt-edge";\n' +
    'const look = operation({ uses: ["cache"], handler: () => 1 });\n' +
    "export default serve({ people: definePlugin({ operations: { look } }) });\n";

  it("prints config that gestaltd can be given, waits out a broken project, warns, and ends on SIGTERM", async () => {
    const { folder, remove } = await copyExample("cache");
    const file = join(folder, "src/index.ts");
    const source = await readFile(file, "utf8");
    await writeFile(file, "export default serve({");
    const dev = startCli(["dev", folder]);
    try {
      await dev.line(/error .*src\/index\.ts:1:\d+: /);
      await dev.line(/waiting for a change/);
      await writeFile(file, `import "./later.ts";\n${source}`);
      await dev.line(/Could not resolve "\.\/later\.ts"/);
      await writeFile(join(folder, "src/later.ts"), "export const later = true;");
      await dev.line(/^ {2}listening {2}http:\/\/127\.0\.0\.1:\d+$/);
      await dev.line(/provider: exact/);
      await writeFile(file, `export { CacheObject } from "gestalt-edge/providers/cache-durable-object";\n${plugin}`);
      await dev.line(/reloaded/);
      await dev.line(/warning "people" uses cache; .* this worker has no host channel .* export \{ HostChannel \}/);
      dev.child.kill("SIGTERM");
      const { code, stdout } = await dev.finished;
      assert.equal(code, 0);
      const config = parse(stdout.slice(stdout.indexOf("    providers:")).replace(/^\d\d:.*$/gm, ""));
      assert.deepEqual(config.providers.cache.exact.config, { worker: { project: folder, provider: "exact" } });
    } finally {
      dev.child.kill("SIGKILL");
      await dev.finished;
      await remove();
    }
  });
});

describe("gestalt-edge invoke, of a plugin that logs", () => {
  it("shows what it logs on stderr, without secrets of its config, and its own session's only", async () => {
    const { folder, remove } = await temporaryFolder();
    await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
    await writeProject(folder, LOGGING);
    const file = join(folder, "wrangler.toml");
    await writeFile(file, (await readFile(file, "utf8")).replace('"enable_request_signal"', '$&, "nodejs_als"'));
    const args = ["--project", folder, "--config", '{"apiKey":"the key to it all"}'];
    try {
      const told = await cli(["invoke", "people.look", '{"fails":false}', ...args]);
      assert.equal(told.code, 0, told.stderr);
      assert.match(told.stderr, /^info {2}looking \{"with":"\[redacted\]"\}\non the console\nstatus 200, .*\n$/);
      assert.equal(told.stdout, "true\n");
      const failed = await cli(["invoke", "people.look", '{"fails":true}', ...args, "--json"]);
      assert.equal(failed.code, 1);
      const events = failed.stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        events.map(({ event, level, stream }) => [event, level ?? stream]),
        [
          ["log", "info"],
          ["log", "stderr"],
          ["log", "error"],
        ],
      );
      assert.match(JSON.stringify(events[2]), /no luck/);
      assert.equal(JSON.parse(failed.stdout).status, 500);
    } finally {
      await remove();
    }
  });
});

/** Also prints when it is loaded, which is of no session. */
const LOGGING = `
import { definePlugin, operation, serve } from "gestalt-edge";
import * as z from "zod";
console.log("loaded");
const look = operation({
  input: z.object({ fails: z.boolean() }),
  handler: ({ fails }, { log, config }) => {
    log.info("looking", { with: config.apiKey });
    console.warn("on the console");
    if (fails) throw new Error("no luck");
    return true;
  },
});
export default serve({ people: definePlugin({ operations: { look } }) });
`;

describe("gestalt-edge invoke, on a deployed worker", () => {
  it("is let in with the key that keygen made, and not with another", async () => {
    const site = await startSite();
    const { folder, remove } = await copyExample("search");
    const { jwks, file } = JSON.parse((await cli(["keygen", "--json"], { cwd: folder })).stdout);
    assert.equal((await cli(["build", folder])).code, 0);
    const miniflare = new Miniflare({
      modules: [
        { type: "ESModule", path: "worker.js", contents: await readFile(join(folder, "dist/worker.js"), "utf8") },
      ],
      compatibilityDate: "2026-07-01",
      compatibilityFlags: ["enable_request_signal"],
      bindings: { GESTALT_EDGE_NAME: "search", GESTALT_EDGE_JWKS: JSON.stringify(jwks) },
    });
    try {
      const url = (await miniflare.ready).origin;
      const args = ["invoke", "search.find", '{"query":"pier"}', "--url", url, "--name", "search"];
      const config = ["--config", JSON.stringify({ baseUrl: site.origin }), "--json"];
      const let_in = await cli([...args, "--key", file, ...config]);
      assert.equal(JSON.parse(let_in.stdout).body.total, 3, let_in.stderr);
      const other = JSON.parse((await cli(["keygen", "--json", "-o", "other.key"], { cwd: folder })).stdout).file;
      const refused = await cli([...args, "--key", other, ...config]);
      assert.equal(refused.code, 1);
      assert.match(JSON.parse(refused.stderr).error.what, /key this worker does not trust/);
      const misnamed = await cli([...args.slice(0, -1), "sreach", "--key", file, ...config]);
      assert.match(JSON.parse(misnamed.stderr).error.what, /for another worker than "search"/);
      assert.match(JSON.parse(misnamed.stderr).error.fix, /GESTALT_EDGE_NAME/);
    } finally {
      await miniflare.dispose();
      await site.close();
      await remove();
    }
  });
});
