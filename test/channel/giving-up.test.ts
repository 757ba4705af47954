// Calls that are given up by either side, by the clock or by their reader; and any use of calls at all.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import type { CallInit } from "../../src/wire/channel/call.ts";
import type { CallStatus } from "../../src/wire/channel/frames.ts";
import { CHUNK_BYTES, costOf } from "../../src/wire/channel/limits.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { CallError, failure, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { ChannelPair, microtasks, START } from "./pair.ts";

import { assertIdle, filled, init, outcome, send } from "./use.ts";

describe("giving up", () => {
  /** A call with messages of three pieces under way in both directions, stopped after so many deliveries. */
  async function underWay(steps: number): Promise<{ pair: ChannelPair; call: OutgoingCall; calls: IncomingCall[] }> {
    const calls: IncomingCall[] = [];
    const handler = (call: IncomingCall) => {
      calls.push(call);
      for (let i = 0; i < 3; i++) void call.write(filled(3 * CHUNK_BYTES, i));
    };
    const pair = new ChannelPair({ handler, windows: { call: 4 * CHUNK_BYTES, channel: 5 * CHUNK_BYTES } });
    const call = pair.opener.peer.open(init);
    for (let i = 0; i < 3; i++) void call.write(filled(3 * CHUNK_BYTES, i));
    for (let i = 0; i < steps; i++) {
      await microtasks();
      pair.step(i);
    }
    await microtasks();
    return { pair, call, calls };
  }

  const STEPS = Array.from({ length: 14 }, (_, i) => i);

  it("by the opener ends the call CANCELED on both sides and frees what it held", async () => {
    for (const steps of STEPS) {
      const { pair, call, calls } = await underWay(steps);
      call.cancel();
      call.cancel();
      assert.equal((await call.status).code, GrpcCode.canceled);
      assert.equal(((await outcome(call.messages)) as CallStatus).code, GrpcCode.canceled);
      await pair.settle();
      assert.equal((await calls[0]?.ended)?.code, GrpcCode.canceled, `after ${steps}`);
      assertIdle(pair);
    }
  });

  it("by the acceptor ends it with its status, whatever is under way", async () => {
    for (const steps of STEPS.filter((steps) => steps > 1)) {
      const { pair, call, calls } = await underWay(steps);
      const status = failure(GrpcCode.permissionDenied, "not offered");
      calls[0]?.end(status);
      assert.deepEqual(await calls[0]?.ended, status);
      await pair.settle();
      assert.deepEqual(await call.status, status, `after ${steps}`);
      await outcome(call.messages);
      assertIdle(pair);
    }
  });

  it("by the clock ends it DEADLINE_EXCEEDED on both sides, whichever hears of it", async () => {
    for (const deliver of [true, false]) {
      const calls: IncomingCall[] = [];
      const pair = new ChannelPair({ handler: (call) => calls.push(call) });
      const call = pair.opener.peer.open({ ...init, deadline: START + 100 });
      await pair.settle();
      pair.clock.advance(99);
      assert.equal(pair.opener.peer.callsInFlight, 1);
      pair.clock.advance(1);
      if (deliver) await pair.settle();
      assert.equal((await call.status).code, GrpcCode.deadlineExceeded);
      assert.equal((await calls[0]?.ended)?.code, GrpcCode.deadlineExceeded);
      await pair.settle();
      assertIdle(pair);
    }
  });

  it("happens at once when the deadline has passed or the call cannot be sent", async () => {
    const pair = new ChannelPair();
    const metadata = ["a", "v".repeat(40_000)];
    const wrong: [Partial<CallInit>, GrpcCode][] = [
      [{ deadline: START }, GrpcCode.deadlineExceeded],
      [{ metadata }, GrpcCode.resourceExhausted],
      [{ service: "s".repeat(257) }, GrpcCode.invalidArgument],
      [{ path: "p".repeat(513) }, GrpcCode.invalidArgument],
    ];
    for (const [given, code] of wrong) {
      const call = pair.opener.peer.open({ ...init, ...given });
      assert.equal((await call.status).code, code);
      assert.equal(((await outcome(call.messages)) as CallStatus).code, code);
      await assert.rejects(call.write(filled(1, 1)), CallError);
    }
    await pair.settle();
    assertIdle(pair);
  });

  it("frees at the deadline what an ended call has left unread", async () => {
    const pair = new ChannelPair({
      handler: (call) => {
        void call.write(filled(1_000, 1));
        call.end(OK);
      },
    });
    const call = pair.opener.peer.open({ ...init, deadline: START + 100 });
    await pair.settle();
    assert.equal((await call.status).code, GrpcCode.ok);
    assert.equal(pair.opener.peer.bytesHeld, costOf(1_000));
    pair.clock.advance(100);
    assert.equal(pair.opener.peer.bytesHeld, 0);
    assert.equal(((await outcome(call.messages)) as CallStatus).code, GrpcCode.deadlineExceeded);
  });

  it("by leaving the iteration cancels what was opened, and only stops reading what was accepted", async () => {
    const pair = new ChannelPair({
      windows: { call: 1_000, channel: 3_000 },
      handler: async (call) => {
        for await (const _ of call.messages) break;
        for (let i = 0; i < 3; i++) void call.write(filled(10, i));
      },
    });
    const call = pair.opener.peer.open(init);
    send(
      call,
      Array.from({ length: 20 }, (_, i) => filled(CHUNK_BYTES + 1, i)),
    );
    await pair.settle();
    assert.equal(pair.acceptor.peer.bytesHeld, 0);
    for await (const _ of call.messages) break;
    assert.equal((await call.status).code, GrpcCode.canceled);
    await pair.settle();
    assertIdle(pair);
  });
});

describe("any use of any calls", () => {
  const action = fc.record({
    call: fc.nat({ max: 4 }),
    what: fc.constantFrom(
      "open",
      "write",
      "reply",
      "half-close",
      "cancel",
      "end",
      "fail",
      "read",
      "serve",
      "step",
      "tick",
    ),
    number: fc.nat({ max: 3 * CHUNK_BYTES }),
  });

  it("keeps both sides in agreement, the memory bounded, and every call ends exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 80, size: "max" }), fc.boolean(), async (actions, cut) => {
        const windows = { call: 2_000, channel: 5_000 };
        const incoming: IncomingCall[] = [];
        const pair = new ChannelPair({ handler: (call) => incoming.push(call), windows });
        const outgoing: OutgoingCall[] = [];
        for (const { call: i, what, number } of actions) {
          const [mine, theirs] = [outgoing[i % (outgoing.length || 1)], incoming[i % (incoming.length || 1)]];
          if (what === "open") outgoing.push(pair.opener.peer.open({ ...init, deadline: START + (number % 1_000) }));
          if (what === "write") void mine?.write(filled(number, i));
          if (what === "reply") void theirs?.write(filled(number, i));
          if (what === "half-close") mine?.halfClose();
          if (what === "cancel") mine?.cancel();
          if (what === "end") theirs?.end(OK);
          if (what === "fail") theirs?.end(failure(GrpcCode.aborted, "aborted"));
          if (what === "read")
            void mine?.messages[Symbol.asyncIterator]()
              .next()
              .catch(() => {});
          if (what === "serve")
            void theirs?.messages[Symbol.asyncIterator]()
              .next()
              .catch(() => {});
          if (what === "step") pair.step(number);
          if (what === "tick") pair.clock.advance(number % 300);
          if (number % 3 === 0) await microtasks();
          for (const { peer, ends } of [pair.opener, pair.acceptor]) {
            assert.deepEqual(ends, []);
            assert.ok(peer.bytesHeld <= windows.channel + costOf(3 * CHUNK_BYTES));
          }
        }
        if (cut) pair.cut();
        else await pair.settle();
        pair.clock.advance(1_000);
        await pair.settle();
        await Promise.all([...outgoing.map(({ status }) => status), ...incoming.map(({ ended }) => ended)]);
        if (!cut) assertIdle(pair);
      }),
      { numRuns: 200 },
    );
  });
});
