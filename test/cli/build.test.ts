// `gestalt-edge build` and `deploy --dry-run`: what they write is what Cloudflare and gestaltd read.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { cli, copyExample, repository, temporaryFolder, writeProject } from "./cli.ts";

const read = (...path: string[]) => readFile(join(...path), "utf8");
const readBundle = async (folder: string) =>
  (await read(folder, "worker.js")).replace(/\n\/\/# sourceMappingURL=worker\.js\.map\n$/, "");

describe("gestalt-edge build, of a plugin", () => {
  let project = "";
  let remove: () => Promise<void>;
  let built: { out: string; digest: string; size: { raw: number; gzip: number }; providers: unknown[] };
  before(async () => {
    ({ folder: project, remove } = await copyExample("search"));
    const { code, stdout, stderr } = await cli(["build", project, "--json"]);
    assert.equal(code, 0, stderr);
    built = JSON.parse(stdout);
  });
  after(() => remove());

  it("says what it built", () => {
    assert.equal(built.out, join(project, "dist"));
    assert.match(built.digest, /^sha256:[0-9a-f]{64}$/);
    const folder = join(built.out, "search");
    assert.deepEqual(built.providers, [{ name: "search", kind: "plugin", version: "1.0.0", folder }]);
  });

  it("writes a minified bundle of the size it says, whose names and source map keep a stack readable", async () => {
    const code = await readBundle(built.out);
    assert.equal(Buffer.byteLength(code), built.size.raw);
    assert.equal(gzipSync(code).byteLength, built.size.gzip);
    assert.match(code, /"findItem"|"readFeed"|"readPage"/);
    const map = JSON.parse(await read(built.out, "worker.js.map"));
    const feed = map.sources.findIndex((name: string) => name.endsWith("src/feed.ts"));
    assert.match(map.sourcesContent[feed], /export (async )?function/);
  });

  it("leaves the bundle as it is when the wrangler config says so, under the same digest", async () => {
    const file = join(project, "wrangler.toml");
    const before = await read(file);
    await writeFile(file, `minify = false\nupload_source_maps = false\n${before}`);
    const { stdout } = await cli(["build", project, "--out", "readable", "--json"]);
    await writeFile(file, before);
    const readable = JSON.parse(stdout);
    const code = await readBundle(readable.out);
    assert.equal(`sha256:${createHash("sha256").update(code).digest("hex")}`, readable.digest);
    assert.equal(readable.digest, built.digest);
    assert.ok(readable.size.gzip > 1.2 * built.size.gzip, `${readable.size.gzip} against ${built.size.gzip}`);
    assert.equal(JSON.parse(await read(readable.out, "wrangler.json")).upload_source_maps, false);
    assert.equal(JSON.parse(await read(built.out, "wrangler.json")).upload_source_maps, true);
  });

  it("writes a manifest that gestaltd can stage: everything it names is there", async () => {
    const folder = join(built.out, "search");
    assert.deepEqual((await readdir(folder)).sort(), ["catalog.yaml", "config.schema.json", "manifest.yaml"]);
    assert.deepEqual(parse(await read(folder, "manifest.yaml")), {
      kind: "plugin",
      source: "gestalt-edge.invalid/local/search/search",
      version: "1.0.0",
      displayName: "Site search",
      description: "Finds and reads what a site publishes",
      artifacts: [{ path: "catalog.yaml" }],
      entrypoint: { artifactPath: "catalog.yaml" },
      spec: { configSchemaPath: "config.schema.json" },
    });
  });

  it("writes the catalog from the operations", async () => {
    const catalog = parse(await read(built.out, "search", "catalog.yaml"));
    assert.equal(catalog.name, "search");
    assert.deepEqual(
      catalog.operations.map(({ id }: { id: string }) => id),
      ["find", "item", "page"],
    );
    const [find] = catalog.operations;
    assert.equal(find.method, "GET");
    assert.equal(find.readOnly, true);
    assert.deepEqual(find.inputSchema.required, ["query"]);
    assert.deepEqual(find.parameters, [
      { name: "query", type: "string", description: "Words to look for in title and text", required: true },
      { name: "limit", type: "integer", description: "Most items to return", default: 10 },
    ]);
    assert.deepEqual(Object.keys(find.outputSchema.properties), ["total", "items"]);
  });

  it("writes the schema of the plugin's config, without the bridge's part", async () => {
    const schema = JSON.parse(await read(built.out, "search", "config.schema.json"));
    assert.deepEqual(schema.required, ["baseUrl"]);
    assert.deepEqual(Object.keys(schema.properties), ["baseUrl", "feedPath"]);
  });

  it("takes the manifest's source from the repository of package.json", async () => {
    const file = join(project, "package.json");
    const before = await read(file);
    const repository = { type: "git", url: "git+https://github.com/Acme/Edge.git" };
    await writeFile(file, JSON.stringify({ ...JSON.parse(before), repository }));
    assert.equal((await cli(["build", project, "--out", "named"])).code, 0);
    assert.equal(parse(await read(project, "named", "search", "manifest.yaml")).source, "github.com/acme/edge/search");
    await writeFile(file, before);
  });

  it("deploys exactly the bundle, under the worker's name and digest, after a warning that keys are missing", async () => {
    const { code, stdout, stderr } = await cli(["deploy", "--dry-run", "--", "--outdir", join(project, "up")], {
      cwd: project,
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: The variable GESTALT_EDGE_JWKS is not set.*gestalt-edge keygen/);
    assert.match(stdout, /GESTALT_EDGE_NAME \("search"\)/);
    assert.match(stdout, new RegExp(`GESTALT_EDGE_DIGEST \\("${built.digest.slice(0, 20)}`));
    assert.match(stdout, /--dry-run: exiting now/);
    assert.equal(await read(project, "up", "worker.js"), await read(project, "dist", "worker.js"));
  });

  it("names the worker of an environment as wrangler does, and takes its variables into account", async () => {
    await appendFile(join(project, "wrangler.toml"), "\n[env.production.vars]\nGESTALT_EDGE_JWKS = '{\"keys\":[]}'\n");
    const { code, stdout, stderr } = await cli(["deploy", "--dry-run", "--env", "production", "--json"], {
      cwd: project,
    });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /warning: The variable GESTALT_EDGE_JWKS/);
    assert.match(stderr, /GESTALT_EDGE_NAME \("search-production"\)/);
    const { deployed, digest } = JSON.parse(stdout);
    assert.deepEqual({ deployed, digest }, { deployed: false, digest: built.digest });
  });

  it("does not deploy a worker that would refuse everything", async () => {
    // The account is never asked for: without credentials wrangler knows no secrets.
    const { code, stderr } = await cli(["deploy"], { cwd: project, env: { CI: "1" } });
    assert.equal(code, 1);
    assert.match(stderr, /error: The variable GESTALT_EDGE_JWKS is not set/);
    assert.match(stderr, /fix: Run `gestalt-edge keygen`/);
  });
});

describe("gestalt-edge build, of other kinds", () => {
  let project = "";
  let remove: () => Promise<void>;
  before(async () => {
    ({ folder: project, remove } = await copyExample("cache"));
    const { code, stderr } = await cli(["build", project]);
    assert.equal(code, 0, stderr);
  });
  after(() => remove());

  it("writes a folder per provider, with the bridge as its executable and both parts of the config in the schema", async () => {
    for (const name of ["cache", "exact"]) {
      const folder = join(project, "dist", name);
      const manifest = parse(await read(folder, "manifest.yaml"));
      assert.equal(manifest.kind, "cache");
      assert.deepEqual(manifest.entrypoint, { artifactPath: "gestalt-edge-bridge.mjs", args: ["cache"] });
      assert.equal((await stat(join(folder, "gestalt-edge-bridge.mjs"))).mode & 0o111, 0o111);
      const schema = JSON.parse(await read(folder, "config.schema.json"));
      assert.deepEqual(schema.required, ["worker"]);
      assert.ok("prefix" in schema.properties && "project" in schema.properties.worker.properties);
    }
  });

  it("keeps bindings and migrations of the project's wrangler config", async () => {
    const config = JSON.parse(await read(project, "dist", "wrangler.json"));
    assert.equal(config.main, "worker.js");
    assert.equal(config.no_bundle, true);
    assert.equal(config.kv_namespaces[0].binding, "CACHE");
    assert.deepEqual(config.migrations, [{ tag: "v1", new_sqlite_classes: ["CacheObject"] }]);
  });
});

describe("gestalt-edge build, of a worker without a host channel", () => {
  const plugin = (uses: string) =>
    'import { definePlugin, operation, serve } from "gestalt-edge";\n' +
    `const look = operation({ ${uses} handler: () => 1 });\n` +
    "export default serve({ people: definePlugin({ operations: { look } }) });\n";
  const cases: readonly (readonly [uses: string, warning: RegExp | undefined])[] = [
    [
      'uses: ["cache", "s3?"],',
      /^warning: "people" uses cache, s3 \(optional\); gestaltd would not get it started, because/m,
    ],
    ['uses: ["s3?"],', /^warning: "people" uses s3 \(optional\); it would have to do without, because/m],
    ["uses: [],", undefined],
    ["", undefined],
  ];
  it("warns of host services that its providers would not reach, and says what to add", async () => {
    const { folder, remove } = await temporaryFolder();
    try {
      await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
      for (const [uses, warning] of cases) {
        await writeProject(folder, plugin(uses));
        const { code, stdout, stderr } = await cli(["build", folder, "--json"]);
        assert.equal(code, 0, stderr);
        const { warnings } = JSON.parse(stdout);
        if (warning === undefined) assert.deepEqual([stderr, warnings], ["", []]);
        else {
          assert.match(stderr, warning);
          assert.match(stderr, /export \{ HostChannel \} from "gestalt-edge\/channel".*name = "GESTALT_EDGE_CHANNEL"/);
          assert.equal(stderr, `warning: ${warnings[0]}\n`);
        }
      }
    } finally {
      await remove();
    }
  });

  it("has nothing to warn of when there is one", async () => {
    const { folder, remove } = await copyExample("briefing");
    try {
      const { code, stderr } = await cli(["build", folder]);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stderr, /warning/);
    } finally {
      await remove();
    }
  });
});

describe("the Worker at the root of this repository", () => {
  it("deploys the ready-made providers with their bindings", async () => {
    const { folder, remove } = await temporaryFolder();
    try {
      const args = ["deploy", repository, "--dry-run", "--out", join(folder, "out")];
      const { code, stdout, stderr } = await cli(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      for (const name of ["cache-kv", "cache-durable-object", "s3-r2"])
        assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
      for (const binding of ["CACHE", "CACHE_OBJECT", "BLOBS"]) assert.match(stdout, new RegExp(`env\\.${binding} `));
      assert.match(stderr, /warning: The secret GESTALT_EDGE_PRESIGN_SECRET is not set/);
    } finally {
      await remove();
    }
  });
});

describe("gestalt-edge build, of projects with faults", () => {
  const faults: readonly (readonly [name: string, source: string, said: RegExp])[] = [
    ["a syntax error", "export default {", /index\.ts:1:\d+: /],
    ["an import that is not there", 'import "./nowhere.ts";\nexport default {};', /index\.ts:1:\d+: Could not resolve/],
    ["a worker that throws when it is loaded", 'throw new Error("on purpose");', /on purpose/],
    ["a worker that is no gestalt-edge worker", 'export default { fetch: () => new Response("hello") };', /where: /],
  ];
  for (const [name, source, said] of faults) {
    it(`exits 1 for ${name}, with its place and no stack of ours`, async () => {
      const { folder, remove } = await temporaryFolder();
      try {
        await writeProject(folder, source);
        const { code, stderr } = await cli(["build", folder]);
        assert.equal(code, 1, stderr);
        assert.match(stderr, said);
        assert.doesNotMatch(stderr, /src\/cli|dist\/lib\/cli/);
      } finally {
        await remove();
      }
    });
  }

  it("exits 1 for a folder without a wrangler file, and says what is missing", async () => {
    const { folder, remove } = await temporaryFolder();
    const { code, stderr } = await cli(["build", folder]);
    await remove();
    assert.equal(code, 1);
    assert.match(stderr, /no wrangler\.toml/);
  });
});
