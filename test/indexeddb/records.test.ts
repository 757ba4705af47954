// Records by primary key: kinds, order, ranges, sizes.
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import { describeBackends, idsOf, json, plain, record, time, typed, type Value } from "./databases.ts";

const store = "records";

describeBackends(
  "records",
  (on) => {
    before(async () => {
      await on.db.client.createObjectStore({ name: store });
    });

    it("keeps each value's kind", async () => {
      const values: Record<string, Value> = {
        null: null,
        unset: {},
        text: "ключ \u{1f511} \0",
        int: 9_007_199_254_740_993n,
        least: -(2n ** 63n),
        double: 1,
        negativeZero: -0,
        infinite: Infinity,
        nan: NaN,
        true: true,
        false: false,
        time: time(-1n, 999_999_999),
        first: time(-62_135_596_800n),
        bytes: Uint8Array.of(0, 255),
        noBytes: new Uint8Array(),
        json: json({ a: [1, "b", null, { c: true }] }),
        // Written so, it is a property.
        ["__proto__"]: "a name like any other",
        "": "a name too",
      };
      const written = record("kinds", values);
      await on.db.client.add({ store, record: written });
      const { record: read } = await on.db.client.get({ store, id: "kinds" });
      assert.deepEqual(plain(read), plain(written));
      assert.ok(Object.is(read?.fields.negativeZero?.kind.value, -0));
    });

    it("adds once, puts over, and deletes what may not be there", async () => {
      await on.db.client.add({ store, record: record("a", { n: 1n }) });
      await assert.rejects(
        on.db.client.add({ store, record: record("a", { n: 2n }) }),
        refused(Code.AlreadyExists, /^datastore: already exists$/),
      );
      await on.db.client.put({ store, record: record("a", { n: 3n }) });
      assert.deepEqual(plain((await on.db.client.get({ store, id: "a" })).record), plain(record("a", { n: 3n })));
      assert.equal((await on.db.client.getKey({ store, id: "a" })).key, "a");
      await on.db.client.delete({ store, id: "a" });
      await on.db.client.delete({ store, id: "a" });
      for (const call of [on.db.client.get, on.db.client.getKey]) {
        await assert.rejects(call({ store, id: "a" }), refused(Code.NotFound, /^datastore: not found$/));
      }
    });

    it("orders keys by UTF-16 unit, and finds ranges", async () => {
      const own = "ordered";
      const ids = ["", "\0", "a", "a\0", "aa", "b", "é", "\u{10000}", "\u{1f511}", "\ue000", "\uffff"].filter(Boolean);
      await on.db.client.createObjectStore({ name: own });
      for (const id of [...ids].reverse()) await on.db.client.put({ store: own, record: record(id) });
      assert.deepEqual((await on.db.client.getAllKeys({ store: own })).keys, [...ids].sort());
      assert.deepEqual(idsOf((await on.db.client.getAll({ store: own })).records), [...ids].sort());
      for (const [lower, upper, lowerOpen, upperOpen] of [
        ["a", "b", false, false],
        ["a", "b", true, true],
        ["\u{10000}", "\ue000", false, false],
        ["b", "a", false, false],
      ] as const) {
        const range = { lower: typed(lower), upper: typed(upper), lowerOpen, upperOpen };
        const expected = [...ids]
          .sort()
          .filter((id) => (lowerOpen ? id > lower : id >= lower) && (upperOpen ? id < upper : id <= upper));
        assert.deepEqual((await on.db.client.getAllKeys({ store: own, range })).keys, expected);
        assert.equal((await on.db.client.count({ store: own, range })).count, BigInt(expected.length));
      }
    });

    it("takes bounds of other kinds for what lies before or after all texts", async () => {
      const keys = async (range: object) => (await on.db.client.getAllKeys({ store: "ordered", range })).keys.length;
      const all = await keys({});
      assert.ok(all > 0);
      assert.equal(await keys({ lower: typed(1n) }), all);
      assert.equal(await keys({ upper: typed(1) }), 0);
      assert.equal(await keys({ lower: typed(Uint8Array.of(1)) }), 0);
      assert.equal(await keys({ upper: typed(Uint8Array.of(1)) }), all);
      assert.equal(await keys({ lower: typed(time(0n)), upper: typed(json(["z"])) }), all);
      assert.equal(await keys({ lower: typed(null) }), all, "null is no bound");
    });

    it("removes ranges and everything, and counts", async () => {
      const own = "removed";
      await on.db.client.createObjectStore({ name: own });
      for (let at = 0; at < 10; at++) await on.db.client.put({ store: own, record: record(String(at)) });
      await assert.rejects(
        on.db.client.deleteRange({ store: own }),
        refused(Code.InvalidArgument, /range is required/),
      );
      const range = { lower: typed("3"), upper: typed("5") };
      assert.equal((await on.db.client.deleteRange({ store: own, range })).deleted, 3n);
      assert.equal((await on.db.client.deleteRange({ store: own, range })).deleted, 0n);
      assert.equal((await on.db.client.count({ store: own })).count, 7n);
      assert.equal((await on.db.client.deleteRange({ store: own, range: {} })).deleted, 7n);
      await on.db.client.put({ store: own, record: record("x") });
      await on.db.client.clear({ store: own });
      assert.equal((await on.db.client.count({ store: own })).count, 0n);
    });

    it("keeps a record of nearly 4 MiB, and refuses an answer above it", async () => {
      const own = "large";
      await on.db.client.createObjectStore({ name: own });
      const bytes = Uint8Array.from({ length: 4 * 1024 * 1024 - 64 }, (_, at) => at % 251);
      await on.db.client.add({ store: own, record: record("large", { bytes }) });
      const { record: read } = await on.db.client.get({ store: own, id: "large" });
      assert.ok(Buffer.from(read?.fields.bytes?.kind.value as Uint8Array).equals(bytes));
      assert.equal((await on.db.client.getAll({ store: own })).records.length, 1);
      await on.db.client.add({ store: own, record: record("small", { bytes: new Uint8Array(100) }) });
      await assert.rejects(on.db.client.getAll({ store: own }), refused(Code.ResourceExhausted, /range or a cursor/));
      assert.deepEqual((await on.db.client.getAllKeys({ store: own })).keys, ["large", "small"]);
      await on.db.client.put({ store: own, record: record("large", { now: "small" }) });
      assert.equal((await on.db.client.getAll({ store: own })).records.length, 2);
    });

    it("answers JSON as well", async () => {
      const authorization = `Bearer ${await on.databases.worker.token(on.db.claims)}`;
      const post = async (method: string, body: object) => {
        const response = await on.databases.worker.fetch(`/gestalt.provider.v1.IndexedDB/${method}`, {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        return response.json();
      };
      const fields = { id: { stringValue: "json" }, n: { intValue: "9007199254740993" }, b: { bytesValue: "AAE=" } };
      assert.deepEqual(await post("Put", { store, record: { fields } }), {});
      assert.deepEqual(await post("Get", { store, id: "json" }), { record: { fields } });
    });
  },
  (on) => {
    it("keeps large records in pieces, and leaves none behind", async () => {
      const db = on.databases.database("objects");
      const { client } = db;
      const pieces = async () => (await on.databases.control<{ pieces: number }>("stored", db.objectName)).pieces;
      await client.createObjectStore({ name: store });
      const large = record("x", { bytes: new Uint8Array(3_000_000) });
      await client.put({ store, record: large });
      assert.equal(await pieces(), 2);
      await client.put({ store, record: record("x") });
      assert.equal(await pieces(), 0);
      await client.put({ store, record: large });
      await client.delete({ store, id: "x" });
      assert.equal(await pieces(), 0);
    });

    it("survives the end of its object", async () => {
      const db = on.databases.database("objects");
      await db.client.createObjectStore({ name: store });
      await db.client.put({ store, record: record("x", { n: 1n }) });
      await on.databases.control("fail", db.objectName);
      assert.deepEqual(plain((await db.client.get({ store, id: "x" })).record), plain(record("x", { n: 1n })));
    });
  },
);
