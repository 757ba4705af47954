// Cursors and transactions as gestaltd has them: gRPC to the built bridge, a WebSocket to a worker in workerd.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { type Databases, record, startDatabases } from "../indexeddb/databases.ts";
import { type BridgedClients, GRPC_CLIENTS, startBridgedClients } from "../support/bridged-clients.ts";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { Cursor, type Database, Transaction } from "./database.ts";

for (const library of GRPC_CLIENTS) {
  describe(`IndexedDB through the bridge, by ${library}`, () => {
    let databases: Databases;
    let bridged: BridgedClients;
    let db: Database;
    before(async () => {
      databases = await startDatabases();
      bridged = await startBridgedClients(databases.worker, "indexeddb", library);
      db = bridged.client(IndexedDB, "objects", { name: `bridged by ${library}` });
      await db.createObjectStore({ name: "s" });
    });
    after(async () => {
      await bridged?.stop();
      await databases?.stop();
    });
    const ids = async () => (await db.getAllKeys({ store: "s" })).keys;

    it("walks a cursor in lock-step, to its end and on", async () => {
      for (const id of ["a", "b", "c"]) await db.put({ store: "s", record: record(id) });
      const cursor = await Cursor.open(db, "s");
      for (const expected of ["a", "b", "c", undefined, undefined]) assert.equal(await cursor.next(), expected);
      await cursor.steps.end();
      await assert.rejects(Cursor.open(db, "none"), refused(Code.NotFound, /^datastore: not found/));
      await db.clear({ store: "s" });
    });

    it("commits, aborts, and undoes what failed", async () => {
      const committed = await Transaction.begin(db, ["s"]);
      await committed.put("s", "kept", 1n);
      await committed.commit();
      const aborted = await Transaction.begin(db, ["s"]);
      await aborted.put("s", "aborted", 1n);
      await aborted.abort();
      const failed = await Transaction.begin(db, ["s"]);
      await failed.put("s", "failed", 1n);
      const add = failed.operate({ case: "add", value: { store: "s", record: record("kept") } });
      await assert.rejects(add, refused(Code.AlreadyExists, /^datastore: already exists/));
      assert.equal((await failed.steps.receive())?.msg.case, "abort");
      assert.equal(await failed.steps.receive(), undefined);
      assert.deepEqual(await ids(), ["kept"]);
      await db.clear({ store: "s" });
    });

    it("rolls back when its caller goes, ends its side, or lets its deadline pass", async () => {
      const gone = await Transaction.begin(db, ["s"]);
      await gone.put("s", "x", 1n);
      gone.steps.cancel();
      const ended = await Transaction.begin(db, ["s"]);
      await ended.put("s", "x", 1n);
      await ended.steps.end();
      const late = await Transaction.begin(db, ["s"], 1_000);
      await late.put("s", "x", 1n);
      await assert.rejects(late.steps.receive(), refused(Code.DeadlineExceeded));
      const last = await Transaction.begin(db, ["s"]);
      assert.deepEqual(await last.operate({ case: "getAllKeys", value: { store: "s" } }).then(keysOf), []);
      await last.commit();
    });

    it("tells a caller that was silent for too long, when it speaks again", async () => {
      const impatient = bridged.client(IndexedDB, "impatient", { name: `bridged by ${library}` });
      const transaction = await Transaction.begin(impatient, ["s"]);
      await transaction.put("s", "x", 1n);
      // Others have their turn as soon as it is undone.
      await (await Transaction.begin(db, ["s"])).commit();
      await assert.rejects(transaction.put("s", "y", 1n), refused(Code.Aborted, /was rolled back/));
      assert.deepEqual(await ids(), []);
    });

    it("carries 4 MiB, and refuses more", async () => {
      const large = (bytes: number) => record("large", { bytes: new Uint8Array(bytes) });
      const transaction = await Transaction.begin(db, ["s"]);
      const put = (bytes: number) => transaction.operate({ case: "put", value: { store: "s", record: large(bytes) } });
      await put(4 * 1024 * 1024 - 100);
      const read = await transaction.operate({ case: "get", value: { store: "s", id: "large" } });
      assert.equal(read.case, "record");
      await assert.rejects(put(4 * 1024 * 1024), refused(Code.ResourceExhausted));
      await eventually(async () => assert.deepEqual(await ids(), []));
    });

    it("runs fifty transactions that want the same record, one after the other", async () => {
      await db.put({ store: "s", record: record("n", { value: 0n }) });
      const increment = async () => {
        const transaction = await Transaction.begin(db, ["s"]);
        const result = await transaction.operate({ case: "get", value: { store: "s", id: "n" } });
        const kind = result.case === "record" ? result.value.record?.fields.value?.kind : undefined;
        await transaction.put("s", "n", (kind?.case === "intValue" ? kind.value : -1n) + 1n);
        await transaction.commit();
      };
      await Promise.all(Array.from({ length: 50 }, increment));
      const { record: last } = await db.get({ store: "s", id: "n" });
      assert.equal(last?.fields.value?.kind.value, 50n);
    });

    it("fails the health check, which is all that gestaltd looks at, when its object cannot be used", async () => {
      const healthOf = (name: string) => bridged.client(ProviderLifecycle, "objects", { name }).healthCheck({});
      assert.equal((await healthOf(`bridged by ${library}`)).ready, true);
      await assert.rejects(healthOf("of the future"), refused(Code.Unavailable, /health check failed.*worker's log/));
    });

    it("is lost with the object behind it, and goes on with a new one", async () => {
      const transaction = await Transaction.begin(db, ["s"]);
      await transaction.put("s", "x", 1n);
      await databases.control("fail", `bridged by ${library}`);
      await assert.rejects(transaction.put("s", "y", 1n));
      const next = await Transaction.begin(db, ["s"]);
      await next.commit();
      assert.deepEqual(await ids(), ["n"]);
    });
  });
}

function keysOf(result: Awaited<ReturnType<Transaction["operate"]>>): readonly string[] | undefined {
  return result.case === "keys" ? result.value.keys : undefined;
}
