// How the tests use calls: what they send, how they read, and what must be left when all is done.
import assert from "node:assert/strict";
import type { CallInit } from "../../src/wire/channel/call.ts";
import type { CallStatus } from "../../src/wire/channel/frames.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { CallError } from "../../src/wire/channel/status.ts";
import type { ChannelPair } from "./pair.ts";

export const init: CallInit = {
  service: "CACHE",
  path: "/gestalt.provider.v1.Cache/Get",
  streaming: "bidi",
  metadata: [],
};

export async function readAll(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** What became of a reader: its messages, or the status it was stopped by. */
export function outcome(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array[] | CallStatus> {
  return readAll(messages).catch((error: unknown) => {
    assert.ok(error instanceof CallError);
    return error.status;
  });
}

export function filled(size: number, seed: number): Uint8Array {
  return new Uint8Array(size).fill(seed + 1);
}

export function send(call: OutgoingCall, messages: readonly Uint8Array[]): void {
  for (const message of messages) void call.write(message);
  call.halfClose();
}

/** Nothing held, nothing in flight, no timer left. */
export function assertIdle(pair: ChannelPair): void {
  for (const { peer, ends } of [pair.opener, pair.acceptor]) {
    assert.equal(peer.callsInFlight, 0);
    assert.equal(peer.bytesHeld, 0);
    assert.deepEqual(ends, []);
  }
  assert.equal(pair.clock.timers, 0);
}
