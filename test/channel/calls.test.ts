// Calls over a channel in memory: every kind, in every order of delivery, many at once, with slow readers.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import type { CallInit } from "../../src/wire/channel/call.ts";
import {
  BURST_BYTES,
  CALL_WINDOW_BYTES,
  CHANNEL_WINDOW_BYTES,
  CHUNK_BYTES,
  costOf,
  MAX_CALLS,
  MAX_PACKET_BYTES,
} from "../../src/wire/channel/limits.ts";
import { CallError, failure, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { ChannelPair, framesOf, microtasks, START } from "./pair.ts";

import { assertIdle, filled, init, outcome, readAll, send } from "./use.ts";

/** Order of everything that happens, as the numbers that {@link ChannelPair.settle} takes. */
const order = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 30 });
const sizes = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 300 }), fc.nat({ max: 3 * CHUNK_BYTES })), {
  maxLength: 6,
});

async function echo(call: IncomingCall): Promise<void> {
  try {
    for await (const message of call.messages) await call.write(message);
    call.end({ ...OK, metadata: ["trailer", call.init.service] });
  } catch (error) {
    assert.ok(error instanceof CallError);
  }
}

describe("calls", () => {
  it("carry both ways what was sent, in any order of delivery and through any window", async () => {
    const window = fc.constantFrom(undefined, { call: 300, channel: 1_000 }, { call: 1, channel: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(sizes, { minLength: 1, maxLength: 5 }),
        order,
        window,
        async (calls, choices, windows) => {
          const pair = new ChannelPair({ handler: (call) => void echo(call), ...(windows && { windows }) });
          const results = calls.map((sizesOfCall, i) => {
            const messages = sizesOfCall.map((size, seed) => filled(size, seed));
            const call = pair.opener.peer.open({ ...init, service: `S${i}`, deadline: START + 1_000 });
            send(call, messages);
            return { messages, call, read: readAll(call.messages) };
          });
          await pair.settle(choices);
          for (const [i, { messages, call, read }] of results.entries()) {
            assert.deepEqual(await read, messages);
            assert.deepEqual(await call.status, { ...OK, metadata: ["trailer", `S${i}`] });
          }
          assertIdle(pair);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("bring in one what was written in several places", async () => {
    const places = fc.array(fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: CHUNK_BYTES })), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(places, async (sizes) => {
        const pair = new ChannelPair({ handler: (call) => void echo(call) });
        const call = pair.opener.peer.open(init);
        const written = sizes.map(filled);
        void call.write(written);
        call.halfClose();
        const read = readAll(call.messages);
        await pair.settle();
        assert.deepEqual(await read, [new Uint8Array(Buffer.concat(written))]);
      }),
      { numRuns: 30 },
    );
  });

  it("tell the acceptor what they are about, with the deadline on its own clock", async () => {
    const inits: CallInit[] = [];
    const pair = new ChannelPair({ handler: (call) => inits.push(call.init) });
    const given = { ...init, streaming: "server", metadata: ["a", "1", "a", "2"], deadline: START + 250.5 } as const;
    pair.opener.peer.open(given);
    pair.opener.peer.open(init);
    await pair.settle();
    assert.deepEqual(inits, [
      { ...given, deadline: START + 251 },
      { ...init, deadline: undefined },
    ]);
  });

  it("with one message each way take one packet each way", async () => {
    const pair = new ChannelPair({
      handler: async (call) => {
        const [request] = await readAll(call.messages);
        void call.write(request ?? filled(0, 0));
        call.end(OK);
      },
    });
    await pair.settle();
    send(pair.opener.peer.open(init), [filled(10, 1)]);
    await microtasks();
    assert.deepEqual(
      framesOf(pair.opener.socket.sent).map(({ type }) => type),
      ["open", "message", "half-close"],
    );
    assert.equal(pair.opener.socket.sent.length, 1);
    pair.step(0);
    await microtasks();
    assert.deepEqual(
      framesOf(pair.acceptor.socket.sent).map(({ type }) => type),
      ["message", "status"],
    );
    assert.equal(pair.acceptor.socket.sent.length, 1);
  });

  it("run a thousand at once", async () => {
    const pair = new ChannelPair({ handler: (call) => void echo(call) });
    const reads = Array.from({ length: MAX_CALLS }, (_, i) => {
      const call = pair.opener.peer.open(init);
      send(call, [filled(100 + i, i)]);
      return readAll(call.messages);
    });
    const tooMany = pair.opener.peer.open(init);
    assert.equal((await tooMany.status).code, GrpcCode.resourceExhausted);
    await pair.settle();
    for (const [i, read] of reads.entries()) assert.deepEqual(await read, [filled(100 + i, i)]);
    assertIdle(pair);
  });

  it("pass others while a large message is on its way, in packets of limited size", async () => {
    const ended: string[] = [];
    const pair = new ChannelPair({ handler: (call) => void readAll(call.messages).then(() => call.end(OK)) });
    const large = pair.opener.peer.open(init);
    send(large, [filled(MAX_MESSAGE_BYTES, 1)]);
    const small = pair.opener.peer.open(init);
    send(small, [filled(10, 1)]);
    void large.status.then(() => ended.push("large"));
    void small.status.then(() => ended.push("small"));
    let largest = 0;
    do {
      await microtasks();
      for (const packet of pair.opener.socket.sent) largest = Math.max(largest, packet.length);
    } while (pair.step(0));
    assert.deepEqual(ended, ["small", "large"]);
    assert.ok(largest <= MAX_PACKET_BYTES, `${largest}`);
  });

  it("hold no more than their window and a message when nobody reads, and go on when somebody does", async () => {
    const calls: IncomingCall[] = [];
    const pair = new ChannelPair({ handler: (call) => calls.push(call) });
    const message = filled(50_000, 1);
    const call = pair.opener.peer.open(init);
    let written = 0;
    for (let i = 0; i < 100; i++) void call.write(message).then(() => written++);
    call.halfClose();
    await pair.settle();
    const { bytesHeld } = pair.acceptor.peer;
    assert.ok(bytesHeld >= CALL_WINDOW_BYTES && bytesHeld < CALL_WINDOW_BYTES + costOf(message.length), `${bytesHeld}`);
    assert.ok(written <= CALL_WINDOW_BYTES / message.length + 1, `${written}`);
    assert.ok(calls[0]);
    const read = readAll(calls[0].messages);
    await pair.settle();
    assert.equal((await read).length, 100);
    assert.equal(pair.acceptor.peer.bytesHeld, 0);
  });

  it("hold no more than the channel's window and a message together, and none waits for another's size", async () => {
    const calls: IncomingCall[] = [];
    const pair = new ChannelPair({ handler: (call) => calls.push(call) });
    const opened = Array.from({ length: 10 }, () => pair.opener.peer.open(init));
    for (const call of opened) send(call, [filled(MAX_MESSAGE_BYTES, 1)]);
    await pair.settle();
    const { bytesHeld } = pair.acceptor.peer;
    assert.ok(bytesHeld < CHANNEL_WINDOW_BYTES + costOf(MAX_MESSAGE_BYTES), `${bytesHeld}`);
    const reads = calls.map((call) => readAll(call.messages));
    await pair.settle();
    for (const read of reads) assert.equal((await read)[0]?.length, MAX_MESSAGE_BYTES);
  });

  it("do not get empty messages for nothing", async () => {
    const pair = new ChannelPair();
    const call = pair.opener.peer.open(init);
    let written = 0;
    for (let i = 0; i < 10_000; i++) void call.write(filled(0, 0)).then(() => written++);
    await pair.settle();
    assert.equal(written, CALL_WINDOW_BYTES / costOf(0));
  });

  it("refuse a message over 4 MiB before it is sent", async () => {
    const calls: IncomingCall[] = [];
    const pair = new ChannelPair({ handler: (call) => calls.push(call) });
    const [request, reply] = [pair.opener.peer.open(init), pair.opener.peer.open(init)];
    await pair.settle();
    const tooLarge = filled(MAX_MESSAGE_BYTES + 1, 1);
    await assert.rejects(request.write(tooLarge), { status: await request.status });
    await assert.rejects(calls[1]?.write(tooLarge) ?? Promise.resolve(), CallError);
    await pair.settle();
    assert.equal((await request.status).code, GrpcCode.resourceExhausted);
    assert.equal((await reply.status).code, GrpcCode.resourceExhausted);
    assert.equal((await calls[0]?.ended)?.code, GrpcCode.canceled);
  });

  it("deliver what came before an error, then the error with its metadata", async () => {
    const status = { code: GrpcCode.notFound, message: "no such key", metadata: ["k", "v", "k-bin", "AA=="] };
    const pair = new ChannelPair({
      handler: async (call) => {
        await call.write(filled(3, 1));
        call.end(status);
        call.end(OK);
        await assert.rejects(call.write(filled(3, 1)), CallError);
      },
    });
    const call = pair.opener.peer.open(init);
    await pair.settle();
    const messages = call.messages[Symbol.asyncIterator]();
    assert.deepEqual(await messages.next(), { done: false, value: filled(3, 1) });
    await assert.rejects(messages.next(), { status });
    await assert.rejects(messages.next(), { status });
    assert.deepEqual(await call.status, status);
    await assert.rejects(call.write(filled(1, 1)), { status });
    assertIdle(pair);
  });

  it("do not let an error wait for messages that have no credit", async () => {
    const status = failure(GrpcCode.internal, "broken");
    const pair = new ChannelPair({
      windows: { call: 10, channel: 1_000_000 },
      handler: (call) => {
        for (let i = 0; i < 5; i++) void call.write(filled(100, i));
        call.end(status);
      },
    });
    const call = pair.opener.peer.open(init);
    await pair.settle();
    assert.deepEqual(await call.status, status);
    assert.deepEqual(await outcome(call.messages), status);
    assertIdle(pair);
  });

  it("whose handler throws end INTERNAL", async () => {
    const pair = new ChannelPair({
      handler: () => {
        throw new Error("secret");
      },
    });
    const call = pair.opener.peer.open(init);
    await pair.settle();
    const { code, message } = await call.status;
    assert.equal(code, GrpcCode.internal);
    assert.doesNotMatch(message, /secret/);
  });
});

describe("a sender", () => {
  it("asks the socket for its time once a burst", async () => {
    const pair = new ChannelPair();
    void pair.opener.peer.open(init).write(filled(MAX_MESSAGE_BYTES, 1));
    let bursts = 0;
    for (; pair.opener.socket.tasks.length > 0; bursts++) {
      await microtasks();
      pair.opener.socket.tasks.shift()?.();
    }
    const burst = CHUNK_BYTES * Math.ceil(BURST_BYTES / CHUNK_BYTES);
    assert.equal(bursts, Math.floor(MAX_MESSAGE_BYTES / burst));
  });
});
