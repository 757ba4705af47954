// Databases that other releases have written.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import { describeObjects, plain, record, typed } from "./databases.ts";

describeObjects("schema", (on) => {
  it("opens a database of version 1, with all that is in it", async () => {
    const db = on.databases.database("objects", { name: "version 1" });
    const { client } = db;
    const people = {
      ada: record("ada", { mail: "ada@x", n: 1n }),
      big: record("big", { n: 2n ** 53n + 1n, b: new Uint8Array(3) }),
      "\u{1f511}": record("\u{1f511}", { mail: "key@x\0", n: 1.5 }),
    };
    const store = "people";
    const { records } = await client.getAll({ store });
    assert.deepEqual(records.map(plain), Object.values(people).map(plain));
    assert.deepEqual((await client.indexGetAllKeys({ store, index: "by_n" })).keys, ["ada", "\u{1f511}", "big"]);
    assert.equal((await client.indexGetKey({ store, index: "by_mail", values: [typed("key@x\0")] })).key, "\u{1f511}");
    const cursor = await db.cursor({ store, index: "by_n", direction: 2 });
    for (const n of [2n ** 53n + 1n, 1.5, 1n]) {
      const entry = await cursor.next();
      assert.ok(typeof entry === "object");
      assert.deepEqual(entry.key[0]?.kind.value, typed(n));
    }
    cursor.close();
    await assert.rejects(client.put({ store, record: record("x", { mail: "ada@x" }) }), refused(Code.AlreadyExists));
    await client.put({ store, record: record("ada", { n: 9n }) });
    await client.createObjectStore({ name: "next", schema: { indexes: [{ name: "by_n", keyPath: ["n"] }] } });
    assert.deepEqual((await client.indexGetAllKeys({ store, index: "by_n" })).keys, ["\u{1f511}", "ada", "big"]);
    await on.databases.control("fail", db.objectName);
    assert.equal((await client.count({ store })).count, 3n, "and opens again");
  });

  it("leaves a database as it was when it cannot be brought up to date", async () => {
    const { client } = on.databases.database("objects", { name: "version 1 with a fault" });
    for (let time = 0; time < 2; time++) {
      await assert.rejects(client.count({ store: "people" }), (error: unknown) => {
        assert.ok(error instanceof ConnectError);
        // The platform does not tell an object that cannot start from one that has just ended.
        assert.ok(error.code === Code.Internal || error.code === Code.Unavailable, String(error));
        assert.doesNotMatch(error.message, /retired|SQLITE/);
        return true;
      });
      const faults = on.databases.log.filter((line) => line.includes("retired_indexes already exists"));
      assert.ok(faults.length > time, "the same step each time: those before it were undone");
    }
  });

  it("refuses a database of a later version, and does not touch it", async () => {
    const { client } = on.databases.database("objects", { name: "of the future" });
    await assert.rejects(
      client.count({ store: "s" }),
      refused(Code.FailedPrecondition, /newer release.*version 99 .*Deploy that release/),
    );
  });
});
