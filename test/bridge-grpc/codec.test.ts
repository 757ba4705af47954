// The gRPC codec as functions: frames, timeouts, messages, metadata, compression. Properties, not examples, where there are any.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { deflateFrame, inflateFrame, replyEncoding, requestEncoding } from "../../src/bridge/grpc/compression.ts";
import { FLAG_COMPRESSED, FrameParser, flagsOf, frame, join, payloadOf, sizeOf } from "../../src/bridge/grpc/frames.ts";
import { addMetadata, isMetadata, metadataFromRequest, putMetadata } from "../../src/bridge/grpc/metadata.ts";
import { percentDecode, percentEncode } from "../../src/bridge/grpc/percent.ts";
import { parseGrpcTimeout } from "../../src/bridge/grpc/timeout.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

function parse(chunks: readonly Buffer[]): { frames: Buffer[]; pending: number } {
  const frames: Buffer[] = [];
  const parser = new FrameParser((one) => frames.push(join(one)));
  for (const chunk of chunks) parser.push(chunk);
  return { frames, pending: parser.pendingBytes };
}

/** Cuts a buffer at places given as shares of its length. */
function cut(whole: Buffer, shares: readonly number[]): Buffer[] {
  const places = [0, ...shares.map((share) => Math.floor(share * whole.length)), whole.length].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => whole.subarray(places[i], end));
}

describe("frames", () => {
  it("come out as they went in, wherever the chunks are cut", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), fc.array(share, { maxLength: 20 }), (payloads, shares) => {
        const frames = payloads.map((payload) => frame(payload));
        const { frames: parsed, pending } = parse(cut(Buffer.concat(frames), shares));
        assert.deepEqual(parsed, frames);
        assert.equal(pending, 0);
      }),
    );
  });

  it("tell how much of a cut frame is there", () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (payload, place) => {
        const whole = frame(payload);
        const length = place % whole.length;
        assert.equal(parse([whole.subarray(0, length)]).pending, length);
      }),
    );
  });

  it("are views of the chunk when they came in one piece", () => {
    const chunk = Buffer.concat([frame(Buffer.from("a")), frame(Buffer.from("b"))]);
    for (const one of parse([chunk]).frames) assert.equal(one.buffer, chunk.buffer);
  });

  it("cost no more than they are, in however small pieces they come", () => {
    const whole = frame(Buffer.alloc(300_000, 1));
    let pieces: readonly Buffer[] = [];
    const parser = new FrameParser((one) => {
      pieces = one;
    });
    for (const byte of whole) parser.push(Buffer.from([byte]));
    assert.ok(join(pieces).equals(whole));
    assert.ok(pieces.length < 20, `${pieces.length} pieces`);
    const held = new Set(pieces.map((piece) => piece.buffer));
    const bytes = [...held].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    assert.ok(bytes < 3 * whole.length, `${bytes} bytes held`);
  });

  it("over the limit are refused by their prefix, without room being made for them", () => {
    const prefix = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    for (const chunks of [[prefix], [prefix.subarray(0, 2), prefix.subarray(2)]]) {
      assert.throws(() => parse(chunks), { code: GrpcCode.resourceExhausted });
    }
    assert.equal(parse([frame(Buffer.alloc(MAX_MESSAGE_BYTES))]).frames.length, 1);
  });

  it("that promise much and bring little cost little", () => {
    const before = process.memoryUsage().arrayBuffers;
    const prefix = Buffer.from([0, 0, 0x3f, 0xff, 0xff]);
    const parsers = Array.from({ length: 200 }, () => new FrameParser(() => {}));
    for (const parser of parsers) parser.push(prefix);
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < parsers.length * 128 * 1024, `${grown} bytes for ${parsers.length} announced messages of 4 MiB`);
  });
});

describe("grpc-timeout", () => {
  it("takes every unit, rounding up to milliseconds", () => {
    const cases = {
      "1H": 3_600_000,
      "2M": 120_000,
      "3S": 3_000,
      "4m": 4,
      "5u": 1,
      "6000u": 6,
      "1n": 1,
      "99999999S": 99_999_999_000,
    };
    for (const [header, ms] of Object.entries(cases)) assert.equal(parseGrpcTimeout(header), ms, header);
  });

  it("takes exactly what the grammar allows", () => {
    fc.assert(
      fc.property(fc.nat({ max: 99_999_999 }), fc.constantFrom("H", "M", "S", "m", "u", "n"), (value, unit) => {
        assert.ok((parseGrpcTimeout(`${value}${unit}`) ?? -1) >= 0);
      }),
    );
    for (const bad of ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", " 1S", "1S ", "1SS", "1e3S", "٣S"]) {
      assert.equal(parseGrpcTimeout(bad), undefined, bad);
    }
  });
});

describe("grpc-message", () => {
  it("survives the round trip", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const encoded = percentEncode(text, 1e6);
        assert.match(encoded, /^[\x20-\x7e]*$/);
        assert.equal(percentDecode(encoded), text.toWellFormed());
      }),
    );
  });

  it("is cut between characters, never inside one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 60 }), (text, limit) => {
        const encoded = percentEncode(text, limit);
        assert.ok(encoded.length <= limit);
        assert.ok(text.toWellFormed().startsWith(percentDecode(encoded)));
      }),
    );
  });

  it("keeps what is no valid escape", () => {
    assert.equal(percentDecode("100% %zz %4"), "100% %zz %4");
    assert.equal(percentEncode("50% of ünits", 100), "50%25 of %C3%BCnits");
  });
});

describe("metadata", () => {
  it("passes, with duplicates and order", () => {
    const raw = [
      ":path",
      "/a/B",
      "x-a",
      "1",
      "te",
      "trailers",
      "x-a",
      "2",
      "traceparent",
      "00-ab-cd-01",
      "b-bin",
      "AAE=",
    ];
    assert.deepEqual(metadataFromRequest(raw), ["x-a", "1", "x-a", "2", "traceparent", "00-ab-cd-01", "b-bin", "AAE="]);
  });

  it("is nothing that speaks for the bridge, the hop or the network between", () => {
    const reserved = [
      ...["authorization", "cookie", "host", "te", "user-agent", "content-type", "content-length", "content-encoding"],
      ...["connect-timeout-ms", "connect-protocol-version", "grpc-timeout", "grpc-status", "gestalt-upload", "cf-ray"],
      ...["cf-access-client-secret", "x-forwarded-for", "transfer-encoding", "connection", "trailer-x", ":authority"],
      ...["set-cookie", "date", "proxy-authorization", "expect", "upgrade", "x-real-ip", "forwarded"],
    ];
    for (const name of reserved) assert.equal(isMetadata(name), false, name);
    for (const name of ["traceparent", "tracestate", "baggage", "x-request-id", "my_key", "a.b", "token-bin"]) {
      assert.equal(isMetadata(name), true, name);
    }
  });

  it("has values that gRPC allows, and binary ones apart", () => {
    const metadata: string[] = [];
    addMetadata(metadata, "x", "plain");
    addMetadata(metadata, "x", "ünicode");
    addMetadata(metadata, "x-bin", "AAE=, AgM");
    addMetadata(metadata, "x-bin", "not base64!");
    addMetadata(metadata, "Upper", "no");
    assert.deepEqual(metadata, ["x", "plain", "x-bin", "AAE=", "x-bin", "AgM"]);
  });

  it("goes into headers with duplicates as arrays, up to a limit", () => {
    const headers = {};
    putMetadata(headers, ["a", "1", "b", "2", "a", "3", "a", "4"]);
    assert.deepEqual(headers, { a: ["1", "3", "4"], b: "2" });
    const big = {};
    putMetadata(big, ["a", "x", "b", "y".repeat(1024 * 1024)]);
    assert.deepEqual(big, { a: "x" });
  });
});

describe("compression", () => {
  it("survives the round trip, and is used only where it helps", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.boolean(), (payload, repeat) => {
        const whole = frame(repeat ? Buffer.concat(Array(20).fill(payload)) : payload);
        const plain = [whole.subarray(0, 7), whole.subarray(7)];
        const packed = deflateFrame(plain, "gzip");
        assert.ok(sizeOf(packed) <= sizeOf(plain));
        assert.deepEqual(join(inflateFrame(packed, "gzip")), whole);
      }),
    );
  });

  it("stops a bomb at the limit", () => {
    const bomb = [frame(gzipSync(Buffer.alloc(MAX_MESSAGE_BYTES + 1)), FLAG_COMPRESSED)];
    assert.throws(() => inflateFrame(bomb, "gzip"), { code: GrpcCode.resourceExhausted });
    const fits = [frame(gzipSync(Buffer.alloc(MAX_MESSAGE_BYTES)), FLAG_COMPRESSED)];
    assert.equal(payloadOf(inflateFrame(fits, "gzip")).length, MAX_MESSAGE_BYTES);
  });

  it("takes any garbage without another error than its own", () => {
    fc.assert(
      fc.property(bytes, (garbage) => {
        assert.throws(() => inflateFrame([frame(garbage, FLAG_COMPRESSED)], "gzip"), { code: GrpcCode.internal });
      }),
    );
  });

  it("is chosen by what the caller sends and takes", () => {
    assert.equal(requestEncoding(undefined), "identity");
    assert.throws(() => requestEncoding("br"), { code: GrpcCode.unimplemented });
    assert.equal(replyEncoding("gzip", "identity, gzip"), "gzip");
    assert.equal(replyEncoding("gzip", undefined), "identity");
    assert.equal(replyEncoding("identity", "gzip"), "identity");
    assert.equal(flagsOf(deflateFrame([frame(Buffer.alloc(10))], "gzip")), 0);
  });
});
