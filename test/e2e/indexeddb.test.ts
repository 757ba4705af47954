// A real gestaltd keeps its own data, and its plugins theirs, in databases on the edge: both shapes of the config, and the data after a
// restart.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { nodeEnded, nodeOf, until, workerdsOf } from "../support/bridge-process.ts";
import { bridgesOf } from "../support/gestaltd/bridges.ts";
import { bridge, buildPlugin, stateOf, worker } from "../support/gestaltd/examples.ts";
import { type Gestaltd, type GestaltdConfig, skipGestaltd, startGestaltd } from "../support/gestaltd/gestaltd.ts";
import { invoke, invokeWell } from "../support/gestaltd/http-api.ts";
import { DATABASE_TOLD } from "./app/database-told.ts";

const DATABASES = "test/bridge-indexeddb/app";
const PLUGIN = "test/bridge-indexeddb/plugin";

describe("databases of a real gestaltd", { skip: skipGestaltd ?? false }, () => {
  let folder = "";
  let config: GestaltdConfig;
  let gestaltd: Gestaltd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gd-"));
    config = await completeConfig(folder);
    gestaltd = await startGestaltd(folder, config);
  });

  after(async () => {
    await gestaltd?.stop();
    await Promise.all([DATABASES, PLUGIN].map((project) => nodeEnded(stateOf(folder, project))));
    await rm(folder, { recursive: true, force: true });
  });

  const call = (plugin: string, operation: string, input?: JsonObject) =>
    invokeWell(gestaltd, plugin, operation, input);

  it("are one process for gestaltd, and two for each plugin, on one workerd", () => {
    const bridges = bridgesOf(gestaltd, "indexeddb");
    // Two entries, two plugins.
    assert.equal(bridges.length, 6);
    assert.equal(workerdsOf(nodeOf(stateOf(folder, DATABASES))?.pid ?? 0).length, 1);
  });

  it("keep what a plugin stores apart: by the table gestaltd adds, and by the one its entry names", async () => {
    assert.deepEqual(await call("added", "remember", { words: ["b", "a"] }), { seen: ["a", "b"] });
    assert.deepEqual(await call("named", "remember", { words: ["c"] }), { seen: ["c"] });
  });

  it("do all that gestaltd's own client asks of them", async () => {
    for (const plugin of ["added", "named"]) {
      assert.deepEqual(await call(plugin, "database"), DATABASE_TOLD);
    }
  });

  it("make /ready red while gestaltd's own cannot be opened", async () => {
    const state = stateOf(folder, DATABASES);
    const readiness = async () => {
      const response = await fetch(`${gestaltd.url}/ready`);
      return `${response.status} ${await response.text()}`;
    };
    /** Of all databases, any number of times; fails while workerd has one open. */
    const setVersion = (version: string) => {
      for (const file of globSync("**/*.sqlite", { cwd: state })) {
        const database = new DatabaseSync(join(state, file));
        try {
          const isOurs = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").get();
          if (isOurs !== undefined) database.exec(`UPDATE schema_version SET version = ${version}`);
        } finally {
          database.close();
        }
      }
    };
    assert.match(await readiness(), /^200/);
    await afterDeath(state, () => setVersion("version % 100 + 100"));
    await until(async () => /^503 .*datastore unavailable/.test(await readiness()), "it is not ready");
    await afterDeath(state, () => setVersion("version % 100"));
    await until(async () => /^200/.test(await readiness()), "it is ready again");
  });

  it("survive workerd, gestaltd and the node", async () => {
    const { pid = 0 } = nodeOf(stateOf(folder, DATABASES)) ?? {};
    for (const workerd of workerdsOf(pid)) process.kill(workerd, "SIGKILL");
    await until(async () => (await invoke(gestaltd, "added", "remember", { words: [] })).status === 200, "it is back");
    assert.deepEqual(await call("added", "remember", { words: ["d"] }), { seen: ["a", "b", "d"] });
    assert.equal(await gestaltd.stop(), 0);
    await Promise.all([DATABASES, PLUGIN].map((project) => nodeEnded(stateOf(folder, project))));
    gestaltd = await startGestaltd(folder, config);
    assert.deepEqual(await call("added", "remember", { words: [] }), { seen: ["a", "b", "d"] });
    assert.deepEqual(await call("named", "remember", { words: [] }), { seen: ["c"] });
  });
});

/** Does something to the files of workerd when it has just died. Its successor may come before, and then it dies, too. */
async function afterDeath(state: string, work: () => void): Promise<void> {
  await until(() => {
    for (const workerd of workerdsOf(nodeOf(state)?.pid ?? 0)) process.kill(workerd, "SIGKILL");
    try {
      work();
      return true;
    } catch {
      return false;
    }
  }, "its files are free");
}

async function completeConfig(folder: string): Promise<GestaltdConfig> {
  const manifest = await buildPlugin(folder, PLUGIN, "user");
  const databases = worker(folder, DATABASES);
  const source = bridge("indexeddb");
  const plugin = { source: { path: manifest }, runtime: { provider: "edge", template: "user" }, config: {} };
  return {
    providers: {
      indexeddb: {
        // Without `config:`, so that gestaltd's own addition arrives.
        main: { source, default: true, env: { GESTALT_EDGE_WORKER: JSON.stringify(databases) } },
        named: { source, config: { table: "named", worker: databases } },
      },
    },
    runtime: {
      providers: { edge: { source: bridge("runtime"), config: { workers: { user: worker(folder, PLUGIN) } } } },
    },
    plugins: { added: plugin, named: { ...plugin, indexeddb: { provider: "named" } } },
  };
}
