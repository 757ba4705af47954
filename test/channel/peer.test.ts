// The channel itself: its loss in each state of a call, its beginning anew, taking leave, and the other side breaking rules.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import type { CallInit } from "../../src/wire/channel/call.ts";
import { CLOSE_CODES } from "../../src/wire/channel/close.ts";
import type { Frame } from "../../src/wire/channel/frames.ts";
import {
  CALL_WINDOW_BYTES,
  CHANNEL_VERSION,
  CHUNK_BYTES,
  MAX_CALLS,
  MAX_CLOSE_REASON_BYTES,
  MESSAGE_OVERHEAD_BYTES,
} from "../../src/wire/channel/limits.ts";
import { CallError, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { frame } from "./arbitraries.ts";
import { ChannelPair, framesOf, microtasks, packetOf, TestClock, TestSide } from "./pair.ts";

const init: CallInit = { service: "S3", path: "/gestalt.provider.v1.S3/ReadObject", streaming: "bidi", metadata: [] };
const bytes = (size: number) => new Uint8Array(size);

async function readAll(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

describe("a lost channel", () => {
  const stages = 13;

  it("ends every call UNAVAILABLE at once on both sides, whatever state it is in", async () => {
    for (let steps = 0; steps < stages; steps++) {
      const incoming: IncomingCall[] = [];
      const handler = (call: IncomingCall) => {
        incoming.push(call);
        void call.write(bytes(3 * CHUNK_BYTES));
      };
      const pair = new ChannelPair({ handler, windows: { call: CHUNK_BYTES, channel: 9 * CHUNK_BYTES } });
      const [open, halfClosed] = [0, 1].map(() =>
        pair.opener.peer.open({ ...init, deadline: pair.clock.now() + 1_000 }),
      );
      for (const call of [open, halfClosed]) void call?.write(bytes(2 * CHUNK_BYTES));
      const waiting = open?.write(bytes(1));
      halfClosed?.halfClose();
      for (let i = 0; i < steps; i++) {
        if (i > 0) await microtasks();
        pair.step(i);
      }
      pair.cut();
      for (const call of [open, halfClosed]) {
        assert.equal((await call?.status)?.code, GrpcCode.unavailable);
        for (let reading = true; reading; ) {
          const result = call?.messages[Symbol.asyncIterator]().next();
          reading = (await result?.catch((error) => assert.ok(error instanceof CallError))) !== undefined;
        }
      }
      await waiting?.catch((error) => assert.ok(error instanceof CallError));
      for (const call of incoming) assert.equal((await call.ended).code, GrpcCode.unavailable);
      assert.equal(pair.clock.timers, 0);
      assert.equal(pair.opener.peer.bytesHeld + pair.acceptor.peer.bytesHeld, 0);
      for (const side of [pair.opener, pair.acceptor]) {
        assert.deepEqual(side.ends, [{ kind: "lost", message: "cut" }]);
        assert.equal(side.socket.closed, undefined);
      }
    }
  });

  it("opens no more calls, and answers no more pings", async () => {
    const pair = new ChannelPair();
    await pair.settle();
    const ping = pair.opener.peer.ping();
    pair.cut();
    assert.equal(await ping, false);
    assert.equal(await pair.opener.peer.ping(), false);
    const { code, message } = await pair.opener.peer.open(init).status;
    assert.equal(code, GrpcCode.unavailable);
    assert.match(message, /cut/);
  });

  it("is noticed when the socket refuses a packet", async () => {
    const pair = new ChannelPair();
    await pair.settle();
    pair.opener.socket.broken = true;
    const call = pair.opener.peer.open(init);
    assert.equal((await call.status).code, GrpcCode.unavailable);
    assert.equal(pair.opener.ends[0]?.kind, "lost");
  });
});

describe("a ping", () => {
  it("is answered from either side", async () => {
    const pair = new ChannelPair();
    await pair.settle();
    const pings = [pair.opener.peer.ping(), pair.acceptor.peer.ping(), pair.opener.peer.ping()];
    await pair.settle();
    assert.deepEqual(await Promise.all(pings), [true, true, true]);
  });
});

describe("an opener that begins anew on the same socket", () => {
  it("gets its calls done, while what was meant for the one before goes nowhere", async () => {
    for (let steps = 0; steps < 10; steps++) {
      const incoming: IncomingCall[] = [];
      const handler = (call: IncomingCall) => {
        incoming.push(call);
        for (let i = 0; i < 3; i++) void call.write(Uint8Array.of(incoming.length));
        call.end(OK);
      };
      // So small that without a fresh window the second could not get its messages.
      const pair = new ChannelPair({ handler, windows: { call: 500, channel: 300 } });
      pair.opener.peer.open(init);
      for (let i = 0; i < steps; i++) {
        await microtasks();
        pair.step(i);
      }
      pair.hibernate(1);
      const call = pair.opener.peer.open(init);
      const read = readAll(call.messages);
      await pair.settle();
      assert.deepEqual(await call.status, OK);
      assert.deepEqual(await read, new Array(3).fill(Uint8Array.of(incoming.length)));
      assert.equal(pair.acceptor.peer.callsInFlight, 0);
      assert.deepEqual(pair.acceptor.ends, []);
    }
  });

  it("ends what the one before had in flight", async () => {
    const incoming: IncomingCall[] = [];
    const pair = new ChannelPair({ handler: (call) => incoming.push(call) });
    pair.opener.peer.open(init);
    await pair.settle();
    const ping = pair.acceptor.peer.ping();
    pair.hibernate(1);
    await pair.settle();
    assert.equal((await incoming[0]?.ended)?.code, GrpcCode.unavailable);
    assert.equal(await ping, true);
  });
});

describe("taking leave", () => {
  it("lets calls in flight end, opens no new ones, and closes with the reason", async () => {
    for (const who of ["opener", "acceptor"] as const) {
      const incoming: IncomingCall[] = [];
      const pair = new ChannelPair({ handler: (call) => incoming.push(call) });
      const call = pair.opener.peer.open(init);
      await pair.settle();
      pair[who].peer.leave("superseded");
      // Opened before the opener knows.
      const late = pair.opener.peer.open(init);
      await pair.settle();
      assert.equal((await late.status).code, GrpcCode.unavailable);
      assert.equal((await pair.opener.peer.open(init).status).code, GrpcCode.unavailable);
      assert.deepEqual(pair[who === "opener" ? "acceptor" : "opener"].leaves, ["superseded"]);
      assert.deepEqual(pair[who].ends, []);
      incoming[0]?.end(OK);
      await pair.settle();
      assert.equal((await call.status).code, GrpcCode.ok);
      assert.deepEqual(pair[who].ends, [{ kind: "superseded", message: "channel was left" }]);
      assert.equal(pair[who].socket.closed?.code, CLOSE_CODES.superseded);
    }
  });

  it("with nothing in flight closes at once", () => {
    const pair = new ChannelPair();
    pair.acceptor.peer.leave("shutdown");
    pair.acceptor.peer.leave("superseded");
    assert.equal(pair.acceptor.socket.closed?.code, CLOSE_CODES.shutdown);
    assert.deepEqual(framesOf(pair.acceptor.socket.sent).at(-1), { type: "leave", why: "shutdown" });
  });
});

describe("breaking a rule", () => {
  const hello: Frame = { type: "hello", version: CHANNEL_VERSION, incarnation: 0 };
  const open: Frame = { type: "open", id: 1, service: "S3", path: "/a/B", streaming: "bidi", metadata: [] };
  const large: Frame = { type: "message", id: 1, size: 3 * CHUNK_BYTES, chunk: bytes(CHUNK_BYTES) };
  const half: Frame = { type: "half-close", id: 1 };

  const toAcceptor: Record<string, readonly Frame[]> = {
    "open before hello": [open],
    "call id used twice": [hello, open, open],
    "call id going back": [hello, { ...open, id: 5 }, { ...open, id: 4 }],
    "message for a call never opened": [hello, { type: "message", id: 1, size: 1, chunk: bytes(1) }],
    "status from the opener": [hello, open, { type: "status", id: 1, ...OK }],
    "message after half-close": [hello, open, half, large],
    "half-close twice": [hello, open, half, half],
    "half-close within a message": [hello, open, large, half],
    "message within a message": [hello, open, large, large],
    "piece without a message": [hello, open, { type: "more", id: 1, chunk: bytes(1) }],
    "piece of wrong size": [hello, open, large, { type: "more", id: 1, chunk: bytes(CHUNK_BYTES - 1) }],
    "credit for nothing": [hello, open, { type: "credit", id: 1, bytes: 1 }],
    "credit of the channel for nothing": [hello, { type: "credit", id: 0, bytes: 1 }],
    "message without credit": [
      hello,
      open,
      ...new Array(CALL_WINDOW_BYTES / MESSAGE_OVERHEAD_BYTES + 1).fill({
        type: "message",
        id: 1,
        size: 0,
        chunk: bytes(0),
      }),
    ],
    "too many calls": [hello, ...Array.from({ length: MAX_CALLS + 1 }, (_, i) => ({ ...open, id: i + 1 }))],
  };

  for (const [rule, frames] of Object.entries(toAcceptor)) {
    it(`ends the channel: ${rule}`, async () => {
      const calls: IncomingCall[] = [];
      const side = new TestSide({ name: "acceptor", onCall: (call) => calls.push(call) }, new TestClock());
      for (const one of frames) side.peer.receive(packetOf(one));
      assert.equal(side.ends[0]?.kind, "violation");
      assert.equal(side.ends.length, 1);
      assert.equal(side.socket.closed?.code, CLOSE_CODES.violation);
      for (const call of calls) assert.equal((await call.ended).code, GrpcCode.unavailable);
    });
  }

  const toOpener: Record<string, readonly Frame[]> = {
    "open from the acceptor": [hello, open],
    "cancel from the acceptor": [hello, { type: "cancel", id: 1 }],
    "hello twice": [hello, hello],
    "status for a call never opened": [hello, { type: "status", id: 9, ...OK }],
    "OK within a message": [hello, large, { type: "status", id: 1, ...OK }],
  };

  for (const [rule, frames] of Object.entries(toOpener)) {
    it(`ends the channel: ${rule}`, async () => {
      const side = new TestSide({ name: "opener", incarnation: 0 }, new TestClock());
      const call = side.peer.open(init);
      for (const one of frames) side.peer.receive(packetOf(one));
      assert.equal(side.ends[0]?.kind, "violation");
      assert.equal((await call.status).code, GrpcCode.unavailable);
    });
  }

  it("is not what frames for a call that just ended are", async () => {
    const side = new TestSide({ name: "acceptor", onCall: (call) => call.end(OK) }, new TestClock());
    for (const one of [hello, open, large, { type: "more", id: 1, chunk: bytes(CHUNK_BYTES) } as const, half]) {
      side.peer.receive(packetOf(one));
    }
    assert.deepEqual(side.ends, []);
    assert.equal(side.peer.bytesHeld, 0);
  });

  it("by being of another version ends the channel for that reason", () => {
    const side = new TestSide({ name: "acceptor", onCall: () => {} }, new TestClock());
    side.peer.receive(packetOf({ ...hello, version: CHANNEL_VERSION + 1 }));
    assert.equal(side.ends[0]?.kind, "version");
    assert.equal(side.socket.closed?.code, CLOSE_CODES.version);
  });

  it("in any way at all never throws, holds no more than the window, and closes with a reason that fits", async () => {
    const role = fc.constantFrom("opener", "acceptor");
    const packets = fc.array(fc.oneof(fc.array(frame, { maxLength: 4 }), fc.uint8Array({ maxLength: 50 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(role, fc.boolean(), packets, async (name, greeted, given) => {
        const options =
          name === "opener" ? ({ name, incarnation: 0 } as const) : ({ name: "acceptor", onCall: () => {} } as const);
        const side = new TestSide(options, new TestClock(), { call: 1_000, channel: 1_000 });
        const call = name === "opener" ? side.peer.open(init) : undefined;
        if (greeted) side.peer.receive(packetOf(hello));
        for (const packet of given) {
          side.peer.receive(packet instanceof Uint8Array ? packet : packetOf(...packet));
          assert.ok(side.peer.bytesHeld <= 1_000 + MAX_MESSAGE_BYTES + 128);
        }
        const { closed } = side.socket;
        if (closed !== undefined) assert.ok(Buffer.byteLength(closed.reason) <= MAX_CLOSE_REASON_BYTES);
        if (side.ends.length === 0) side.peer.lost("end of test");
        await call?.status;
        assert.equal(side.ends.length, 1);
      }),
      { numRuns: 300 },
    );
  });
});
