// examples/indexeddb as gestaltd runs it: embedded, behind bridges of two scopes, and with all of its data after workerd has died. What
// it answers otherwise is tested beside the ready-made provider, by the same tests (describeBackends).
import assert from "node:assert/strict";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { type Database, Transaction } from "../bridge-indexeddb/database.ts";
import { atEnd, nodeOf, sharedApp, startBridgeProcess, workerdsOf } from "../support/bridge-process.ts";
import { createGrpcJsTransport } from "../support/grpc-js-transport.ts";
import { refused } from "../support/refused.ts";
import { idsOf, plain, record, typed } from "./databases.ts";

const project = join(import.meta.dirname, "../../examples/indexeddb");
const { state } = sharedApp(project);

async function open(t: TestContext, config: object): Promise<Database> {
  const bridge = await startBridgeProcess(t, "indexeddb");
  await bridge.configure({ worker: { project, state }, ...config });
  const transport = createGrpcJsTransport(`unix:${bridge.socket}`);
  atEnd(t, () => transport.close());
  return createClient(IndexedDB, transport);
}

it("examples/indexeddb keeps what it has acknowledged, and nothing else", { timeout: 60_000 }, async (t) => {
  const [system, plugin] = [await open(t, {}), await open(t, { table: "hello" })];
  const schema = { indexes: [{ name: "by_n", keyPath: ["n"], unique: true }] };
  for (const db of [system, plugin]) await db.createObjectStore({ name: "s", schema });
  await system.createObjectStore({ name: "dropped" });
  await system.deleteObjectStore({ name: "dropped" });
  const large = record("large", { n: 1n, bytes: new Uint8Array(3_000_000).fill(7) });
  await system.put({ store: "s", record: large });
  await system.put({ store: "s", record: record("removed", { n: 2n }) });
  await system.delete({ store: "s", id: "removed" });
  await system.put({ store: "s", record: record("replaced", { n: 2n }) });
  await system.put({ store: "s", record: record("replaced", { n: 3n }) });
  await plugin.put({ store: "s", record: record("of the plugin") });
  const committed = await Transaction.begin(system, ["s"]);
  await committed.put("s", "committed", 1n);
  await committed.commit();
  const left = await Transaction.begin(system, ["s"]);
  await left.put("s", "half done", 1n);

  for (const workerd of workerdsOf(nodeOf(state)?.pid ?? 0)) process.kill(workerd, "SIGKILL");
  await assert.rejects(left.commit(), refused(Code.Unavailable));
  const { records } = await system.getAll({ store: "s" });
  assert.deepEqual(idsOf(records), ["committed", "large", "replaced"]);
  assert.deepEqual(plain(records[1]), plain(large));
  const byN = { store: "s", index: "by_n", values: [typed(3)] };
  assert.equal((await system.indexGetKey(byN)).key, "replaced");
  await assert.rejects(system.put({ store: "s", record: record("x", { n: 1n }) }), refused(Code.AlreadyExists));
  await assert.rejects(system.count({ store: "dropped" }), refused(Code.NotFound));
  assert.deepEqual((await plugin.getAllKeys({ store: "s" })).keys, ["of the plugin"]);

  const bytes = new Uint8Array(4_000_000);
  const fill = async () => {
    for (let at = 0; at < 9; at++) await system.put({ store: "s", record: record(`filling ${at}`, { bytes }) });
  };
  await assert.rejects(fill(), refused(Code.ResourceExhausted, /room for/));
  await (await Transaction.begin(system, ["s"])).commit();
});
