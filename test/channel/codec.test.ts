// The channel's bytes: what is written is read, and whatever else is read is an answer, never a crash.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fitText, textBytes } from "../../src/wire/channel/bytes.ts";
import { decodePacket } from "../../src/wire/channel/codec.ts";
import type { Frame } from "../../src/wire/channel/frames.ts";
import {
  CHUNK_BYTES,
  MAX_FRAME_BYTES,
  MAX_METADATA_BYTES,
  MAX_METADATA_PAIRS,
  MAX_PACKET_BYTES,
} from "../../src/wire/channel/limits.ts";
import { fitMetadata, fitStatus } from "../../src/wire/channel/status.ts";
import { frame } from "./arbitraries.ts";
import { packetOf } from "./pair.ts";

const small = frame.filter((one) => !("chunk" in one) || one.chunk.length < CHUNK_BYTES);

/** Frames with chunks as plain arrays, so that views of other buffers compare. */
function plain(frames: readonly Frame[]): unknown[] {
  return frames.map((one) => ({ ...one, ...("chunk" in one && { chunk: [...one.chunk] }) }));
}

describe("packets", () => {
  it("come out as they went in", () => {
    fc.assert(
      fc.property(fc.array(small, { maxLength: 8 }), (frames) => {
        const decoded = decodePacket(packetOf(...frames));
        assert.ok("frames" in decoded, JSON.stringify(decoded));
        assert.deepEqual(plain(decoded.frames), plain(frames));
      }),
    );
    fc.assert(
      fc.property(frame, (one) => {
        const decoded = decodePacket(packetOf(one));
        assert.ok("frames" in decoded, JSON.stringify(decoded));
        assert.deepEqual(decoded.frames.length, 1);
      }),
    );
  });

  it("cut anywhere are malformed, but between two frames", () => {
    fc.assert(
      fc.property(fc.array(small, { minLength: 1, maxLength: 3 }), (frames) => {
        const whole = packetOf(...frames);
        const ends = new Set(frames.map((_, i) => packetOf(...frames.slice(0, i)).length));
        for (let length = 0; length < whole.length; length++) {
          assert.equal("frames" in decodePacket(whole.subarray(0, length)), ends.has(length), `at ${length}`);
        }
      }),
    );
  });

  it("with flipped bits, or of any bytes, are an answer", () => {
    const flipped = fc.tuple(
      fc.array(small, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(flipped, ([frames, flips]) => {
        const packet = packetOf(...frames);
        for (const flip of flips) {
          const at = flip % packet.length;
          packet[at] = (packet[at] ?? 0) ^ (1 << (flip % 8));
        }
        decodePacket(packet);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodePacket(bytes)));
    // With a right length before them the bytes get past the first check.
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 11 }), fc.uint8Array({ maxLength: 200 }), (type, body) => {
        decodePacket(Uint8Array.from([0, 0, body.length + 1, type, ...body]));
      }),
      { numRuns: 2_000 },
    );
  });

  it("that announce much cost nothing", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 2_000; i++) {
      // A message of 4 MiB, a text of 2 MiB, 128 pairs of metadata: of each only the announcement.
      decodePacket(Uint8Array.from([0, 0, 6, 3, 1, 0x80, 0x80, 0x80, 2]));
      decodePacket(Uint8Array.from([0, 0, 7, 2, 1, 0, 0, 0xff, 0xff, 0x7f]));
      decodePacket(Uint8Array.from([0, 0, 6, 6, 1, 0, 0, 0x80, 1]));
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
  });

  it("over a limit are malformed", () => {
    const over: Record<string, Uint8Array> = {
      packet: new Uint8Array(MAX_PACKET_BYTES + 1),
      frame: Uint8Array.from([...threeBytes(MAX_FRAME_BYTES + 1), ...new Uint8Array(MAX_FRAME_BYTES + 1)]),
      piece: packetOf({ type: "more", id: 1, chunk: new Uint8Array(CHUNK_BYTES + 1) }),
      "first piece": packetOf({ type: "message", id: 1, size: 9, chunk: new Uint8Array(8) }),
      service: packetOf({ ...open, service: "s".repeat(257) }),
      path: packetOf({ ...open, path: "p".repeat(513) }),
      message: packetOf({ type: "status", id: 1, code: 2, message: "m".repeat(4_097), metadata: [] }),
      metadata: packetOf({ ...open, metadata: ["a", "v".repeat(20_000), "b", "v".repeat(20_000)] }),
      pairs: packetOf({ ...open, metadata: new Array(2 * MAX_METADATA_PAIRS + 2).fill("") }),
      timeout: packetOf({ ...open, timeoutMs: 2 ** 31 }),
      number: Uint8Array.from([0, 0, 9, 9, 255, 255, 255, 255, 255, 255, 255, 127]),
      "call 0": packetOf({ type: "cancel", id: 0 }),
      "status code": Uint8Array.from([0, 0, 5, 6, 1, 17, 0, 0]),
      "UTF-8": Uint8Array.from([0, 0, 7, 6, 1, 0, 1, 0xff, 0, 0]),
      "bytes after": Uint8Array.from([0, 0, 3, 7, 1, 0]),
    };
    for (const [what, packet] of Object.entries(over)) assert.ok("malformed" in decodePacket(packet), what);
  });

  it("may have frames of a later version: from 128 passed over, below refused", () => {
    const cancel = packetOf({ type: "cancel", id: 7 });
    assert.deepEqual(decodePacket(Uint8Array.from([0, 0, 3, 128, 1, 2, ...cancel])), {
      frames: [{ type: "cancel", id: 7 }],
    });
    assert.ok("malformed" in decodePacket(Uint8Array.from([0, 0, 3, 127, 1, 2, ...cancel])));
    assert.ok("malformed" in decodePacket(Uint8Array.from([0, 0, 0])));
  });

  it("are not kept alive by a small message in them", () => {
    const tiny: Frame = { type: "message", id: 1, size: 3, chunk: Uint8Array.from([1, 2, 3]) };
    const packet = packetOf(tiny, { type: "more", id: 2, chunk: new Uint8Array(CHUNK_BYTES) });
    const decoded = decodePacket(packet);
    assert.ok("frames" in decoded);
    const buffers = decoded.frames.map((one) => "chunk" in one && one.chunk.buffer === packet.buffer);
    assert.deepEqual(buffers, [false, true]);
  });
});

describe("what is too large to send", () => {
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 3_000 }), { maxLength: 40 });

  it("is cut so that it can be read", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 6_000 }), texts, (message, metadata) => {
        const status = fitStatus({ code: 13, message, metadata });
        assert.ok("frames" in decodePacket(packetOf({ type: "status", id: 1, ...status })));
        assert.ok(message.startsWith(status.message));
        assert.deepEqual(metadata.slice(0, status.metadata.length), status.metadata);
      }),
      { numRuns: 40 },
    );
  });

  it("is left as it is when it fits", () => {
    const metadata = ["a", "v".repeat(MAX_METADATA_BYTES - 10)];
    assert.equal(fitMetadata(metadata), metadata);
    assert.equal(fitText("grüße", 7), "grüße");
    assert.equal(fitText("grüße", 3), "gr");
    assert.equal(textBytes("grüße"), 7);
  });
});

const open = { type: "open", id: 1, service: "", path: "", streaming: "unary", metadata: [] } as const;

function threeBytes(length: number): number[] {
  return [length >> 16, (length >> 8) & 0xff, length & 0xff];
}
