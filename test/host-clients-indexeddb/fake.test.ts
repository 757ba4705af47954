// The fake database itself, by a plain gRPC client: what reference §4.7 says, message by message.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it, type TestContext, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import fc from "fast-check";
import type {
  CursorClientMessageSchema,
  CursorCommandSchema,
  CursorResponse,
} from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import type { TransactionClientMessageSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import type { TypedValueSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { Outbox } from "../../src/worker/host/indexeddb/outbox.ts";
import { compareKeys, type Key } from "../support/fake-gestaltd/indexeddb/keys.ts";
import { ScopeLocks } from "../support/fake-gestaltd/indexeddb/scope-locks.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";

const scalar: fc.Arbitrary<Key> = fc.oneof(
  fc.boolean(),
  fc.double({ noNaN: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: -3, max: 3 }),
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.uint8Array({ maxLength: 3 }),
  fc.record({ seconds: fc.bigInt({ min: -2n, max: 2n }), nanos: fc.nat(2) }),
);
const key: fc.Arbitrary<Key> = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }));

describe("the order of keys", () => {
  it("is total: the same from both sides, and through a third", () => {
    fc.assert(
      fc.property(key, key, key, (a, b, c) => {
        assert.equal(Math.sign(compareKeys(a, b)) + Math.sign(compareKeys(b, a)), 0);
        const [least, middle, most] = [a, b, c].sort(compareKeys) as [Key, Key, Key];
        assert.ok(compareKeys(least, middle) <= 0 && compareKeys(middle, most) <= 0 && compareKeys(least, most) <= 0);
      }),
      { numRuns: 1000 },
    );
  });

  it("goes by kind first, then by value: exact numbers, code units, bytes, instants, elements", () => {
    const time = (seconds: bigint, nanos: number) => ({ seconds, nanos });
    const ascending: Key[] = [
      ...[false, true],
      ...[-Infinity, -(2n ** 63n), -1.5, -1n, 0, 0.5, 1n, 2 ** 53, 2n ** 53n + 1n, 2n ** 63n - 1n, Infinity],
      ...[time(-1n, 999_999_999), time(0n, 0), time(0n, 1)],
      // By code point the last two would change places.
      ...["", "A", "a", "aa", "ä", "\u{1F600}", "\uFFFD"],
      ...[Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(127), Uint8Array.of(128)],
      ...[[], [1], [1, "a"], [1, "b"], ["a"]],
    ];
    const shuffled = ascending.toReversed();
    assert.deepEqual(shuffled.sort(compareKeys), ascending);
    assert.equal(compareKeys(-0, 0n), 0);
  });
});

describe("locks on stores", () => {
  const { signal } = new AbortController();

  it("are taken in the order they were asked for, where they overlap", async () => {
    const locks = new ScopeLocks();
    const order: string[] = [];
    const take = (name: string, ...stores: string[]) =>
      locks.acquire(stores, signal).then((release) => {
        order.push(name);
        return release;
      });
    const first = await take("a", "x", "y");
    const [second, third, other] = [take("b", "y"), take("c", "x", "y"), take("d", "z")];
    (await other)();
    // It must not overtake the third, which waits for y as well.
    const fourth = take("e", "x");
    first();
    first();
    (await second)();
    (await third)();
    (await fourth)();
    assert.deepEqual(order, ["a", "d", "b", "c", "e"]);
  });

  it("let those behind pass when one that waits goes away", async () => {
    const locks = new ScopeLocks();
    const giveUp = new AbortController();
    const first = await locks.acquire(["x"], signal);
    const second = locks.acquire(["x", "y"], giveUp.signal);
    const third = locks.acquire(["y"], signal);
    giveUp.abort();
    await assert.rejects(second);
    (await third)();
    first();
    await assert.rejects(locks.acquire(["x"], giveUp.signal));
  });
});

test("the service", async (t) => {
  const db = await connected(t);
  await db.createObjectStore({ name: "items", schema: { indexes: [{ name: "by_n", keyPath: ["n"] }] } });
  for (const [at, id] of ["a", "b", "c", "d"].entries()) {
    await db.put({ store: "items", record: { fields: { id: string(id), n: int(at % 2) } } });
  }

  await t.test("drops the range of IndexGet, IndexGetKey and IndexDelete, as gestaltd does", async () => {
    const range = { lower: int(1), lowerOpen: false, upperOpen: false };
    assert.equal((await db.indexGetKey({ store: "items", index: "by_n", range })).key, "a");
    assert.deepEqual((await db.indexGetAllKeys({ store: "items", index: "by_n", range })).keys, ["b", "d"]);
  });

  await t.test("hides the stores that a plugin may not use", async () => {
    await fails(db.createObjectStore({ name: "secret" }), Code.NotFound, "datastore: not found");
    await fails(db.deleteObjectStore({ name: "secret" }), Code.NotFound, "datastore: not found");
    await fails(db.count({ store: "secret" }), Code.NotFound, "datastore: not found");
  });

  await t.test("wants a range to delete one", async () => {
    await fails(db.deleteRange({ store: "items" }), Code.InvalidArgument, "key range is required for DeleteRange");
  });

  await t.test("answers a cursor's commands one by one", async () => {
    const cursor = talk(db.openCursor.bind(db));
    assert.deepEqual(await cursor.ask(open({ index: "by_n" })), { case: "done", value: false });
    assert.deepEqual(entry(await cursor.ask(command({ case: "next", value: true }))), [["intValue", 0n], "a", true]);
    assert.deepEqual(entry(await cursor.ask(command({ case: "advance", value: 2 }))), [["intValue", 1n], "b", true]);
    const fields = { n: int(7) };
    assert.deepEqual(entry(await cursor.ask(command({ case: "update", value: { fields } }))), [
      ["intValue", 1n],
      "b",
      true,
    ]);
    assert.deepEqual(await cursor.ask(command({ case: "delete", value: true })), { case: "done", value: false });
    assert.deepEqual(entry(await cursor.ask(command({ case: "next", value: true }))), [["intValue", 1n], "d", true]);
    assert.deepEqual(await cursor.ask(command({ case: "next", value: true })), { case: "done", value: true });
    assert.deepEqual(await cursor.ask(command({ case: "advance", value: 1 })), { case: "done", value: true });
    assert.equal(await cursor.ask(command({ case: "close", value: true })), undefined);
    await db.put({ store: "items", record: { fields: { id: string("b"), n: int(1) } } });
  });

  await t.test(
    "lets a fresh cursor skip as many as it advances, and leaves the record out of key cursors",
    async () => {
      const cursor = talk(db.openCursor.bind(db));
      await cursor.ask(open({ keysOnly: true }));
      assert.deepEqual(entry(await cursor.ask(command({ case: "advance", value: 1 }))), [
        ["stringValue", "b"],
        "b",
        false,
      ]);
      const target = [{ kind: { case: "scalar", value: string("c") } }] as const;
      const to = command({ case: "continueToKey", value: { key: [...target] } });
      assert.deepEqual(entry(await cursor.ask(to)), [["stringValue", "c"], "c", false]);
      await fails(cursor.ask(to), Code.InvalidArgument, "continue key must lie ahead of the cursor");
    },
  );

  await t.test("ends a cursor that is not led by the rules", async () => {
    const begun = async (...more: CursorMessage[]) => {
      const cursor = talk(db.openCursor.bind(db));
      for (const message of more.slice(0, -1)) await cursor.ask(message);
      return cursor.ask(more.at(-1) as CursorMessage);
    };
    const next = command({ case: "next", value: true });
    const bad = (...messages: CursorMessage[]) => begun(open(), ...messages);
    await fails(begun(next), Code.InvalidArgument, "first message must be OpenCursorRequest");
    await fails(begun(open({ store: "nowhere" })), Code.NotFound, "datastore: not found");
    await fails(begun(open({ index: "nothing" })), Code.NotFound, "datastore: not found");
    await fails(bad(open()), Code.InvalidArgument, "expected CursorCommand after open");
    await fails(bad({ msg: { case: "command", value: {} } }), Code.InvalidArgument, "unknown cursor command");
    await fails(bad(command({ case: "advance", value: 0 })), Code.InvalidArgument, "advance count must be positive");
    await fails(bad(command({ case: "continueToKey", value: {} })), Code.InvalidArgument, "continue key is required");
    await fails(bad(command({ case: "delete", value: true })), Code.NotFound, "datastore: not found");
    await fails(bad(command({ case: "update", value: {} })), Code.NotFound, "datastore: not found");
  });

  await t.test("rolls a transaction back at the first failure, says both, and ignores the rest", async () => {
    const transaction = talk(db.transaction.bind(db));
    assert.equal((await transaction.ask(begin("items")))?.case, "begin");
    const put = { case: "put", value: { store: "items", record: { fields: { id: string("z") } } } } as const;
    const done = await transaction.ask(operation(1n, put));
    assert.ok(done?.case === "operation" && done.value.requestId === 1n && done.value.result.case === "empty");
    const failed = await transaction.ask(operation(2n, { case: "get", value: { store: "items", id: "nobody" } }));
    assert.ok(failed?.case === "operation" && failed.value.requestId === 2n);
    assert.deepEqual([failed.value.error?.code, failed.value.error?.message], [5, "datastore: not found"]);
    assert.equal((await transaction.hear())?.case, "abort");
    transaction.say(operation(3n, put));
    transaction.say({ msg: { case: "commit", value: {} } });
    transaction.close();
    assert.equal(await transaction.hear(), undefined);
    assert.deepEqual((await db.getAllKeys({ store: "items" })).keys, ["a", "b", "c", "d"]);
  });

  await t.test("rolls back a transaction whose client stops before the commit", async () => {
    const transaction = talk(db.transaction.bind(db));
    await transaction.ask(begin("items"));
    await transaction.ask(operation(1n, { case: "clear", value: { store: "items" } }));
    transaction.close();
    assert.equal(await transaction.hear(), undefined);
    assert.equal((await db.count({ store: "items" })).count, 4n);
  });

  await t.test("ends a transaction that is not led by the rules", async () => {
    const first = (message: TransactionMessage) => talk(db.transaction.bind(db)).ask(message);
    const second = async (message: TransactionMessage) => {
      const transaction = talk(db.transaction.bind(db));
      await transaction.ask(begin("items"));
      return transaction.ask(message);
    };
    await fails(first(operation(1n)), Code.InvalidArgument, "first message must be BeginTransactionRequest");
    await fails(first(begin()), Code.InvalidArgument, "datastore: invalid transaction");
    await fails(first(begin("nowhere")), Code.NotFound, "datastore: not found");
    await fails(second(begin("items")), Code.InvalidArgument, "expected transaction operation, commit, or abort");
    const outside = await second(operation(1n, { case: "clear", value: { store: "other" } }));
    assert.ok(outside?.case === "operation");
    assert.deepEqual([outside.value.error?.code, outside.value.error?.message], [3, "datastore: invalid transaction"]);
  });
});

type CursorMessage = MessageInitShape<typeof CursorClientMessageSchema>;
type TransactionMessage = MessageInitShape<typeof TransactionClientMessageSchema>;
type Init<T> = Extract<T, { $typeName?: never }>;
type Command = NonNullable<Init<MessageInitShape<typeof CursorCommandSchema>>["command"]>;

async function connected(t: TestContext): Promise<Client<typeof IndexedDB>> {
  const gestaltd = await startFakeGestaltd(t, {
    databases: { objectStores: { search: ["items", "other", "nowhere"] } },
  });
  const env = await gestaltd.offer({ plugin: "search", session: "s", via: "unix", hosts: ["INDEXEDDB"] });
  const path = env.GESTALT_INDEXEDDB_SOCKET ?? "";
  const sessionManager = new Http2SessionManager("http://localhost", {}, { createConnection: () => connect(path) });
  t.after(() => sessionManager.abort());
  return createClient(IndexedDB, createGrpcTransport({ baseUrl: "http://localhost", sessionManager }));
}

/** A bidirectional call, by hand. */
function talk<Question, Answer extends { msg?: unknown; result?: unknown }>(
  call: (messages: AsyncIterable<Question>) => AsyncIterable<Answer>,
) {
  const questions = new Outbox<Question>();
  const answers = call(questions)[Symbol.asyncIterator]();
  type Body = Answer extends { msg: infer Msg } ? Msg : Answer extends { result: infer Result } ? Result : never;
  const hear = async () => {
    const { value, done } = await answers.next();
    return done ? undefined : ((value.msg ?? value.result) as Body);
  };
  return {
    hear,
    say: (question: Question) => questions.push(question),
    close: () => questions.close(),
    ask(question: Question) {
      questions.push(question);
      return hear();
    },
  };
}

function open(more: { store?: string; index?: string; keysOnly?: boolean } = {}): CursorMessage {
  return { msg: { case: "open", value: { store: "items", ...more } } };
}

function command(value: Command): CursorMessage {
  return { msg: { case: "command", value: { command: value } } };
}

function begin(...stores: string[]): TransactionMessage {
  return { msg: { case: "begin", value: { stores, mode: 1 } } };
}

function operation(requestId: bigint, body?: object): TransactionMessage {
  return { msg: { case: "operation", value: { requestId, operation: body as never } } };
}

/** Key, primary key, and whether a record came with it. */
function entry(answer: CursorResponse["result"] | undefined) {
  assert.ok(answer?.case === "entry");
  const { key, primaryKey, record } = answer.value;
  assert.ok(key.length === 1 && key[0]?.kind.case === "scalar");
  const { kind } = key[0].kind.value;
  return [[kind.case, kind.value], primaryKey, record !== undefined];
}

function string(value: string): MessageInitShape<typeof TypedValueSchema> {
  return { kind: { case: "stringValue", value } };
}

function int(value: number): MessageInitShape<typeof TypedValueSchema> {
  return { kind: { case: "intValue", value: BigInt(value) } };
}

async function fails(call: Promise<unknown>, code: Code, message: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ConnectError);
    assert.deepEqual([Code[error.code], error.rawMessage], [Code[code], message]);
    return true;
  });
}
