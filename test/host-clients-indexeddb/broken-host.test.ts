// What the client makes of a gestaltd that does not keep to the protocol, or goes silent: never a wrong result, never
// a hang, and the call is always ended.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRouterTransport, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { HostServiceError } from "../../src/worker/host/errors.ts";
import { indexedDBClient } from "../../src/worker/host/indexeddb/client.ts";
import { TransactionError } from "../../src/worker/host/indexeddb/errors.ts";
import type { HostCallOptions } from "../../src/worker/host/link.ts";

const ACK = { result: { case: "done", value: false } } as const;
const BEGUN = { msg: { case: "begin", value: {} } } as const;

describe("a cursor", () => {
  const steps = (...answers: readonly object[]) => {
    const { db, ended } = host({ openCursor: scripted(answers) });
    return { cursor: db.objectStore("s").openCursor(), ended };
  };

  it("refuses an answer that is none to its opening", async () => {
    for (const answer of [{ result: { case: "done", value: true } }, { result: { case: "entry", value: {} } }, {}]) {
      const { cursor, ended } = steps(answer);
      await malformed(cursor.continue(), "gestaltd answered with something that is no answer to a cursor's open");
      await ended;
    }
  });

  it("refuses an answer that is none to a step, and is over then", async () => {
    for (const answer of [ACK, {}]) {
      const { cursor, ended } = steps(ACK, answer);
      await malformed(cursor.continue(), "gestaltd answered with something that is no answer to a cursor's step");
      await malformed(cursor.continue(), "gestaltd answered with something that is no answer to a cursor's step");
      assert.equal(cursor.done, true);
      await ended;
    }
  });

  it("takes an acknowledgement for an update, as the protocol allows", async () => {
    const { cursor } = steps(ACK, { result: { case: "entry", value: { primaryKey: "a" } } }, ACK);
    await cursor.continue();
    await cursor.update({ n: 1 });
    assert.deepEqual([cursor.key, cursor.value], ["a", { id: "a", n: 1 }]);
    cursor.close();
  });

  it("does not take the end of the stream for the end of the records", async () => {
    const { cursor, ended } = steps(ACK);
    await malformed(cursor.continue(), "gestaltd answered with the end of the stream, where an answer was due");
    await ended;
  });

  it("is cancelled when it is closed while gestaltd is silent", async () => {
    const { db, ended, asked } = host({ openCursor: silent() });
    const cursor = db.objectStore("s").openCursor();
    const step = cursor.continue();
    await asked;
    cursor.close();
    await assert.rejects(step, { code: 1 });
    await ended;
  });

  it("is cancelled at its time while gestaltd is silent", async () => {
    const { db, ended } = host({ openCursor: silent() });
    await assert.rejects(db.objectStore("s").openCursor({ timeoutMs: 20 }).continue(), { code: 4 });
    await ended;
  });
});

describe("a transaction", () => {
  const run = (answers: readonly object[]) => {
    const { db, ended } = host({ transaction: scripted(answers) });
    return { ended, result: db.transaction("s", "readwrite", (tx) => tx.objectStore("s").count()) };
  };
  const operation = (value: object) => ({ msg: { case: "operation", value } });
  const count = { case: "count", value: { count: 3n } } as const;

  it("works when gestaltd keeps to the protocol", async () => {
    const { result, ended } = run([
      BEGUN,
      operation({ requestId: 1n, result: count }),
      { msg: { case: "commit", value: {} } },
    ]);
    assert.equal(await result, 3);
    await ended;
  });

  it("refuses answers that are none, and never commits then", async () => {
    const answers: [string, object[]][] = [
      ["begin", [{}]],
      ["begin", [{ msg: { case: "commit", value: {} } }]],
      ["count", [BEGUN, operation({ requestId: 2n, result: count })]],
      ["count", [BEGUN, operation({ requestId: 1n })]],
      ["count", [BEGUN, operation({ requestId: 1n, result: { case: "delete", value: { deleted: 3n } } })]],
      ["count", [BEGUN, BEGUN]],
      ["commit", [BEGUN, operation({ requestId: 1n, result: count }), BEGUN]],
    ];
    for (const [to, given] of answers) {
      const { result, ended } = run(given);
      await malformed(result, `gestaltd answered with something that is no answer to a transaction's ${to}`);
      await ended;
    }
  });

  it("rejects when the commit fails", async () => {
    const error = { code: 6, message: "datastore: already exists" };
    const answers = [BEGUN, operation({ requestId: 1n, result: count }), { msg: { case: "commit", value: { error } } }];
    await assert.rejects(run(answers).result, { name: "AlreadyExistsError" });
  });

  it("tells of a rollback that failed to whoever asked for it", async () => {
    const error = { code: 13, message: "disk" };
    const { db } = host({ transaction: scripted([BEGUN, { msg: { case: "abort", value: { error } } }]) });
    await assert.rejects(
      db.transaction("s", "readonly", (tx) => tx.abort()),
      { message: "disk", code: 13 },
    );
  });

  it("takes a lost call for the rollback it is", async () => {
    const { db, ended } = host({ transaction: scripted([BEGUN]) });
    await db.transaction("s", "readonly", (tx) => tx.abort());
    await ended;
  });

  it("ends at the time of one operation, those behind it with it", async () => {
    const { db, ended } = host({ transaction: silent(BEGUN) });
    const settled = await db
      .transaction("s", "readonly", (tx) => {
        const store = tx.objectStore("s");
        return Promise.allSettled([store.count(undefined, { timeoutMs: 20 }), store.count()]);
      })
      .catch((error: unknown) => error);
    assert.ok(settled instanceof HostServiceError && settled.code === 4);
    await ended;
  });

  it("says what it was that ended it", async () => {
    const error = { code: 9, message: "datastore: transaction is readonly" };
    const abort = { msg: { case: "abort", value: {} } };
    const { db, ended } = host({ transaction: scripted([BEGUN, operation({ requestId: 1n, error }), abort]) });
    let second: unknown;
    const thrown = await db
      .transaction("s", "readonly", async (tx) => {
        const first = await tx
          .objectStore("s")
          .clear()
          .catch((cause: unknown) => cause);
        second = await tx
          .objectStore("s")
          .clear()
          .catch((cause: unknown) => cause);
        throw first;
      })
      .catch((cause: unknown) => cause);
    assert.ok(thrown instanceof TransactionError && second instanceof TransactionError);
    assert.equal(second.cause, thrown);
    await ended;
  });
});

type Streams = Pick<ServiceImpl<typeof IndexedDB>, "openCursor" | "transaction">;
type Stream = (questions: AsyncIterable<unknown>, context: HandlerContext) => AsyncIterable<object>;

/** A gestaltd with that behaviour, and what it sees of the client. */
function host(service: { readonly openCursor?: Stream; readonly transaction?: Stream }) {
  const [ended, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const watched = (stream: Stream = scripted([])): Stream =>
    async function* (questions, context) {
      // A transport in memory tells a handler that it was cancelled by this alone.
      context.signal.addEventListener("abort", () => ended.resolve(), { once: true });
      try {
        yield* stream(noticing(questions, asked.resolve), context);
      } finally {
        ended.resolve();
      }
    };
  const streams = { openCursor: watched(service.openCursor), transaction: watched(service.transaction) };
  const transport = createRouterTransport(({ service: add }) => add(IndexedDB, streams as unknown as Streams));
  const options = (given: HostCallOptions = {}) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    db: indexedDBClient({ transport, invocationToken: "", env: {}, options }),
    ended: ended.promise,
    asked: asked.promise,
  };
}

async function* noticing<T>(questions: AsyncIterable<T>, notice: () => void): AsyncGenerator<T> {
  for await (const question of questions) {
    notice();
    yield question;
  }
}

/** Answers so many questions and ends; reads on till the client does when there are answers to spare. */
function scripted(answers: readonly object[]): Stream {
  return async function* (questions) {
    const left = [...answers];
    for await (const _ of questions) {
      const answer = left.shift();
      if (answer === undefined) return;
      yield answer;
    }
  };
}

/** Answers so many, and then nothing ever. */
function silent(...answers: readonly object[]): Stream {
  return async function* (questions) {
    const left = [...answers];
    for await (const _ of questions) {
      const answer = left.shift();
      if (answer === undefined) await new Promise(() => {});
      else yield answer;
    }
  };
}

async function malformed(work: Promise<unknown>, message: string): Promise<void> {
  await assert.rejects(work, { name: "HostServiceError", code: 13, message });
}
