// What cursors see of later writes, how they get through many records, and what of it stays behind.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import type { CursorEntry } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { cursorStore, DIRECTIONS, type Direction, place, walked } from "./cursor-store.ts";
import { describeBackends, record } from "./databases.ts";

describeBackends(
  "cursors while others write",
  (on) => {
    const { open, reset, walk } = cursorStore(on);

    it("sees the store as it was when it was opened", async () => {
      await reset();
      const cursors = await Promise.all([
        open(),
        open({ direction: DIRECTIONS.prev }),
        open({ index: "by_n" }),
        open({ index: "by_n", direction: DIRECTIONS.prevunique }),
      ]);
      const expected = ["abcdef", "fedcba", "abcde", "dba"];
      await on.db.client.put({ store: "s", record: record("aa", { n: 0n }) });
      await on.db.client.put({ store: "s", record: record("b", { n: 77n }) });
      await on.db.client.put({ store: "s", record: record("f", { n: 1n }) });
      await on.db.client.delete({ store: "s", id: "d" });
      const transaction = await on.db.begin(["s"]);
      await transaction.operate({ case: "put", value: { store: "s", record: record("c", { n: 88n }) } });
      await transaction.operate({ case: "delete", value: { store: "s", id: "a" } });
      await transaction.commit();
      for (const [at, cursor] of cursors.entries()) {
        let ids = "";
        for (let step = await cursor.next(); typeof step === "object"; step = await cursor.next()) {
          ids += step.primaryKey;
          const n = step.record?.fields.n?.kind.value;
          if (step.primaryKey < "f") assert.ok(typeof n === "bigint" && n <= 3n, `${step.primaryKey} is as it was`);
        }
        assert.equal(ids, expected[at]);
        cursor.close();
      }
      assert.deepEqual(await walk({ index: "by_n" }), ["aa", "f", "e", "b", "c"]);
    });

    it("outlives the clearing and the removal of its store", async () => {
      await on.db.client.createObjectStore({ name: "gone" });
      for (const id of ["a", "b", "c"]) await on.db.client.put({ store: "gone", record: record(id, { n: 1n }) });
      const cursor = await on.db.cursor({ store: "gone" });
      assert.equal(place(await cursor.next()), "a");
      const second = await on.db.cursor({ store: "gone", direction: DIRECTIONS.prev });
      await on.db.client.clear({ store: "gone" });
      await on.db.client.put({ store: "gone", record: record("d") });
      const third = await on.db.cursor({ store: "gone" });
      await on.db.client.deleteObjectStore({ name: "gone" });
      assert.equal(place(await cursor.next()), "b");
      assert.equal(place(await second.next()), "c");
      assert.equal(place(await third.next()), "d");
      for (const each of [cursor, second, third]) each.close();
    });

    it("outlives the dropping and the changing of its index", async () => {
      const schema = (keyPath: string[]) => ({ indexes: [{ name: "by", keyPath }] });
      await on.db.client.createObjectStore({ name: "changing", schema: schema(["n"]) });
      for (const [at, id] of ["a", "b", "c"].entries()) {
        await on.db.client.put({ store: "changing", record: record(id, { n: BigInt(-at), m: BigInt(at) }) });
      }
      const cursor = await on.db.cursor({ store: "changing", index: "by" });
      await on.db.client.createObjectStore({ name: "changing", schema: schema(["m"]) });
      await on.db.client.put({ store: "changing", record: record("b") });
      const other = await on.db.cursor({ store: "changing", index: "by" });
      await on.db.client.createObjectStore({ name: "changing" });
      let places = "";
      for (const each of [cursor, cursor, cursor, other, other]) places += place(await each.next());
      assert.equal(places, "cbaac");
      for (const each of [cursor, other]) each.close();
    });
  },
  (on) => {
    it("walks through many records with equal keys, page by page, in all directions", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: "big", schema: { indexes: [{ name: "by", keyPath: ["group"] }] } });
      await on.databases.control("fill", db.objectName, { store: "big", count: 3_000 });
      const entries = Array.from({ length: 3_000 }, (_, at) => ({
        id: String(at).padStart(6, "0"),
        group: `g${at % 1_000}`,
      }));
      const compare = (one: (typeof entries)[0], other: (typeof entries)[0]) =>
        one.group === other.group ? (one.id < other.id ? -1 : 1) : one.group < other.group ? -1 : 1;
      const sorted = entries.sort(compare).map(({ id }) => id);
      const unique = sorted.filter((_, at) => at % 3 === 0);
      for (const [direction, expected] of Object.entries({
        next: sorted,
        prev: [...sorted].reverse(),
        nextunique: unique,
        prevunique: [...unique].reverse(),
      })) {
        const cursor = await db.cursor({
          store: "big",
          index: "by",
          keysOnly: true,
          direction: DIRECTIONS[direction as Direction],
        });
        for (const id of expected) assert.equal(((await cursor.next()) as CursorEntry).primaryKey, id, direction);
        assert.equal(await cursor.next(), true);
        cursor.close();
      }
    });

    it("keeps what was replaced only as long as somebody looks", async () => {
      const db = on.databases.database("objects");
      const { client } = db;
      const rows = async () => {
        const { records, entries } = await on.databases.control<{ records: number; entries: number }>(
          "stored",
          db.objectName,
        );
        return [records, entries];
      };
      await client.createObjectStore({ name: "s", schema: { indexes: [{ name: "by", keyPath: ["n"] }] } });
      for (let at = 0; at < 5; at++) await client.put({ store: "s", record: record(String(at), { n: BigInt(at) }) });
      const one = await db.cursor({ store: "s", index: "by" });
      for (let at = 0; at < 5; at++) await client.put({ store: "s", record: record(String(at), { n: BigInt(-at) }) });
      const other = await db.cursor({ store: "s", index: "by" });
      for (let at = 0; at < 5; at++) await client.put({ store: "s", record: record(String(at), { n: BigInt(-at) }) });
      await client.delete({ store: "s", id: "4" });
      assert.deepEqual(await rows(), [14, 9]);
      assert.deepEqual(await walked(one), ["0", "1", "2", "3", "4"]);
      assert.deepEqual(await walked(other), ["4", "3", "2", "1", "0"]);
      one.close();
      other.close();
      await eventually(async () => assert.deepEqual(await rows(), [4, 4]));
    });

    it("is closed when it lies unused", async () => {
      const db = on.databases.database("impatient");
      await db.client.createObjectStore({ name: "s" });
      const cursor = await db.cursor({ store: "s" });
      await assert.rejects(cursor.stream.receive(), refused(Code.Aborted, /not used for 1 seconds and was closed/));
      const { closeCode, cut } = await cursor.stream.ended;
      assert.deepEqual([closeCode, cut], [1000, false]);
    });
  },
);
