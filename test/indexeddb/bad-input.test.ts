// What callers should not send: clear codes, nothing stored, nothing told that is not theirs.
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { RecordRequestSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import { RecordSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { refused } from "../support/refused.ts";
import { describeBackends, json, plain, record, time, typed, type Value } from "./databases.ts";

const HOSTILE = [
  "'; DROP TABLE records; --",
  '" OR 1=1 --',
  "\0",
  "__proto__",
  "constructor",
  "%00",
  "../../etc/passwd",
  "a\nb",
  "\u{1f511}",
  "?1",
];

/** Words that only our own code and SQLite use. */
const INSIDE = /SQLITE|SELECT|INSERT|until|undefined|\.ts\b|at Object/;

describeBackends(
  "and bad input",
  (on) => {
    before(async () => {
      const indexes = [{ name: "by", keyPath: ["n"] }];
      await on.db.client.createObjectStore({ name: "s", schema: { indexes } });
      await on.db.client.put({ store: "s", record: record("a", { n: 1n }) });
    });
    const untouched = async () => {
      const { keys } = await on.db.client.getAllKeys({ store: "s" });
      // A difference between long texts takes an assertion long to print.
      assert.equal(keys.map((key) => key.slice(0, 20)).join(), "a");
    };
    const refuses = async (call: () => Promise<unknown>, code: Code, what: string) => {
      await assert.rejects(call, (error: unknown) => {
        assert.ok(error instanceof ConnectError, what);
        assert.equal(Code[error.code], Code[code], `${what}: ${error.message}`);
        assert.doesNotMatch(error.message, INSIDE);
        assert.ok(error.message.length < 1_000, what);
        return true;
      });
      await untouched();
    };

    it("refuses records without a primary key", async () => {
      const { client } = on.db;
      const without: [string, ReturnType<typeof record> | undefined][] = [
        ["no record", undefined],
        ["no id", record(undefined, { n: 1n })],
        ["an empty id", record("")],
        ...([1n, 1.5, true, null, Uint8Array.of(1), json("a"), time(1n), {}] as Value[]).map(
          (id) =>
            [`an id that is ${JSON.stringify(typed(id).kind.case)}`, record(undefined, { id })] as [
              string,
              ReturnType<typeof record>,
            ],
        ),
      ];
      for (const [what, value] of without) {
        const request = { store: "s", ...(value && { record: value }) };
        for (const call of [client.add, client.put]) await refuses(() => call(request), Code.InvalidArgument, what);
      }
    });

    it("refuses times that gestaltd could not read back", async () => {
      for (const value of [time(253_402_300_800n), time(-62_135_596_801n), time(0n, -1), time(0n, 1_000_000_000)]) {
        await refuses(
          () => on.db.client.put({ store: "s", record: record("t", { value }) }),
          Code.InvalidArgument,
          "time",
        );
      }
    });

    it("refuses keys that are too long, and finds nothing under an empty one", async () => {
      const { client } = on.db;
      const long = "x".repeat(65_537);
      await refuses(() => client.put({ store: "s", record: record(long) }), Code.InvalidArgument, "put");
      await refuses(
        () => client.put({ store: "s", record: record("b", { n: long }) }),
        Code.InvalidArgument,
        "index key",
      );
      for (const call of [client.get, client.getKey, client.delete]) {
        await refuses(() => call({ store: "s", id: long }) as Promise<unknown>, Code.InvalidArgument, "id");
      }
      const values = [typed(long)];
      await refuses(() => client.indexGet({ store: "s", index: "by", values }), Code.InvalidArgument, "value");
      await refuses(() => client.count({ store: "s", range: { lower: typed(long) } }), Code.InvalidArgument, "bound");
      for (const call of [client.get, client.getKey])
        await refuses(() => call({ store: "s", id: "" }), Code.NotFound, "empty");
      await client.delete({ store: "s", id: "" });
      await client.put({ store: "s", record: record("y".repeat(65_536), { n: "z".repeat(60_000) }) });
      assert.equal((await client.getKey({ store: "s", id: "y".repeat(65_536) })).key.length, 65_536);
      await client.delete({ store: "s", id: "y".repeat(65_536) });
    });

    it("refuses stores and indexes that do not exist, or have no name", async () => {
      const { client } = on.db;
      for (const [store, code] of [
        ["none", Code.NotFound],
        ["", Code.InvalidArgument],
        ["x".repeat(257), Code.InvalidArgument],
        ...HOSTILE.map((name) => [name, Code.NotFound] as const),
      ] as const) {
        const query = { store, index: "by", values: [typed(1)] };
        for (const call of [
          () => client.get({ store, id: "a" }),
          () => client.getKey({ store, id: "a" }),
          () => client.add({ store, record: record("b") }),
          () => client.put({ store, record: record("b") }),
          () => client.delete({ store, id: "a" }),
          () => client.clear({ store }),
          () => client.getAll({ store }),
          () => client.getAllKeys({ store }),
          () => client.count({ store }),
          () => client.deleteRange({ store, range: {} }),
          () => client.indexGet(query),
          () => client.indexGetKey(query),
          () => client.indexGetAll(query),
          () => client.indexGetAllKeys(query),
          () => client.indexCount(query),
          () => client.indexDelete(query),
        ]) {
          await assert.rejects(call, (error: unknown) => {
            assert.ok(error instanceof ConnectError);
            assert.equal(Code[error.code], Code[code], `${store}: ${error.message}`);
            assert.doesNotMatch(error.message, INSIDE);
            return true;
          });
        }
      }
      for (const index of ["none", "", "id", ...HOSTILE]) {
        const code = index === "" ? Code.InvalidArgument : Code.NotFound;
        await refuses(() => client.indexGetAll({ store: "s", index }), code, index);
      }
      await untouched();
    });

    it("refuses values and bounds that are no keys", async () => {
      const { client } = on.db;
      for (const bad of [NaN, json({}), json([{}]), json([null]), json(null), time(0n, -1)] as Value[]) {
        const range = { lower: typed(bad) };
        const query = { store: "s", index: "by", values: [typed(bad)] };
        for (const call of [
          () => client.getAll({ store: "s", range }),
          () => client.count({ store: "s", range: { upper: typed(bad) } }),
          () => client.deleteRange({ store: "s", range }),
          () => client.indexGet(query),
          () => client.indexGetAll({ ...query, values: [], range }),
          () => client.indexDelete(query),
        ]) {
          await refuses(call, Code.InvalidArgument, String(typed(bad).kind.case));
        }
      }
      let deep: Value = json([]);
      for (let depth = 0; depth < 40; depth++) {
        deep = {
          kind: {
            case: "jsonValue",
            value: { kind: { case: "listValue", value: { values: [typed(deep).kind.value as never] } } },
          },
        };
      }
      await refuses(() => client.count({ store: "s", range: { lower: typed(deep) } }), Code.InvalidArgument, "deep");
      const values = [typed(1), typed(2)];
      await refuses(() => client.indexCount({ store: "s", index: "by", values }), Code.InvalidArgument, "too many");
    });

    it("refuses shapes of stores that none could have", async () => {
      const index = (init: object) => ({ name: "i", keyPath: ["a"], ...init });
      for (const [what, name, schema] of [
        ["no name", "", {}],
        ["a long name", "x".repeat(257), {}],
        ["no field", "s", { indexes: [index({ keyPath: [] })] }],
        ["an empty field", "s", { indexes: [index({ keyPath: ["a", ""] })] }],
        ["too many fields", "s", { indexes: [index({ keyPath: Array.from({ length: 17 }, (_, at) => `f${at}`) })] }],
        ["a long path", "s", { indexes: [index({ keyPath: ["x".repeat(1_025)] })] }],
        ["an index without a name", "s", { indexes: [index({ name: "" })] }],
        ["two of one name", "s", { indexes: [index({}), index({})] }],
        ["too many indexes", "s", { indexes: Array.from({ length: 65 }, (_, at) => index({ name: `i${at}` })) }],
        ["too many columns", "s", { columns: Array.from({ length: 257 }, (_, at) => ({ name: `c${at}` })) }],
        ["a column with a long name", "s", { columns: [{ name: "x".repeat(1_025) }] }],
        ["an unknown type", "s", { columns: [{ name: "c", type: 7 }] }],
      ] as const) {
        const call = () => on.db.client.createObjectStore({ name, schema: schema as object });
        await refuses(call, Code.InvalidArgument, what);
      }
      assert.equal((await on.db.client.indexCount({ store: "s", index: "by" })).count, 1n, "the schema is as it was");
    });

    it("takes any text for data: names, keys, fields, paths", async () => {
      const { client } = on.db;
      for (const text of HOSTILE) {
        const schema = { indexes: [{ name: text, keyPath: [text, `a.${text}`] }], columns: [{ name: text }] };
        await client.createObjectStore({ name: text, schema });
        const written = record(
          text,
          Object.fromEntries([
            [text, text],
            ["a", json(Object.fromEntries([[text, text]]))],
          ]),
        );
        await client.add({ store: text, record: written });
        await assert.rejects(client.add({ store: text, record: written }), refused(Code.AlreadyExists));
        assert.deepEqual(plain((await client.get({ store: text, id: text })).record), plain(written));
        const values = text.includes(".") ? [] : [typed(text), typed(text)];
        if (values.length > 0) {
          const { keys } = await client.indexGetAllKeys({ store: text, index: text, values });
          assert.deepEqual(keys, [text]);
        }
        const range = { lower: typed(text), upper: typed(text) };
        assert.equal((await client.deleteRange({ store: text, range })).deleted, 1n);
        await client.deleteObjectStore({ name: text });
        await assert.rejects(client.count({ store: text }), refused(Code.NotFound));
      }
      await untouched();
    });

    it("refuses bytes that are no request", async () => {
      const put = async (body: Uint8Array, method = "Put") => {
        const response = await on.databases.worker.fetch(`/gestalt.provider.v1.IndexedDB/${method}`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${await on.databases.worker.token(on.db.claims)}`,
            "content-type": "application/proto",
          },
          body: body as Uint8Array<ArrayBuffer>,
        });
        const text = await response.text();
        assert.doesNotMatch(text, INSIDE);
        return response.ok ? "ok" : JSON.parse(text).code;
      };
      const good = toBinary(
        RecordRequestSchema,
        create(RecordRequestSchema, { store: "s", record: record("z", { f: "text" }) }),
      );
      const textAt = Buffer.from(good).indexOf("text");
      const notUtf8 = good.slice();
      notUtf8[textAt] = 0xff;
      for (const [what, body] of [
        ["cut off", good.subarray(0, -1)],
        ["not UTF-8", notUtf8],
        ["random", Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
        ["a group that does not end", Uint8Array.of(0x0b)],
      ] as const) {
        assert.equal(await put(body), "invalid_argument", what);
        assert.equal(await put(body, "Get"), "invalid_argument", what);
      }
      // The decoder goes on past the end of a part: here the value goes on in an unknown field behind the whole record.
      const fields = { id: typed("b"), f: typed("text") };
      const whole = toBinary(
        RecordRequestSchema,
        create(RecordRequestSchema, { store: "s", record: create(RecordSchema, { fields }) }),
      );
      const reaching = Buffer.concat([whole, Uint8Array.of(15 << 3, 1)]);
      const sizeAt = reaching.indexOf("text") - 3;
      reaching[sizeAt] = (reaching[sizeAt] ?? 0) + 2;
      // It also takes a text that is marked as a number, which others pass over.
      const mistaken = Buffer.from(whole);
      mistaken[whole.length - "text".length - 2] = 2 << 3;
      for (const body of [reaching, mistaken]) {
        for (const method of ["Put", "Add"]) assert.equal(await put(body, method), "invalid_argument");
      }
      await untouched();
      // Protobuf merges what comes in pieces: so does what is stored.
      const more = toBinary(RecordRequestSchema, create(RecordRequestSchema, { record: record(undefined, { g: 1n }) }));
      assert.equal(await put(Buffer.concat([good, more])), "ok");
      const { record: merged } = await on.db.client.get({ store: "s", id: "z" });
      assert.deepEqual(plain(merged), plain(record("z", { f: "text", g: 1n })));
      await on.db.client.delete({ store: "s", id: "z" });
    });
  },
  (on) => {
    it("refuses config that means nothing", async () => {
      for (const config of [
        { table: "" },
        { table: 5 },
        { tabel: "x" },
        { location: "moon" },
        { binding: "NONE" },
        { name: "x".repeat(300) },
      ]) {
        const { client } = on.databases.database("objects", config as never);
        await assert.rejects(client.createObjectStore({ name: "s" }), (error: unknown) => {
          assert.ok(error instanceof ConnectError);
          assert.ok([Code.InvalidArgument, Code.FailedPrecondition].includes(error.code), error.message);
          return true;
        });
      }
    });
  },
);
