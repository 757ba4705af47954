// Transactions: all or nothing, in turn, and rolled back by whatever ends them.
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { describeBackends, idsOf, plain, record, typed, type Value } from "./databases.ts";
import { TransactionClient } from "./stream-client.ts";

/** Whether it is still waiting after something else has had its turn. */
const isPending = async (promise: Promise<unknown>, meanwhile: Promise<unknown>) => {
  const pending = Symbol();
  await meanwhile;
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

describeBackends(
  "transactions",
  (on) => {
    before(async () => {
      const indexes = [
        { name: "by_n", keyPath: ["n"] },
        { name: "by_mail", keyPath: ["mail"], unique: true },
      ];
      for (const name of ["s", "t"]) await on.db.client.createObjectStore({ name, schema: { indexes } });
    });
    const reset = async () => {
      for (const store of ["s", "t"]) await on.db.client.clear({ store });
      for (const [at, id] of ["a", "b", "c", "d"].entries()) {
        await on.db.client.put({ store: "s", record: record(id, { n: BigInt(at), mail: id }) });
      }
    };
    const ids = async (store = "s") => (await on.db.client.getAllKeys({ store })).keys.join("");
    const put = (transaction: TransactionClient, id: string, fields: Record<string, Value> = {}, store = "s") =>
      transaction.operate({ case: "put", value: { store, record: record(id, fields) } });

    it("shows its writes to itself alone, until it commits", async () => {
      await reset();
      const transaction = await on.db.begin(["s", "t"]);
      await put(transaction, "e", { n: 9n, mail: "e" });
      await put(transaction, "b", { n: 7n });
      await put(transaction, "x", {}, "t");
      await transaction.operate({ case: "delete", value: { store: "s", id: "c" } });
      const all = await transaction.operate({ case: "getAll", value: { store: "s" } });
      assert.deepEqual(all.case === "records" && idsOf(all.value.records), ["a", "b", "d", "e"]);
      const keys = await transaction.operate({ case: "indexGetAllKeys", value: { store: "s", index: "by_n" } });
      assert.deepEqual(keys.case === "keys" && keys.value.keys, ["a", "d", "b", "e"]);
      const range = { lower: typed("b"), upper: typed("d") };
      const counted = await transaction.operate({ case: "count", value: { store: "s", range } });
      assert.equal(counted.case === "count" && counted.value.count, 2n);
      const byIndex = await transaction.operate({ case: "indexCount", value: { store: "s", index: "by_mail" } });
      assert.equal(byIndex.case === "count" && byIndex.value.count, 3n);
      const got = await transaction.operate({ case: "get", value: { store: "s", id: "b" } });
      assert.deepEqual(got.case === "record" && plain(got.value.record), plain(record("b", { n: 7n })));
      assert.equal(await ids(), "abcd", "nobody else sees it");
      await transaction.commit();
      assert.equal(await ids(), "abde");
      assert.equal(await ids("t"), "x");
      const { keys: committed } = await on.db.client.indexGetAllKeys({ store: "s", index: "by_n" });
      assert.deepEqual(committed, ["a", "d", "b", "e"]);
    });

    it("has all sixteen operations", async () => {
      await reset();
      const transaction = await on.db.begin(["s"]);
      const operate = async (operation: Parameters<TransactionClient["operate"]>[0]) => {
        const { case: kind, value } = await transaction.operate(operation);
        return [kind, JSON.stringify(value, (_, each) => (typeof each === "bigint" ? Number(each) : each))];
      };
      const query = { store: "s", index: "by_n", values: [typed(0n)] };
      const range = { lower: typed("b"), upper: typed("c") };
      assert.equal((await operate({ case: "add", value: { store: "s", record: record("e", { n: 0n }) } }))[0], "empty");
      assert.equal((await operate({ case: "put", value: { store: "s", record: record("f") } }))[0], "empty");
      assert.equal((await operate({ case: "get", value: { store: "s", id: "e" } }))[0], "record");
      assert.match((await operate({ case: "getKey", value: { store: "s", id: "e" } }))[1] ?? "", /"key":"e"/);
      assert.match((await operate({ case: "getAllKeys", value: { store: "s", range } }))[1] ?? "", /\["b","c"\]/);
      assert.equal((await operate({ case: "indexGet", value: query }))[0], "record");
      assert.match((await operate({ case: "indexGetKey", value: query }))[1] ?? "", /"key":"a"/);
      assert.match((await operate({ case: "indexGetAllKeys", value: query }))[1] ?? "", /\["a","e"\]/);
      assert.equal((await operate({ case: "indexGetAll", value: query }))[0], "records");
      assert.match((await operate({ case: "indexCount", value: query }))[1] ?? "", /"count":2/);
      assert.match((await operate({ case: "indexDelete", value: query }))[1] ?? "", /"deleted":2/);
      assert.match((await operate({ case: "deleteRange", value: { store: "s", range } }))[1] ?? "", /"deleted":2/);
      assert.equal((await operate({ case: "delete", value: { store: "s", id: "none" } }))[0], "empty");
      assert.match((await operate({ case: "count", value: { store: "s" } }))[1] ?? "", /"count":2/);
      assert.equal((await operate({ case: "clear", value: { store: "s" } }))[0], "empty");
      assert.match((await operate({ case: "getAll", value: { store: "s" } }))[1] ?? "", /"records":\[\]/);
      await put(transaction, "z");
      await transaction.commit();
      assert.equal(await ids(), "z");
    });

    it("forgets everything when it is aborted", async () => {
      await reset();
      const transaction = await on.db.begin(["s"]);
      await transaction.operate({ case: "clear", value: { store: "s" } });
      await put(transaction, "x");
      await transaction.abort();
      assert.equal(await ids(), "abcd");
    });

    it("is rolled back by an operation that fails", async () => {
      for (const [failing, code, text] of [
        [{ case: "get", value: { store: "s", id: "none" } }, Code.NotFound, /^datastore: not found$/],
        [
          { case: "add", value: { store: "s", record: record("a") } },
          Code.AlreadyExists,
          /^datastore: already exists$/,
        ],
        [
          { case: "put", value: { store: "s", record: record("y", { mail: "a" }) } },
          Code.AlreadyExists,
          /already exists/,
        ],
        [{ case: "add", value: { store: "s", record: record("new") } }, Code.AlreadyExists, /already exists/],
        [{ case: "deleteRange", value: { store: "s" } }, Code.InvalidArgument, /range is required/],
        [{ case: "get", value: { store: "t", id: "a" } }, Code.InvalidArgument, /datastore: invalid transaction/],
        [{ case: "indexGet", value: { store: "s", index: "none" } }, Code.NotFound, /^datastore: not found/],
        [{ case: "put", value: { store: "s" } }, Code.InvalidArgument, /no record/],
      ] as const) {
        await reset();
        const transaction = await on.db.begin(["s"]);
        await put(transaction, "new");
        await assert.rejects(transaction.operate(failing as never), refused(code, text));
        const undone = await transaction.stream.receive();
        assert.equal(undone?.msg.case, "abort");
        assert.equal(await transaction.stream.receive(), undefined, "and the stream ends well");
        assert.equal(await ids(), "abcd");
      }
    });

    it("reads in readonly transactions, and refuses to write", async () => {
      await reset();
      const transaction = await on.db.begin(["s"], "readonly");
      const counted = await transaction.operate({ case: "count", value: { store: "s" } });
      assert.equal(counted.case === "count" && counted.value.count, 4n);
      await transaction.commit();
      for (const write of [
        { case: "put", value: { store: "s", record: record("x") } },
        { case: "clear", value: { store: "s" } },
        { case: "indexDelete", value: { store: "s", index: "by_n", values: [] } },
      ] as const) {
        const refusing = await on.db.begin(["s"], "readonly");
        const text = /^datastore: transaction is readonly$/;
        await assert.rejects(refusing.operate(write as never), refused(Code.FailedPrecondition, text));
      }
      assert.equal(await ids(), "abcd");
    });

    it("lets a readonly one see one state, whatever is written meanwhile", async () => {
      await reset();
      const reading = await on.db.begin(["s"], "readonly");
      await on.db.client.put({ store: "s", record: record("e", { n: 1n }) });
      const writing = await on.db.begin(["s"]);
      await writing.operate({ case: "clear", value: { store: "s" } });
      await put(writing, "z");
      await writing.commit();
      const keys = await reading.operate({ case: "getAllKeys", value: { store: "s" } });
      assert.deepEqual(keys.case === "keys" && keys.value.keys, ["a", "b", "c", "d"]);
      const found = await reading.operate({ case: "indexGetAllKeys", value: { store: "s", index: "by_n" } });
      assert.deepEqual(found.case === "keys" && found.value.keys, ["a", "b", "c", "d"]);
      await reading.commit();
      assert.equal(await ids(), "z");
    });

    it("takes turns where stores overlap, in the order they came", async () => {
      await reset();
      const first = await on.db.begin(["s", "t"]);
      const order: string[] = [];
      const connected = [];
      for (const name of ["second", "third", "reader", "fourth"]) {
        const transaction = await TransactionClient.connect(on.databases.worker, on.db.claims);
        const begun = transaction.begin(
          name === "fourth" ? ["s", "t"] : ["s"],
          name === "reader" ? "readonly" : "readwrite",
        );
        connected.push({ name, transaction, begun: begun.then(() => void order.push(name)) });
        // The worker has it once it answers the ping that was sent behind it.
        transaction.stream.sendText("ping");
        await eventually(async () => assert.deepEqual(transaction.stream.texts, ["pong"]));
      }
      const unary = on.db.client.put({ store: "s", record: record("u") }).then(() => void order.push("unary"));
      assert.ok(await isPending(Promise.race([unary, ...connected.map(({ begun }) => begun)]), ids()));
      await put(first, "1");
      await first.commit();
      for (const { name, transaction, begun } of connected) {
        await begun;
        if (name === "reader") {
          const keys = await transaction.operate({ case: "getAllKeys", value: { store: "s" } });
          assert.deepEqual(keys.case === "keys" && keys.value.keys, ["1", "a", "b", "c", "d", "second", "third"]);
        } else await put(transaction, name);
        await transaction.commit();
      }
      await unary;
      // The reader keeps nobody out: it and the fourth begin together.
      const writers = order.filter((name) => name !== "reader");
      assert.deepEqual(writers, ["second", "third", "fourth", "unary"]);
      assert.ok(order.indexOf("reader") > order.indexOf("third"));
    });

    it("runs at once where stores do not overlap, and reads do not wait", async () => {
      await reset();
      const one = await on.db.begin(["s"]);
      const other = await on.db.begin(["t"]);
      await put(one, "1");
      await put(other, "2", {}, "t");
      await on.db.client.createObjectStore({ name: "third" });
      await on.db.client.put({ store: "third", record: record("3") });
      assert.equal(await ids(), "abcd");
      await other.commit();
      await one.commit();
      assert.equal(await ids(), "1abcd");
    });

    it("is rolled back when the connection is lost or its caller's side ends", async () => {
      await reset();
      for (const leave of ["close", "half-close"]) {
        const transaction = await on.db.begin(["s"]);
        await put(transaction, "x");
        if (leave === "close") transaction.stream.close();
        else {
          transaction.stream.sendText("half-close");
          assert.equal(await transaction.stream.receive(), undefined);
        }
        const next = await on.db.begin(["s"]);
        await next.commit();
        assert.equal(await ids(), "abcd");
      }
    });

    it("gives up its place when its caller does not wait", async () => {
      const first = await on.db.begin(["s"]);
      const waiting = await TransactionClient.connect(on.databases.worker, on.db.claims);
      const begun = waiting.begin(["s"]).catch((error: unknown) => error);
      waiting.stream.sendText("ping");
      await eventually(async () => assert.deepEqual(waiting.stream.texts, ["pong"]));
      waiting.stream.close();
      await begun;
      const third = on.db.begin(["s"]);
      await first.commit();
      await (await third).commit();
    });

    it("refuses what is no beginning, and words that are none", async () => {
      for (const [stores, code, text] of [
        [[], Code.InvalidArgument, /^datastore: invalid transaction/],
        [["none"], Code.NotFound, /^datastore: not found/],
        [["s", "none"], Code.NotFound, /^datastore: not found/],
        [[""], Code.InvalidArgument, /empty/],
        [Array.from({ length: 300 }, (_, at) => `s${at}`), Code.InvalidArgument, /^datastore: invalid transaction/],
      ] as const) {
        await assert.rejects(on.db.begin([...stores]), refused(code, text));
      }
      const mode = await TransactionClient.connect(on.databases.worker, on.db.claims);
      mode.stream.send({ msg: { case: "begin", value: { stores: ["s"], mode: 7 as never } } });
      await assert.rejects(mode.stream.receive(), refused(Code.InvalidArgument, /^datastore: invalid transaction/));
      const early = await TransactionClient.connect(on.databases.worker, on.db.claims);
      early.stream.send({ msg: { case: "commit", value: {} } });
      await assert.rejects(early.stream.receive(), refused(Code.InvalidArgument, /first message must be Begin/));
      const twice = await on.db.begin(["s"]);
      twice.stream.send({ msg: { case: "begin", value: { stores: ["s"] } } });
      await assert.rejects(twice.stream.receive(), refused(Code.InvalidArgument, /expected transaction operation/));
      const empty = await on.db.begin(["s"]);
      await assert.rejects(
        empty.operate({ case: undefined } as never),
        refused(Code.InvalidArgument, /unknown transaction operation/),
      );
      const after = await on.db.begin(["s"]);
      await after.commit();
    });
  },
  (on) => {
    it("rolls back what lies unused, and lets the next one begin", async () => {
      const db = on.databases.database("impatient");
      await db.client.createObjectStore({ name: "s" });
      const transaction = await db.begin(["s"]);
      await transaction.operate({ case: "put", value: { store: "s", record: record("x") } });
      const next = db.begin(["s"]);
      await assert.rejects(transaction.stream.receive(), refused(Code.Aborted, /1 seconds and was rolled back/));
      await (await next).commit();
      assert.equal((await db.client.count({ store: "s" })).count, 0n);
    });

    it("is lost with its object, and leaves nothing", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: "s" });
      const transaction = await db.begin(["s"]);
      await transaction.operate({ case: "put", value: { store: "s", record: record("x") } });
      await on.databases.control("fail", db.objectName);
      await assert.rejects(transaction.commit());
      assert.equal((await db.client.count({ store: "s" })).count, 0n);
      await (await db.begin(["s"])).commit();
    });

    it("is rolled back when the worker that holds it ends or hangs", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: "s" });
      await on.databases.control("abandon", db.objectName, { store: "s", leaseMs: 60_000, hang: false });
      await (await db.begin(["s"])).commit();
      await on.databases.control("abandon", db.objectName, { store: "s", leaseMs: 200, hang: true });
      await (await db.begin(["s"])).commit();
    });

    it("refuses to grow beyond what the object has memory for", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: "s" });
      const transaction = await db.begin(["s"]);
      const bytes = new Uint8Array(3_500_000);
      const put = (id: string) =>
        transaction.operate({ case: "put", value: { store: "s", record: record(id, { bytes }) } });
      for (let at = 0; at < 3; at++) await put(String(at));
      for (let at = 0; at < 8; at++) await put("the same again");
      await assert.rejects(put("one too many"), refused(Code.ResourceExhausted, /16 MiB/));
      assert.equal((await db.client.count({ store: "s" })).count, 0n);
      const next = await db.begin(["s"]);
      await next.operate({ case: "put", value: { store: "s", record: record("fits", { bytes }) } });
      await next.commit();
    });

    it("gives up a write whose caller waits no longer for its turn", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: "s" });
      const transaction = await db.begin(["s"]);
      const put = (id: string, timeoutMs?: number) =>
        db.client.put({ store: "s", record: record(id) }, timeoutMs === undefined ? {} : { timeoutMs });
      const late = put("late", 100);
      // Its caller gives up a moment before the object does; by the end of this one's time the object has, too.
      const later = put("later", 1_000);
      await assert.rejects(late, refused(Code.DeadlineExceeded));
      await assert.rejects(later, refused(Code.DeadlineExceeded));
      await transaction.commit();
      await put("next");
      const { keys } = await db.client.getAllKeys({ store: "s" });
      assert.ok(keys.includes("next") && !keys.includes("late"), String(keys));
    });
  },
);
