// The bridge of kind indexeddb on an embedded worker: both shapes of its config, the worker's death, and the many processes gestaltd starts.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { parse } from "yaml";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { record } from "../indexeddb/databases.ts";
import {
  atEnd,
  type BridgeProcess,
  nodeOf,
  sharedApp,
  startBridgeProcess,
  until,
  workerdsOf,
  workingProcess,
} from "../support/bridge-process.ts";
import { createGrpcJsTransport } from "../support/grpc-js-transport.ts";
import { refused } from "../support/refused.ts";
import { Cursor, type Database, Transaction } from "./database.ts";

const project = join(import.meta.dirname, "app");
const DIST = join(import.meta.dirname, "../../dist/indexeddb");

const { state } = sharedApp(project);

function databaseOf(t: TestContext, { socket }: BridgeProcess): Database {
  const transport = createGrpcJsTransport(`unix:${socket}`);
  atEnd(t, () => transport.close());
  return createClient(IndexedDB, transport);
}

/** What gestaltd passes in place of a config that was left out. */
function description(added: JsonObject, env: JsonObject = {}): JsonObject {
  const source = { path: "/srv/indexeddb/manifest.yaml" };
  return { name: "indexeddb", source, command: "/x", args: ["indexeddb"], env, manifestPath: "/y", ...added };
}

async function configured(t: TestContext, table: string): Promise<{ bridge: BridgeProcess; db: Database }> {
  const bridge = await startBridgeProcess(t, "indexeddb", { name: "main" });
  await bridge.configure({ table, worker: { project, state } });
  return { bridge, db: databaseOf(t, bridge) };
}

describe("the bridge of kind indexeddb", () => {
  it("has a source that gestaltd scopes by, and a schema that lets config be left out", () => {
    const manifest = parse(readFileSync(join(DIST, "manifest.yaml"), "utf8"));
    assert.equal(manifest.kind, "indexeddb");
    assert.match(manifest.source, /\/indexeddb\/dynamodb$/);
    const schema = JSON.parse(readFileSync(join(DIST, "config.schema.json"), "utf8"));
    assert.deepEqual(schema.required ?? [], []);
    assert.ok(schema.properties.worker);
    const cache = JSON.parse(readFileSync(join(DIST, "../cache/config.schema.json"), "utf8"));
    assert.deepEqual(cache.required, ["worker"]);
  });

  it("keeps tables apart, whichever way their names come", async (t) => {
    const env = {
      GESTALT_EDGE_WORKER: JSON.stringify({ project, state }),
      GESTALT_EDGE_CONFIG: JSON.stringify({ name: "apart" }),
    };
    const open = async (config: JsonObject | undefined) => {
      const bridge = await startBridgeProcess(t, "indexeddb", { name: "indexeddb", env });
      await bridge.configure(config);
      assert.deepEqual(await bridge.call(ProviderLifecycle.method.healthCheck, {}).then(({ ready }) => ready), true);
      const db = databaseOf(t, bridge);
      await db.createObjectStore({ name: "users" });
      return db;
    };
    const system = await open(description({}, { SECRET: "s" }));
    const plugin = await open(description({ table: "hello" }));
    const configured = await open({ name: "apart", table: "hello", worker: { project, state } });
    await system.put({ store: "users", record: record("of the system") });
    await plugin.put({ store: "users", record: record("of the plugin") });
    const keys = async (db: Database) => (await db.getAllKeys({ store: "users" })).keys;
    assert.deepEqual(await keys(system), ["of the system"]);
    assert.deepEqual(await keys(plugin), ["of the plugin"]);
    assert.deepEqual(await keys(configured), ["of the plugin"]);
  });

  it("says what is missing, and quotes nothing", async (t) => {
    const missing = await startBridgeProcess(t, "indexeddb");
    const secret = description({}, { KEY: "a secret" });
    await assert.rejects(missing.configure(secret), /worker: is missing; .* GESTALT_EDGE_WORKER under env/);
    const env = { GESTALT_EDGE_WORKER: '{"key": "a secret"' };
    const malformed = await startBridgeProcess(t, "indexeddb", { env });
    await assert.rejects(malformed.configure(secret), /GESTALT_EDGE_WORKER must hold a JSON object/);
    for (const { stderr } of [missing, malformed]) assert.doesNotMatch(stderr(), /a secret/);
  });

  it("ends a transaction UNAVAILABLE when workerd dies, and goes on with the next", async (t) => {
    const { db } = await configured(t, "dying");
    await db.createObjectStore({ name: "s" });
    const transaction = await Transaction.begin(db, ["s"]);
    await transaction.put("s", "x", 1n);
    const cursor = await Cursor.open(db, "s");
    const [workerd = 0] = workerdsOf(nodeOf(state)?.pid ?? 0);
    process.kill(workerd, "SIGKILL");
    await assert.rejects(cursor.next(), refused(Code.Unavailable));
    await assert.rejects(transaction.put("s", "y", 1n), refused(Code.Unavailable));
    const next = await Transaction.begin(db, ["s"]);
    await next.put("s", "z", 1n);
    await next.commit();
    assert.deepEqual((await db.getAllKeys({ store: "s" })).keys, ["z"]);
  });

  it("loses its streams with its working process, and none of its data", async (t) => {
    const { bridge, db } = await configured(t, "crashing");
    await db.createObjectStore({ name: "s" });
    const transaction = await Transaction.begin(db, ["s"]);
    await transaction.put("s", "x", 1n);
    const working = await workingProcess(bridge);
    process.kill(working, "SIGKILL");
    await assert.rejects(transaction.put("s", "y", 1n), refused(Code.Unavailable));
    await workingProcess(bridge, working);
    // The object has noticed, and lets the next one begin.
    const next = await Transaction.begin(databaseOf(t, bridge), ["s"]);
    await next.put("s", "z", 1n);
    await next.commit();
    assert.deepEqual((await db.getAllKeys({ store: "s" })).keys, ["z"]);
  });

  it("shares one node among all processes that gestaltd starts", async (t) => {
    const count = 5;
    const bridges = await Promise.all(Array.from({ length: count }, (_, at) => configured(t, `plugin-${at}`)));
    assert.equal(workerdsOf(nodeOf(state)?.pid ?? 0).length, 1);
    await Promise.all(
      bridges.map(async ({ db }, at) => {
        await db.createObjectStore({ name: "s" });
        await db.put({ store: "s", record: record(`of ${at}`) });
        assert.deepEqual((await db.getAllKeys({ store: "s" })).keys, [`of ${at}`]);
      }),
    );
  });

  it("leaves no socket open behind many streams", async (t) => {
    const { bridge, db } = await configured(t, "leaks");
    await db.createObjectStore({ name: "s" });
    const working = await workingProcess(bridge);
    await Promise.all(Array.from({ length: 40 }, () => run(db)));
    // Up to so many connections stay for the next call; those of streams are not among them.
    const before = socketsOf(working);
    for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 40 }, () => run(db)));
    await until(() => socketsOf(working) <= before, "the sockets of streams are closed");
  });
});

async function run(db: Database): Promise<void> {
  const cursor = await Cursor.open(db, "s");
  const transaction = await Transaction.begin(db, ["s"]);
  await transaction.abort();
  cursor.steps.cancel();
}

/** Sockets that a process holds. */
function socketsOf(pid: number): number {
  const names = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return names.filter((name) => name.startsWith("socket:")).length;
}
