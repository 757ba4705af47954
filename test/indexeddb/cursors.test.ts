// Walks through stores and indexes: every direction and step, what is written through them, and how they end.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Code } from "@connectrpc/connect";
import type { CursorEntry } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import type { KeyValue } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { refused } from "../support/refused.ts";
import { type CursorInit, cursorStore, DIRECTIONS, type Direction, place } from "./cursor-store.ts";
import { describeBackends, plain, record, time, typed, type Value } from "./databases.ts";
import { CursorClient } from "./stream-client.ts";

const scalars = (...values: Value[]): { key: KeyValue[] } =>
  ({ key: values.map((value) => ({ kind: { case: "scalar", value: typed(value) } })) }) as { key: KeyValue[] };

describeBackends("cursors", (on) => {
  const { open, reset, walk } = cursorStore(on);

  it("walks through a store and its indexes in all directions", async () => {
    await reset();
    const expected: Record<string, Record<Direction, string>> = {
      "": { next: "abcdef", nextunique: "abcdef", prev: "fedcba", prevunique: "fedcba" },
      by_n: { next: "abcde", nextunique: "abd", prev: "edcba", prevunique: "dba" },
      by_nm: { next: "acbde", nextunique: "acbde", prev: "edbca", prevunique: "edbca" },
    };
    for (const [index, of] of Object.entries(expected)) {
      for (const [direction, ids] of Object.entries(of) as [Direction, string][]) {
        const walked = await walk({ index, direction: DIRECTIONS[direction] });
        assert.equal(walked.join(""), ids, `${index} ${direction}`);
      }
    }
  });

  it("walks through ranges and the records with certain first fields", async () => {
    await reset();
    const range = { lower: typed("b"), upper: typed("e"), upperOpen: true };
    assert.deepEqual(await walk({ range }), ["b", "c", "d"]);
    assert.deepEqual(await walk({ range, direction: DIRECTIONS.prev }), ["d", "c", "b"]);
    assert.deepEqual(await walk({ index: "by_nm", values: [typed(2n)] }), ["c", "b"]);
    const from2 = { lower: typed(2), upper: typed(3), upperOpen: true };
    for (const [direction, ids] of Object.entries({ next: "bc", nextunique: "b", prev: "cb", prevunique: "b" })) {
      const walked = await walk({ index: "by_n", range: from2, direction: DIRECTIONS[direction as Direction] });
      assert.equal(walked.join(""), ids, direction);
    }
  });

  it("tells where it stands, with the kinds that keys were stored as", async () => {
    await reset();
    const indexes = [{ name: "by", keyPath: ["n", "m", "b"] }];
    await on.db.client.createObjectStore({ name: "kinds", schema: { indexes } });
    const rows: Record<string, Record<string, Value>> = {
      a: { n: 1n, m: time(-5n, 7), b: Uint8Array.of(0, 1) },
      b: { n: 1, m: "\0\u{1f511}", b: true },
      c: { n: 2n ** 62n + 1n, m: -0, b: -1.5 },
    };
    for (const [id, fields] of Object.entries(rows))
      await on.db.client.put({ store: "kinds", record: record(id, fields) });
    const cursor = await on.db.cursor({ store: "kinds", index: "by", keysOnly: true });
    for (const [id, { n, m, b }] of Object.entries(rows)) {
      const { key, primaryKey, record: none } = (await cursor.next()) as CursorEntry;
      assert.equal(primaryKey, id);
      assert.equal(none, undefined);
      const kindsOf = (values: KeyValue[]) => values.map(({ kind }) => kind.case === "scalar" && kind.value.kind);
      assert.deepEqual(kindsOf(key), kindsOf(scalars(n as Value, m as Value, b as Value).key));
    }
    cursor.close();
    const inStore = await on.db.cursor({ store: "kinds" });
    const entry = (await inStore.next()) as CursorEntry;
    assert.deepEqual(
      entry.key.map(({ kind }) => kind.case === "scalar" && kind.value.kind),
      [{ case: "stringValue", value: "a" }],
    );
    assert.deepEqual(plain(entry.record), plain(record("a", rows.a)));
    inStore.close();
  });

  it("advances by as many as are asked for; fresh, it passes over that many", async () => {
    await reset();
    const cursor = await open();
    const advance = (value: number) => cursor.command({ case: "advance", value });
    assert.equal(place(await advance(1)), "b");
    assert.equal(place(await advance(1)), "c");
    assert.equal(place(await advance(2)), "e");
    assert.equal(await advance(2), true);
    assert.equal(await advance(1), true);
    cursor.close();
    const unique = await open({ index: "by_n", direction: DIRECTIONS.prevunique });
    assert.equal(place(await unique.command({ case: "advance", value: 2 })), "a");
    assert.equal(await unique.next(), true);
    unique.close();
    for (const value of [0, -1]) {
      const refusing = await open();
      const advanced = refusing.command({ case: "advance", value });
      await assert.rejects(advanced, refused(Code.InvalidArgument, /advance count must be positive/));
    }
    const far = await open();
    assert.equal(await far.command({ case: "advance", value: 2_147_483_647 }), true);
    far.close();
  });

  it("continues at a key that lies ahead", async () => {
    await reset();
    const to = (cursor: CursorClient, ...key: Value[]) =>
      cursor.command({ case: "continueToKey", value: scalars(...key) });
    const cursor = await open();
    assert.equal(place(await to(cursor, "a")), "a", "fresh, all keys lie ahead");
    assert.equal(place(await to(cursor, "bb")), "c");
    assert.equal(place(await to(cursor, "d")), "d");
    assert.equal(place(await cursor.next()), "e");
    assert.equal(await to(cursor, "x"), true);
    cursor.close();
    const down = await open({ direction: DIRECTIONS.prev });
    assert.equal(place(await to(down, "dd")), "d");
    assert.equal(place(await to(down, "b")), "b");
    await assert.rejects(to(down, "b"), refused(Code.InvalidArgument, /must lie ahead/));
    const byN = await open({ index: "by_nm" });
    assert.equal(place(await to(byN, 2n)), "c", "fewer fields come first");
    assert.equal(place(await to(byN, 2, "y")), "b");
    assert.equal(place(await to(byN, 3, "y")), "e");
    byN.close();
    const unique = await open({ index: "by_n", direction: DIRECTIONS.prevunique });
    assert.equal(place(await to(unique, 2.5)), "b");
    assert.equal(place(await unique.next()), "a");
    unique.close();
    for (const [direction, key] of [
      [DIRECTIONS.next, "a"],
      [DIRECTIONS.prev, "f"],
    ] as const) {
      const standing = await open({ direction });
      await standing.next();
      await assert.rejects(to(standing, key), refused(Code.InvalidArgument, /must lie ahead/));
    }
    const range = { lower: typed("c"), upper: typed("d") };
    for (const [direction, key, first] of [
      [DIRECTIONS.next, "a", "c"],
      [DIRECTIONS.prev, "x", "d"],
    ] as const) {
      const bounded = await open({ range, direction });
      assert.equal(place(await to(bounded, key)), first, "never out of its range");
      bounded.close();
    }
    const empty = await open();
    await assert.rejects(to(empty), refused(Code.InvalidArgument, /key is required/));
    const numbers = await open();
    assert.equal(place(await to(numbers, 5n)), "a", "numbers come before texts");
    numbers.close();
  });

  it("updates the record it stands on, and stays there", async () => {
    await reset();
    const cursor = await open({ index: "by_n" });
    const update = (value: ReturnType<typeof record>) => cursor.command({ case: "update", value });
    await cursor.next();
    const entry = (await update(record("a", { n: 9n, changed: true }))) as CursorEntry;
    assert.equal(entry.primaryKey, "a");
    assert.deepEqual(plain(entry.record), plain(record("a", { n: 9n, changed: true })));
    const named = (await update(record(undefined, { n: 8n }))) as CursorEntry;
    assert.deepEqual(plain(named.record), plain(record("a", { n: 8n })), "the primary key need not be repeated");
    const { record: stored } = await on.db.client.get({ store: "s", id: "a" });
    assert.deepEqual(plain(stored), plain(record("a", { n: 8n })));
    assert.equal(place(await cursor.next()), "b");
    assert.equal(await cursor.command({ case: "delete", value: true }), false);
    assert.equal(await cursor.command({ case: "delete", value: true }), false, "it stays there");
    await assert.rejects(on.db.client.get({ store: "s", id: "b" }), refused(Code.NotFound));
    assert.equal(place((await update(record("b", { n: 2n }))) as CursorEntry), "b", "as W3C's cursors, it puts");
    assert.equal(place(await cursor.next()), "c");
    await assert.rejects(update(record("c", { mail: "e@x" })), refused(Code.AlreadyExists));
    const other = await open();
    await other.next();
    const renamed = other.command({ case: "update", value: record("z") });
    await assert.rejects(renamed, refused(Code.InvalidArgument, /primary key/));
  });

  it("has nothing to update or delete before the first and after the last record", async () => {
    await reset();
    for (const steps of [0, 7]) {
      for (const command of [
        { case: "update", value: record("a") },
        { case: "delete", value: true },
      ] as const) {
        const cursor = await open();
        for (let step = 0; step < steps; step++) await cursor.next();
        await assert.rejects(cursor.command(command), refused(Code.NotFound, /^datastore: not found$/));
      }
    }
  });

  it("refuses what it cannot open, and words that are none", async () => {
    for (const [init, code] of [
      [{ store: "none" }, Code.NotFound],
      [{ index: "none" }, Code.NotFound],
      [{ store: "" }, Code.InvalidArgument],
      [{ direction: 9 }, Code.InvalidArgument],
      [{ values: [typed(1)] }, Code.InvalidArgument],
      [{ index: "by_n", values: [typed(1), typed(2)] }, Code.InvalidArgument],
      [{ range: { lower: typed(NaN) } }, Code.InvalidArgument],
    ] as const) {
      await assert.rejects(open(init as Partial<CursorInit>), refused(code), JSON.stringify(Object.keys(init)));
    }
    const stream = await CursorClient.stream(on.databases.worker, on.db.claims);
    stream.send({ msg: { case: "command", value: { command: { case: "next", value: true } } } });
    await assert.rejects(stream.receive(), refused(Code.InvalidArgument, /first message must be OpenCursorRequest/));
    const twice = await open();
    twice.stream.send({ msg: { case: "open", value: { store: "s" } } });
    await assert.rejects(twice.stream.receive(), refused(Code.InvalidArgument, /expected CursorCommand/));
    const empty = await open();
    empty.stream.send({ msg: { case: "command", value: {} } });
    await assert.rejects(empty.stream.receive(), refused(Code.InvalidArgument, /unknown cursor command/));
  });

  it("ends well when it is closed, or its caller's side is", async () => {
    await reset();
    const closed = await open();
    closed.stream.send({ msg: { case: "command", value: { command: { case: "close", value: true } } } });
    assert.equal(await closed.stream.receive(), undefined);
    const halfClosed = await open();
    await halfClosed.next();
    halfClosed.stream.sendText("half-close");
    assert.equal(await halfClosed.stream.receive(), undefined);
  });
});
