// Streaming host calls in each direction: order, back-pressure, ends from either side.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CursorResponseSchema } from "../../src/gen/gestalt/provider/v1/indexeddb_cursor_pb.ts";
import {
  ReadObjectChunkSchema,
  WriteObjectRequestSchema,
  WriteObjectResponseSchema,
} from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import { CALL_WINDOW_BYTES } from "../../src/wire/channel/limits.ts";
import { failure, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { BATCH_BYTES } from "../../src/worker/channel/limits.ts";
import { until } from "../support/bridge-process.ts";
import { callOf, channelTest, encode, received } from "./host.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const piece = (bytes: number) =>
  encode(ReadObjectChunkSchema, { result: { case: "data", value: new Uint8Array(bytes) } });
const answer = encode(CursorResponseSchema, { result: { case: "done", value: false } });
const stored = (size: number) => encode(WriteObjectResponseSchema, { meta: { size: BigInt(size) } });

/** Sends so many messages, no faster than they are taken, then a status. `sent` counts them. */
async function send(call: IncomingCall, count: number, message: Uint8Array, status = OK, sent = { count: 0 }) {
  for (; sent.count < count; sent.count++) await call.write(message);
  call.end(status);
}

suite("streaming host calls", { timeout: 60_000 }, () => {
  const channel = channelTest();

  suite("from the host", () => {
    test("bring every message, then the trailers", async () => {
      const { calls } = await channel.accept({
        async onCall(call) {
          assert.equal((await received(call, WriteObjectRequestSchema)).length, 1, "one request, then half-closed");
          await send(call, 500, piece(10), { ...OK, metadata: ["x-last", "yes"] });
        },
      });
      assert.deepEqual(await channel.ask("read"), { messages: 500, bytes: 5_000, trailers: [["x-last", "yes"]] });
      assert.equal(calls[0]?.init.streaming, "server");
    });

    test("may be empty, large, or of the largest messages", async () => {
      const replies = [
        { count: 0, size: 0 },
        { count: 1_000, size: 64 * KIB },
        { count: 8, size: MAX_MESSAGE_BYTES - KIB },
      ];
      await channel.accept({
        onCall: (call) => send(call, Number(replies[0]?.count), piece(replies[0]?.size ?? 0)),
      });
      for (; replies.length > 0; replies.shift()) {
        const { messages, bytes, failure } = await channel.ask("read");
        const { count, size } = replies[0] ?? assert.fail();
        assert.deepEqual([failure, messages, bytes], [undefined, count, count * size]);
      }
    });

    test("bring what came before an error, then the error", async () => {
      const error = { ...failure(GrpcCode.dataLoss, "disk"), metadata: ["x-disk", "7"] };
      await channel.accept({ onCall: (call) => send(call, 3, piece(1), error) });
      const { messages, failure: code, message, metadata } = await channel.ask("read");
      assert.deepEqual([messages, code, message, metadata], [3, "DataLoss", "disk", { "x-disk": "7" }]);
    });

    test("go no faster than they are read", async () => {
      const sent = { count: 0 };
      const size = 16 * KIB;
      const { calls } = await channel.accept({
        onCall: (call) => send(call, (64 * MIB) / size, piece(size), OK, sent),
      });
      const leave = await channel.askAndLeave("read", { key: "slow", pauseMs: 20 });
      const progress = async () => Number(await channel.ask("progress", { key: "slow" }));
      for (const goal of [1, 10, 30]) {
        await until(async () => (await progress()) >= goal, "it reads");
        const read = await progress();
        // One window in the object and one on its way, a batch that is read and one fetched ahead.
        const held = sent.count * size - read * size;
        assert.ok(held <= 2 * CALL_WINDOW_BYTES + 2 * BATCH_BYTES + 4 * size, `${held} bytes ahead of the reader`);
      }
      leave();
      assert.equal((await (await callOf(calls)).ended).code, GrpcCode.canceled);
    });

    test("are cancelled by their caller's signal, before the first message and after some", async () => {
      const silent = await channel.accept();
      const asked = channel.ask("read", { stop: "read" });
      const call = await callOf(silent.calls);
      await channel.ask("progress", { key: "read", count: 1 });
      assert.equal((await asked).failure, "Canceled");
      assert.equal((await call.ended).code, GrpcCode.canceled);

      const { calls } = await channel.accept({ onCall: (talking) => write(talking, 2, piece(1)) });
      const { messages, failure: code } = await channel.ask("read", { abortAfter: 2 });
      assert.deepEqual([messages, code], [2, "Canceled"]);
      assert.equal((await (await callOf(calls)).ended).code, GrpcCode.canceled);
    });

    test("end at their deadline, whether the host is silent or the reader slow", async () => {
      const { calls } = await channel.accept({ onCall: (call) => write(call, calls.length === 1 ? 0 : 9, piece(1)) });
      for (const ask of [{ timeoutMs: 100 }, { timeoutMs: 100, pauseMs: 30 }]) {
        assert.equal((await channel.ask("read", ask)).failure, "DeadlineExceeded");
      }
      for (const call of calls) assert.notEqual((await call.ended).code, GrpcCode.ok);
    });

    test("that are left without a word end with their request", async () => {
      const { calls } = await channel.accept({ onCall: (call) => write(call, 1, piece(1)) });
      assert.deepEqual(await channel.ask("leave"), {});
      assert.equal((await (await callOf(calls)).ended).code, GrpcCode.canceled);
    });
  });

  suite("to the host", () => {
    test("bring every message, and its one reply back", async () => {
      const shapes = [
        { count: 0, size: 1 },
        { count: 3_000, size: 10 },
        { count: 500, size: 100 * KIB },
        { count: 5, size: MAX_MESSAGE_BYTES - KIB },
      ];
      const { calls } = await channel.accept({ onCall: (call) => store(call) });
      for (const { count, size } of shapes) {
        const { sent, closed, size: total, failure: code } = await channel.ask("write", { count, size });
        assert.deepEqual([code, sent, closed, total], [undefined, count, true, count * size]);
      }
      assert.ok(calls.every(({ init }) => init.streaming === "client"));
    });

    test("go no faster than the host takes them", async () => {
      const size = 16 * KIB;
      const { calls } = await channel.accept();
      const asked = channel.ask("write", { key: "stuck", count: (64 * MIB) / size, size });
      const call = await callOf(calls);
      const sent = async () => size * Number(await channel.ask("progress", { key: "stuck" }));
      await until(async () => (await sent()) >= CALL_WINDOW_BYTES, "the window is full");
      let read = 0;
      for await (const message of call.messages) {
        read += message.length;
        // One window, a batch that waits in the object and one that gathers.
        if (read % (64 * size) < size)
          assert.ok((await sent()) - read <= CALL_WINDOW_BYTES + 2 * BATCH_BYTES + 4 * size);
        if (read > 4 * MIB) break;
      }
      call.end(failure(GrpcCode.resourceExhausted, "full"));
      const { failure: code, closed } = await asked;
      assert.deepEqual([code, closed], ["ResourceExhausted", true]);
    });

    test("end when the host has heard enough, with its reply or its error", async () => {
      const ends = [OK, failure(GrpcCode.alreadyExists, "there is one")];
      await channel.accept({
        async onCall(call) {
          for await (const _ of call.messages) break;
          void call.write(stored(1));
          call.end(ends.shift() ?? OK);
        },
      });
      const early = await channel.ask("write", { count: 100_000, size: KIB });
      assert.deepEqual([early.failure, early.size, early.closed], [undefined, 1, true]);
      assert.ok(Number(early.sent) < 100_000);
      const refused = await channel.ask("write", { count: 100_000, size: KIB });
      assert.deepEqual([refused.failure, refused.message, refused.closed], ["AlreadyExists", "there is one", true]);
    });

    test("end with what their input throws, cancelled at the host", async () => {
      const { calls } = await channel.accept();
      const asked = channel.ask("write", { key: "throws", count: 5 });
      const call = await callOf(calls);
      await channel.ask("progress", { key: "throws", count: 1 });
      const { failure: code, message } = await asked;
      assert.deepEqual([code, message], ["DataLoss", "no more"]);
      assert.equal((await call.ended).code, GrpcCode.canceled);
    });

    test("refuse a message over the limit", async () => {
      const { calls } = await channel.accept();
      const { failure: code } = await channel.ask("write", { count: 2, size: MAX_MESSAGE_BYTES });
      assert.equal(code, "ResourceExhausted");
      // Given up so early, the call may never have been begun.
      for (const call of calls) assert.equal((await call.ended).code, GrpcCode.canceled);
    });
  });

  suite("in both directions", () => {
    test("can take turns", async () => {
      const { calls } = await channel.accept({
        async onCall(call) {
          for await (const _ of call.messages) void call.write(answer);
          call.end(OK);
        },
      });
      assert.deepEqual(await channel.ask("talk", { count: 100 }), { asked: 100, answered: 100 });
      assert.equal(calls[0]?.init.streaming, "bidi");
    });

    test("end for both sides with an error of either", async () => {
      const { calls } = await channel.accept({
        async onCall(call) {
          for await (const _ of call.messages) {
            if (calls.length === 1) call.end(failure(GrpcCode.failedPrecondition, "no such store"));
          }
        },
      });
      const refused = await channel.ask("talk", { count: 5 });
      assert.deepEqual([refused.failure, refused.message], ["FailedPrecondition", "no such store"]);
      assert.equal((await channel.ask("talk", { count: 5, timeoutMs: 100 })).failure, "DeadlineExceeded");
      assert.notEqual((await calls[1]?.ended)?.code, GrpcCode.ok);
    });
  });
});

/** Sends some messages and nothing else. */
function write(call: IncomingCall, count: number, message: Uint8Array): void {
  for (let i = 0; i < count; i++) void call.write(message);
}

/** Takes an object and answers its size. */
async function store(call: IncomingCall): Promise<void> {
  let size = 0;
  for (const { msg } of await received(call, WriteObjectRequestSchema)) {
    size += msg.case === "data" ? msg.value.length : 0;
  }
  void call.write(stored(size));
  call.end(OK);
}
