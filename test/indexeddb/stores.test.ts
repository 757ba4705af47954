// Stores and their indexes: creating them again and again, what is in an index and in what order, what narrow queries
// cost.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { describeBackends, idsOf, json, plain, record, time, typed, type Value } from "./databases.ts";

const index = (name: string, keyPath: string[], unique = false) => ({ name, keyPath, unique });

interface Stored {
  readonly stores: number;
  readonly indexes: number;
  readonly records: number;
  readonly entries: number;
  readonly retired_stores: number;
  readonly retired_indexes: number;
}

describeBackends(
  "stores and indexes",
  (on) => {
    const fill = async (store: string, rows: Readonly<Record<string, Record<string, Value>>>) => {
      for (const [id, fields] of Object.entries(rows)) await on.db.client.put({ store, record: record(id, fields) });
    };
    const matches = async (store: string, name: string, values: Value[] = [], range?: object) => {
      const query = { store, index: name, values: values.map(typed), ...(range && { range }) };
      const { keys } = await on.db.client.indexGetAllKeys(query);
      assert.deepEqual(idsOf((await on.db.client.indexGetAll(query)).records), keys);
      assert.equal((await on.db.client.indexCount(query)).count, BigInt(keys.length));
      return keys;
    };

    it("creates a store again and keeps its records", async () => {
      const name = "again";
      const schema = { indexes: [index("by_n", ["n"])], columns: [{ name: "n", type: 1 }] };
      for (let time = 0; time < 3; time++) await on.db.client.createObjectStore({ name, schema });
      await fill(name, { a: { n: 1n } });
      await on.db.client.createObjectStore({ name, schema });
      assert.deepEqual(await matches(name, "by_n"), ["a"]);
    });

    it("gives records their keys in indexes that are added, changed and dropped", async () => {
      const name = "changing";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_n", ["n"])] } });
      await fill(name, { a: { n: 2n, m: "x" }, b: { n: 1n, m: "y" }, c: { m: "x" } });
      assert.deepEqual(await matches(name, "by_n"), ["b", "a"]);
      await on.db.client.createObjectStore({
        name,
        schema: { indexes: [index("by_n", ["m"]), index("by_m", ["m", "n"])] },
      });
      assert.deepEqual(await matches(name, "by_n", ["x"]), ["a", "c"]);
      assert.deepEqual(await matches(name, "by_m"), ["a", "b"]);
      await on.db.client.createObjectStore({ name });
      await assert.rejects(matches(name, "by_n"), refused(Code.NotFound, /^datastore: not found/));
      assert.equal((await on.db.client.count({ store: name })).count, 3n);
    });

    it("refuses a unique index that the records break, and leaves the store as it was", async () => {
      const name = "not-unique";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_n", ["n"])] } });
      await fill(name, { a: { n: 1n }, b: { n: 1 } });
      const schema = { indexes: [index("by_n", ["n"], true)] };
      await assert.rejects(on.db.client.createObjectStore({ name, schema }), refused(Code.AlreadyExists));
      assert.deepEqual(await matches(name, "by_n"), ["a", "b"]);
      await on.db.client.put({ store: name, record: record("c", { n: 1n }) });
    });

    it("removes stores, and finds nothing in those that do not exist", async () => {
      const name = "removed";
      await on.db.client.createObjectStore({ name });
      await fill(name, { a: {} });
      await on.db.client.deleteObjectStore({ name });
      await on.db.client.deleteObjectStore({ name });
      await assert.rejects(on.db.client.get({ store: name, id: "a" }), refused(Code.NotFound));
      await assert.rejects(on.db.client.put({ store: name, record: record("a") }), refused(Code.NotFound));
      await on.db.client.createObjectStore({ name });
      assert.equal((await on.db.client.count({ store: name })).count, 0n);
    });

    it("leaves out records without one of the fields", async () => {
      const name = "missing";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_ab", ["a", "b"])] } });
      await fill(name, {
        whole: { a: 1n, b: 2n },
        one: { a: 1n },
        null: { a: 1n, b: null },
        nan: { a: 1n, b: NaN },
        object: { a: 1n, b: json({ c: 1 }) },
        list: { a: 1n, b: json([1]) },
      });
      assert.deepEqual(await matches(name, "by_ab"), ["whole"]);
    });

    it("follows dots into JSON, and takes a field of that very name first", async () => {
      const name = "nested";
      await on.db.client.createObjectStore({
        name,
        schema: { indexes: [index("by", ["a.b.c"]), index("proto", ["a.__proto__"])] },
      });
      await fill(name, {
        deep: { a: json({ b: { c: 2 } }) },
        text: { a: json({ b: { c: "x" } }) },
        flat: { "a.b.c": 1n },
        both: { "a.b.c": 3n, a: json({ b: { c: 0 } }) },
        none: { a: json({ b: 1 }) },
        other: { a: "b.c" },
        proto: { a: json({ ["__proto__"]: "p" }) },
      });
      assert.deepEqual(await matches(name, "by"), ["flat", "deep", "both", "text"]);
      assert.deepEqual(await matches(name, "by", [2n]), ["deep"]);
      assert.deepEqual(await matches(name, "proto"), ["proto"]);
      assert.deepEqual(await matches(name, "proto", ["p"]), ["proto"]);
    });

    it("orders kinds as W3C IndexedDB does, booleans first", async () => {
      const name = "kinds";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_v", ["v"])] } });
      const inOrder: Value[] = [
        false,
        true,
        -Infinity,
        -(2n ** 63n),
        -1.5,
        -0,
        1n,
        1.5,
        2 ** 53,
        2n ** 53n + 1n,
        2 ** 53 + 2,
        Infinity,
        time(-5n),
        time(0n, 1),
        time(0n, 2),
        "",
        "\0",
        "a",
        "\u{1f511}",
        "\uffff",
        new Uint8Array(),
        Uint8Array.of(0),
        Uint8Array.of(0, 0),
        Uint8Array.of(255),
      ];
      const ids = inOrder.map((_, at) => String(at).padStart(2, "0"));
      for (const [at, v] of [...inOrder.entries()].reverse()) await fill(name, { [ids[at] ?? ""]: { v } });
      assert.deepEqual(await matches(name, "by_v"), ids);
      for (const [at, v] of inOrder.entries()) {
        assert.deepEqual(await matches(name, "by_v", [v]), [ids[at]]);
        assert.deepEqual(await matches(name, "by_v", [], { lower: typed(v) }), ids.slice(at));
        assert.deepEqual(await matches(name, "by_v", [], { upper: typed(v), upperOpen: true }), ids.slice(0, at));
      }
    });

    it("takes 1 and 1.0 for one key, and 0 and -0", async () => {
      const name = "same";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_n", ["n"], true)] } });
      await fill(name, { int: { n: 1n }, zero: { n: -0 } });
      await assert.rejects(
        on.db.client.add({ store: name, record: record("x", { n: 1 }) }),
        refused(Code.AlreadyExists),
      );
      await assert.rejects(
        on.db.client.add({ store: name, record: record("x", { n: 0n }) }),
        refused(Code.AlreadyExists),
      );
      assert.deepEqual(await matches(name, "by_n", [1]), ["int"]);
    });

    it("finds by the first fields, by a range, and by both", async () => {
      const name = "compound";
      await on.db.client.createObjectStore({
        name,
        schema: { indexes: [index("by", ["a", "b"]), index("by_b", ["b"])] },
      });
      const rows: Record<string, Record<string, Value>> = {};
      for (const a of ["x", "y", "z"]) for (let b = 0; b < 4; b++) rows[`${a}${b}`] = { a, b: BigInt(b) };
      await fill(name, rows);
      const all = Object.keys(rows);
      assert.deepEqual(await matches(name, "by"), all);
      assert.deepEqual(await matches(name, "by", ["y"]), ["y0", "y1", "y2", "y3"]);
      assert.deepEqual(await matches(name, "by", ["y", 2n]), ["y2"]);
      assert.deepEqual(await matches(name, "by", ["w"]), []);
      assert.deepEqual(await matches(name, "by", [null]), [], "no key has a field that is null");
      const range = { lower: typed(json(["x", 2])), upper: typed(json(["z", 1])), upperOpen: true };
      assert.deepEqual(await matches(name, "by", [], range), ["x2", "x3", "y0", "y1", "y2", "y3", "z0"]);
      assert.deepEqual(await matches(name, "by", ["z"], range), ["z0"]);
      assert.deepEqual(
        await matches(name, "by", [], { lower: typed("y") }),
        all.slice(4),
        "a bound for the first field alone",
      );
      assert.deepEqual(await matches(name, "by", [], { upper: typed(json(["x"])) }), [], "shorter comes first");
      const ofB = { lower: typed(1), upper: typed(2), lowerOpen: true };
      assert.deepEqual(await matches(name, "by_b", [], ofB), ["x2", "y2", "z2"], "equal keys by primary key");
      const query = { store: name, index: "by", values: [typed("y")] };
      assert.deepEqual(plain((await on.db.client.indexGet(query)).record), plain(record("y0", rows.y0)));
      assert.equal((await on.db.client.indexGetKey({ ...query, range })).key, "y0");
      assert.equal((await on.db.client.indexDelete({ ...query, values: [typed("y"), typed(1n)] })).deleted, 1n);
      assert.equal((await on.db.client.indexDelete(query)).deleted, 3n);
      assert.equal((await on.db.client.indexDelete(query)).deleted, 0n);
      for (const call of [on.db.client.indexGet, on.db.client.indexGetKey]) {
        await assert.rejects(call(query), refused(Code.NotFound, /^datastore: not found$/));
      }
      assert.deepEqual(await matches(name, "by_b", [3n]), ["x3", "z3"]);
    });

    it("keeps unique keys unique, and frees them", async () => {
      const name = "unique";
      await on.db.client.createObjectStore({ name, schema: { indexes: [index("by_mail", ["mail"], true)] } });
      const put = (id: string, mail: Value) => on.db.client.put({ store: name, record: record(id, { mail }) });
      await put("a", "x");
      await put("a", "x");
      await assert.rejects(put("b", "x"), refused(Code.AlreadyExists, /^datastore: already exists$/));
      assert.deepEqual((await on.db.client.getAllKeys({ store: name })).keys, ["a"], "nothing was stored");
      await put("b", null);
      await put("c", null);
      await put("a", "y");
      await put("b", "x");
      await on.db.client.delete({ store: name, id: "b" });
      await put("c", "x");
      await on.db.client.clear({ store: name });
      await put("b", "x");
      assert.deepEqual(await matches(name, "by_mail"), ["b"]);
    });
  },
  (on) => {
    it("keeps the databases of different scopes apart, and those of one together", async () => {
      const configs = [
        {},
        { table: "hello" },
        { database: "hello" },
        { schema: "hello" },
        { prefix: "hello_", table_prefix: "hello_" },
        { table: "hello/table=x" },
        { name: "other" },
      ];
      for (const [at, config] of configs.entries()) {
        const { client } = on.databases.database("objects", config);
        await client.createObjectStore({ name: "s" });
        assert.equal((await client.count({ store: "s" })).count, 0n, JSON.stringify(config));
        await client.put({ store: "s", record: record(String(at)) });
      }
      for (const [at, config] of configs.entries()) {
        const { keys } = await on.databases.database("objects", config).client.getAllKeys({ store: "s" });
        assert.deepEqual(keys, [String(at)]);
      }
    });

    it("sweeps up what was cleared, removed and replaced", async () => {
      const db = on.databases.database("objects");
      const { client } = db;
      const stored = () => on.databases.control<Stored>("stored", db.objectName);
      const schema = { indexes: [index("by_n", ["n"]), index("by_m", ["m"])] };
      await client.createObjectStore({ name: "a", schema });
      await client.createObjectStore({ name: "b", schema });
      for (let at = 0; at < 5; at++) {
        for (const store of ["a", "b"])
          await client.put({ store, record: record(String(at), { n: BigInt(at), m: 1n }) });
      }
      await client.clear({ store: "a" });
      await client.deleteObjectStore({ name: "b" });
      await client.put({ store: "a", record: record("x", { n: 1n }) });
      await client.createObjectStore({ name: "a", schema: { indexes: [index("by_n", ["n"])] } });
      const expected = {
        stores: 1,
        indexes: 1,
        records: 1,
        pieces: 0,
        entries: 1,
        retired_stores: 0,
        retired_indexes: 0,
      };
      await eventually(async () => assert.deepEqual(await stored(), expected));
    });

    it("reads a narrow range of 100,000 records without the others", { timeout: 120_000 }, async () => {
      const db = on.databases.database("objects");
      const { client } = db;
      const schema = { indexes: [index("by_group", ["group", "n"]), index("by_n", ["n"], true)] };
      await client.createObjectStore({ name: "big", schema });
      await on.databases.control("fill", db.objectName, { store: "big", count: 100_000 });
      const rowsRead = async (call: () => Promise<unknown>) => {
        await on.databases.control("rows", db.objectName);
        await call();
        return (await on.databases.control<{ read: number }>("rows", db.objectName)).read;
      };
      const values = [typed("g7")];
      const one = { lower: typed("050000"), upper: typed("050009") };
      for (const [name, call, most] of [
        ["get", () => client.get({ store: "big", id: "050000" }), 5],
        ["range of 10", () => client.getAll({ store: "big", range: one }), 50],
        ["index of 100", () => client.indexGetAll({ store: "big", index: "by_group", values }), 500],
        ["first of an index", () => client.indexGet({ store: "big", index: "by_group", values }), 10],
        ["unique", () => client.indexGet({ store: "big", index: "by_n", values: [typed(77_777n)] }), 10],
        ["put", () => client.put({ store: "big", record: record("050000", { group: "g0", n: 50_000n }) }), 40],
        ["delete by index", () => client.indexDelete({ store: "big", index: "by_n", values: [typed(5n)] }), 60],
      ] as const) {
        const read = await rowsRead(call);
        assert.ok(read > 0 && read <= most, `${name} read ${read} rows`);
      }
      const cursor = await db.cursor({ store: "big", index: "by_group", direction: 3 });
      const walked = await rowsRead(() => cursor.next());
      assert.ok(walked <= 100, `a step of a cursor read ${walked} rows`);
      cursor.close();

      // Indexes on so many records are built in portions: others are served meanwhile, and an object that ends in the middle is
      // asked again. Nothing is left of what was given up.
      const more = { indexes: [...schema.indexes, index("by_both", ["n", "group"])] };
      const total = (await client.count({ store: "big" })).count;
      const building = client.createObjectStore({ name: "big", schema: more });
      assert.equal((await client.count({ store: "big" })).count, total);
      await on.databases.control("fail", db.objectName);
      await building;
      const broken = { indexes: [...more.indexes, index("by_one", ["group"], true)] };
      await assert.rejects(client.createObjectStore({ name: "big", schema: broken }), refused(Code.AlreadyExists));
      await eventually(async () => {
        const { entries, retired_indexes } = await on.databases.control<Stored>("stored", db.objectName);
        assert.deepEqual([retired_indexes, BigInt(entries)], [0, 3n * total]);
      });
      assert.equal((await client.indexCount({ store: "big", index: "by_both" })).count, total);
    });
  },
);
