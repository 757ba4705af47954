// The WebSocket of a stream, as src/wire/indexeddb-socket.ts says: refusals, turns, the last word, deadlines.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { TransactionClientMessageSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_transaction_pb.ts";
import { CURSOR_IDLE_MS, HALF_CLOSE, PING, PONG, TRANSACTION_IDLE_MS } from "../../src/wire/indexeddb-socket.ts";
import { OPEN_CURSOR_PATH, TRANSACTION_PATH } from "../../src/wire/routes.ts";
import { eventually } from "../support/eventually.ts";
import { refused } from "../support/refused.ts";
import { answerToHead } from "../support/worker-harness.ts";
import { describeObjects, record } from "./databases.ts";
import { CursorClient, TransactionClient } from "./stream-client.ts";

describeObjects("stream socket", (on) => {
  before(async () => {
    await on.db.client.createObjectStore({ name: "s" });
  });
  const connect = (headers?: Readonly<Record<string, string>>) =>
    TransactionClient.connect(on.databases.worker, on.db.claims, headers);

  it("is refused without a token, without an upgrade, and where there is no such service", async () => {
    const authorization = `Bearer ${await on.databases.worker.token(on.db.claims)}`;
    for (const path of [OPEN_CURSOR_PATH, TRANSACTION_PATH]) {
      const upgrade = ["upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13"];
      const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
      const head = [`GET ${path} HTTP/1.1`, "host: worker", ...upgrade, key];
      assert.match(await answerToHead(on.databases.worker.url, head), /^HTTP\/1.1 401 /);
      for (const method of ["GET", "POST"]) {
        const plainly = await on.databases.worker.fetch(path, { method, headers: { authorization } });
        assert.equal(plainly.status, 426);
        assert.equal(((await plainly.json()) as { code: string }).code, "unimplemented");
      }
    }
    const { worker } = on.databases;
    await assert.rejects(TransactionClient.connect(worker, { ...on.db.claims, config: { table: "" } }), /refused/);
    await assert.rejects(connect({ "connect-timeout-ms": "soon" }), /refused/);
  });

  it("answers signs of life, also while an answer is due, and passes over other texts", async () => {
    const first = await on.db.begin(["s"]);
    const waiting = await connect();
    waiting.stream.sendText("anything");
    const begun = waiting.begin(["s"]);
    waiting.stream.sendText(PING);
    await eventually(async () => assert.deepEqual(waiting.stream.texts, [PONG]));
    await first.commit();
    await begun;
    await waiting.commit();
  });

  it("ends a stream whose caller speaks out of turn", async () => {
    const transaction = await on.db.begin(["s"]);
    const count = { requestId: 1n, operation: { case: "count", value: { store: "s" } } } as const;
    for (let time = 0; time < 50; time++) transaction.stream.send({ msg: { case: "operation", value: count } });
    const end = await transaction.stream.ended;
    assert.equal(end.error?.code, Code.InvalidArgument);
    assert.match(end.error?.rawMessage ?? "", /out of turn/);
    assert.equal(end.closeCode, 1000);
    const afterHalfClose = await connect();
    const first = await on.db.begin(["s"]);
    afterHalfClose.stream.send({ msg: { case: "begin", value: { stores: ["s"], mode: 1 } } });
    afterHalfClose.stream.sendText(HALF_CLOSE);
    afterHalfClose.stream.send({ msg: { case: "commit", value: {} } });
    assert.equal((await afterHalfClose.stream.ended).error?.code, Code.InvalidArgument);
    await first.commit();
  });

  it("answers what came before the half-close, and then ends", async () => {
    const transaction = await connect();
    transaction.stream.send({ msg: { case: "begin", value: { stores: ["s"], mode: 1 } } });
    transaction.stream.sendText(HALF_CLOSE);
    assert.equal((await transaction.stream.receive())?.msg.case, "begin");
    assert.equal(await transaction.stream.receive(), undefined);
    await (await on.db.begin(["s"])).commit();
  });

  it("refuses messages that are none or too large, and takes those of 4 MiB", async () => {
    const broken = await connect();
    broken.stream.sendBytes(Uint8Array.of(0xff, 0xff));
    await assert.rejects(broken.stream.receive(), refused(Code.InvalidArgument, /TransactionClientMessage in binary/));
    const large = await connect();
    large.stream.sendBytes(new Uint8Array(4 * 1024 * 1024 + 1));
    await assert.rejects(large.stream.receive(), refused(Code.ResourceExhausted));
    const transaction = await on.db.begin(["s"]);
    const value = record("large", { bytes: new Uint8Array(4 * 1024 * 1024 - 100) });
    await transaction.operate({ case: "put", value: { store: "s", record: value } });
    const read = await transaction.operate({ case: "get", value: { store: "s", id: "large" } });
    assert.equal(read.case, "record");
    await transaction.commit();
    const cursor = await on.db.cursor({ store: "s" });
    const entry = await cursor.next();
    assert.ok(typeof entry === "object" && entry.record !== undefined);
    cursor.close();
    await on.db.client.clear({ store: "s" });
  });

  it("keeps the stream's deadline, and rolls back", async () => {
    const transaction = await connect({ "connect-timeout-ms": "1500" });
    await transaction.begin(["s"]);
    await transaction.operate({ case: "put", value: { store: "s", record: record("x") } });
    await assert.rejects(transaction.stream.receive(), refused(Code.DeadlineExceeded));
    assert.equal((await transaction.stream.ended).cut, false);
    await (await on.db.begin(["s"])).commit();
    assert.equal((await on.db.client.count({ store: "s" })).count, 0n);
    const cursor = await CursorClient.stream(on.databases.worker, on.db.claims, { "connect-timeout-ms": "100" });
    await assert.rejects(cursor.receive(), refused(Code.DeadlineExceeded));
  });

  it("carries texts of any length in its last word", async () => {
    const name = `${"ключ".repeat(60)}"{}`;
    const cursor = await CursorClient.stream(on.databases.worker, on.db.claims);
    cursor.send({ msg: { case: "open", value: { store: name } } });
    await assert.rejects(cursor.receive(), (error: unknown) => {
      refused(Code.NotFound, /^datastore: not found/)(error);
      assert.ok(String(error).includes("ключ".repeat(60)));
      return true;
    });
  });

  it("gives silent callers the time that docs/indexeddb.md states", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/indexeddb.md"), "utf8");
    assert.ok(page.includes(`${TRANSACTION_IDLE_MS / 1_000} seconds of silence (ABORTED)`));
    assert.ok(page.includes(`After ${CURSOR_IDLE_MS / 60_000} minutes without a step a cursor is closed: ABORTED`));
  });

  it("lets go of everything when hundreds of callers leave in the middle", async () => {
    const begun = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const transaction = await connect();
        transaction.stream.sendBytes(
          toBinary(
            TransactionClientMessageSchema,
            create(TransactionClientMessageSchema, {
              msg: { case: "begin", value: { stores: ["s"], mode: (at % 2) as 0 | 1 } },
            }),
          ),
        );
        const cursor = await on.db.cursor({ store: "s" });
        return [transaction, cursor] as const;
      }),
    );
    for (const [transaction, cursor] of begun) {
      transaction.stream.close();
      cursor.close();
    }
    const last = await on.db.begin(["s"]);
    await last.operate({ case: "put", value: { store: "s", record: record("x") } });
    await last.commit();
    // Replaced at once, since nobody looks any more.
    await eventually(async () => {
      await on.db.client.put({ store: "s", record: record("x") });
      assert.equal((await on.databases.control<{ records: number }>("stored", on.db.objectName)).records, 1);
    });
    assert.deepEqual(
      on.databases.log.filter((line) => /error|failed/i.test(line)),
      [],
    );
  });
});
