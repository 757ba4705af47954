// S3.WriteObject through the bridge: one POST or parts, never an object by half, and a caller that learns why.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { frame } from "../../src/bridge/grpc/frames.ts";
import { PartBuffer } from "../../src/bridge/proxy/part-buffer.ts";
import { createProxy } from "../../src/bridge/proxy/proxy.ts";
import { writeObjectHandler } from "../../src/bridge/proxy/write-object.ts";
import { dataHeader, readWriteMessage } from "../../src/bridge/proxy/write-object-message.ts";
import { S3, WriteObjectRequestSchema, WriteObjectResponseSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { UPLOAD_PART_BYTES } from "../../src/wire/limits.ts";
import { UPLOAD_PART_NUMBER_HEADER, UPLOAD_PART_PATH } from "../../src/wire/routes.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { collect, grpcJs, grpcMethod, rawSession, rawStream } from "../support/grpc-clients.ts";
import {
  ABORT,
  BEGIN,
  COMPLETE,
  envelopes,
  type Fault,
  refuse,
  type UploadSide,
  uploadSide,
  WRITE,
} from "../support/grpc-upload-side.ts";

const SMALL = { partBytes: 1000, maxParts: 5 };

const message = (init: Parameters<typeof create<typeof WriteObjectRequestSchema>>[1]) =>
  Buffer.from(toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, init)));
const open = (key = "k") =>
  message({ msg: { case: "open", value: { ref: { bucket: "b", key }, contentType: "x/y" } } });
const data = (value: Uint8Array) => message({ msg: { case: "data", value } });

/** The bridge with parts of 1,000 bytes, at most five. */
async function small(t: TestContext, fault?: Fault): Promise<{ far: UploadSide; bridge: TestBridge }> {
  const far = await uploadSide(fault);
  t.after(() => far.close());
  const route = { method: S3.method.writeObject, handle: writeObjectHandler(far.source, SMALL) };
  return { far, bridge: await startBridge(t, [route]) };
}

function start(t: TestContext, bridge: TestBridge): { stream: ClientHttp2Stream; answer: ReturnType<typeof collect> } {
  const stream = rawStream(rawSession(t, bridge), WRITE, { traceparent: "00-a-b-01", "x-forwarded-for": "x" });
  return { stream, answer: collect(stream) };
}

async function write(t: TestContext, bridge: TestBridge, ...messages: Buffer[]) {
  const { stream, answer } = start(t, bridge);
  for (const one of messages) stream.write(frame(one));
  stream.end();
  return answer;
}

const paths = (far: UploadSide) => far.seen.map(({ path }) => path);

describe("an object of one part or less", () => {
  it("is one POST of known length", async (t) => {
    for (const size of [0, 1, 999, 1000]) {
      const { far, bridge } = await small(t);
      const bytes = Buffer.alloc(size, 7);
      const { statuses, messages } = await write(
        t,
        bridge,
        open(),
        data(bytes.subarray(0, 400)),
        data(bytes.subarray(400)),
      );
      assert.deepEqual(statuses, ["0"]);
      assert.equal(fromBinary(WriteObjectResponseSchema, messages[0] ?? Buffer.alloc(0)).meta?.size, BigInt(size));
      assert.deepEqual(paths(far), [WRITE]);
      assert.ok(far.objects.get("k")?.equals(bytes));
      const { headers, body } = far.seen[0] ?? assert.fail();
      assert.equal(headers["content-length"], String(body.length));
      assert.equal(headers.traceparent, "00-a-b-01");
      assert.equal(headers["x-forwarded-for"], undefined);
      assert.deepEqual(envelopes(body)[0], open(), "the open message is passed on as it came");
    }
  });

  it("goes in messages of at most 1 MiB", async (t) => {
    const far = await uploadSide();
    t.after(() => far.close());
    const bridge = await startBridge(t, createProxy(far.source, [S3]));
    const bytes = Buffer.alloc(2_500_000, 1);
    assert.deepEqual((await write(t, bridge, open(), data(bytes))).statuses, ["0"]);
    const sizes = envelopes(far.seen[0]?.body ?? Buffer.alloc(0)).map((one) => one.length);
    assert.ok(Math.max(...sizes) < 1024 * 1024 + 10, String(sizes));
    assert.ok(far.objects.get("k")?.equals(bytes));
  });

  it("is not sent twice when the connection breaks", async (t) => {
    const { far, bridge } = await small(t, (_seen, response) => response.socket?.destroy() !== undefined);
    assert.deepEqual((await write(t, bridge, open(), data(Buffer.alloc(10)))).statuses, ["14"]);
    assert.deepEqual(paths(far), [WRITE]);
  });

  it("that is refused says so", async (t) => {
    const { bridge } = await small(t, (_seen, response) =>
      refuse(response, 412, "failed_precondition", "there is one"),
    );
    const { statuses, headers } = await write(t, bridge, open(), data(Buffer.alloc(10)));
    assert.deepEqual(statuses, ["9"]);
    assert.equal(headers["grpc-message"], "there is one");
  });
});

describe("a larger object", () => {
  it("goes up in parts of one size, three at a time", async (t) => {
    const { far, bridge } = await small(t);
    const bytes = Buffer.from(Array.from({ length: 4321 }, (_, i) => i % 251));
    const chunks = Array.from({ length: 30 }, (_, i) => data(bytes.subarray(i * 150, (i + 1) * 150)));
    const { statuses, messages } = await write(t, bridge, open("large"), ...chunks);
    assert.deepEqual(statuses, ["0"]);
    assert.equal(fromBinary(WriteObjectResponseSchema, messages[0] ?? Buffer.alloc(0)).meta?.ref?.key, "large");
    const parts = far.seen.filter(({ path }) => path === UPLOAD_PART_PATH);
    const sizes = parts.map(({ headers, body }) => [Number(headers[UPLOAD_PART_NUMBER_HEADER]), body.length]);
    assert.deepEqual(sizes.sort(), [
      [1, 1000],
      [2, 1000],
      [3, 1000],
      [4, 1000],
      [5, 321],
    ]);
    assert.ok(far.mostInFlight <= 3, `${far.mostInFlight} requests at once`);
    assert.deepEqual(far.seen[0]?.body, open("large"), "Begin gets the open message as it came");
    assert.deepEqual(
      [...paths(far)].filter((path) => path !== UPLOAD_PART_PATH),
      [BEGIN, COMPLETE],
    );
    assert.ok(far.objects.get("large")?.equals(bytes));
    assert.equal(far.open.size, 0);
  });

  it("of real size arrives whole, from grpc-js in pieces of 64 KiB", async (t) => {
    const far = await uploadSide();
    t.after(() => far.close());
    const bridge = await startBridge(t, createProxy(far.source, [S3]));
    const bytes = Buffer.alloc(3 * UPLOAD_PART_BYTES + 12_345, 3);
    const error = await writeWithGrpcJs(t, bridge, bytes);
    assert.equal(error, undefined);
    assert.ok(far.objects.get("k")?.equals(bytes));
    assert.equal(paths(far).filter((path) => path === UPLOAD_PART_PATH).length, 4);
  });

  it("is read no faster than the worker takes its parts", async (t) => {
    const { far, bridge } = await small(t, ({ path }) => path === UPLOAD_PART_PATH);
    const { stream, answer } = start(t, bridge);
    stream.write(frame(open()));
    const one = frame(data(Buffer.alloc(64 * 1024)));
    const limit = 32 * 1024 * 1024;
    let sent = 0;
    const taken = () => sent - stream.writableLength;
    // With no part answered the windows fill and nothing moves any more; both ends live on this event loop.
    for (let idleTurns = 0, before = -1; idleTurns < 300 && taken() < limit; await turn()) {
      for (; !stream.writableNeedDrain && sent < 2 * limit; sent += one.length) stream.write(one);
      idleTurns = taken() === before ? idleTurns + 1 : 0;
      before = taken();
    }
    assert.ok(taken() < 8 * 1024 * 1024, `${taken()} bytes were taken`);
    await far.arrived(UPLOAD_PART_PATH);
    stream.close(8);
    await answer;
    await far.arrived(ABORT);
  });

  it("sends a part again when its connection breaks, once", async (t) => {
    let broken = 0;
    const { far, bridge } = await small(t, ({ path, headers }, response) => {
      if (path !== UPLOAD_PART_PATH || headers[UPLOAD_PART_NUMBER_HEADER] !== "2" || broken > 0) return false;
      broken += 1;
      response.socket?.destroy();
      return true;
    });
    assert.deepEqual((await write(t, bridge, open(), data(Buffer.alloc(2500)))).statuses, ["0"]);
    assert.equal(far.objects.get("k")?.length, 2500);
    assert.equal(paths(far).filter((path) => path === UPLOAD_PART_PATH).length, 4);
  });

  it("over the most parts is RESOURCE_EXHAUSTED", async (t) => {
    const { far, bridge } = await small(t);
    assert.deepEqual((await write(t, bridge, open(), data(Buffer.alloc(5000)))).statuses, ["0"]);
    const { statuses, headers } = await write(t, bridge, open("huge"), data(Buffer.alloc(5001)));
    assert.deepEqual(statuses, ["8"]);
    assert.match(String(headers["grpc-message"]), /larger than 5 parts of 1000 bytes/);
    assert.equal(far.open.size, 0);
    assert.equal(far.objects.has("huge"), false);
  });
});

describe("a failing write", () => {
  const faults: [string, string, Fault, GrpcCode][] = [
    [
      "begin",
      BEGIN,
      (_seen, response) => refuse(response, 412, "failed_precondition", "no"),
      GrpcCode.failedPrecondition,
    ],
    ["begin", BEGIN, (_seen, response) => response.writeHead(503).end() !== undefined, GrpcCode.unavailable],
    ["begin", BEGIN, (_seen, response) => response.socket?.destroy() !== undefined, GrpcCode.unavailable],
    [
      "a part",
      UPLOAD_PART_PATH,
      (_seen, response) => refuse(response, 429, "resource_exhausted", "no"),
      GrpcCode.resourceExhausted,
    ],
    ["a part", UPLOAD_PART_PATH, (_seen, response) => response.socket?.destroy() !== undefined, GrpcCode.unavailable],
    [
      "a part's etag",
      UPLOAD_PART_PATH,
      (_seen, response) => response.writeHead(200).end() !== undefined,
      GrpcCode.internal,
    ],
    [
      "complete",
      COMPLETE,
      (_seen, response) => refuse(response, 412, "failed_precondition", "no"),
      GrpcCode.failedPrecondition,
    ],
    ["complete", COMPLETE, (_seen, response) => response.socket?.destroy() !== undefined, GrpcCode.unavailable],
  ];
  for (const [what, where, fault, code] of faults) {
    it(`at ${what} is code ${code}, leaves nothing behind, and is told after the caller's last byte`, async (t) => {
      const { far, bridge } = await small(t, (seen, response) => seen.path === where && fault(seen, response));
      const { stream, answer } = start(t, bridge);
      let told = false;
      stream.once("response", () => {
        told = true;
      });
      stream.write(frame(open()));
      stream.write(frame(data(Buffer.alloc(2500))));
      if (where !== COMPLETE) await far.arrived(where);
      // Far more than any buffer on the way, so it has to be read for the stream to end.
      for (let i = 0; where !== COMPLETE && i < 200; i++) {
        if (!stream.write(frame(data(Buffer.alloc(64 * 1024))))) await once(stream, "drain");
      }
      assert.equal(told, false, "the status came while the caller was still sending");
      stream.end();
      assert.deepEqual((await answer).statuses, [String(code)]);
      assert.equal(far.open.size, 0);
      assert.equal(far.objects.size, 0);
      assert.equal(paths(far).includes(ABORT), where !== BEGIN);
    });
  }

  it("reaches a stock client that writes without looking", async (t) => {
    const refusal: Fault = ({ path }, response) => path === BEGIN && refuse(response, 412, "failed_precondition", "no");
    const { bridge } = await small(t, refusal);
    const error = await writeWithGrpcJs(t, bridge, Buffer.alloc(4 * 1024 * 1024));
    assert.equal(error?.code, GrpcCode.failedPrecondition);
    assert.equal(error?.details, "no");
  });

  it("that the caller cancels ends at once and leaves nothing behind", async (t) => {
    const { far, bridge } = await small(t, ({ path }) => path === UPLOAD_PART_PATH);
    const { stream, answer } = start(t, bridge);
    stream.write(frame(open()));
    stream.write(frame(data(Buffer.alloc(1500))));
    await far.arrived(UPLOAD_PART_PATH);
    stream.close(8);
    await answer;
    await far.arrived(ABORT);
    assert.equal(far.objects.size, 0);
  });

  it("past its deadline ends with DEADLINE_EXCEEDED though the caller still sends", async (t) => {
    const { far, bridge } = await small(t);
    const stream = rawStream(rawSession(t, bridge), WRITE, { "grpc-timeout": "100m" });
    const answer = collect(stream);
    stream.write(frame(open()));
    stream.write(frame(data(Buffer.alloc(2500))));
    assert.deepEqual((await answer).statuses, ["4"]);
    await far.arrived(ABORT);
  });
});

describe("a write that is no write", () => {
  const cases: [string, Buffer[]][] = [
    ["has no message", []],
    ["begins with data", [data(Buffer.from("x"))]],
    ["has two open messages", [open(), open()]],
    ["has data and a second open message", [open(), data(Buffer.from("x")), open()]],
    ["has an empty message", [open(), Buffer.alloc(0)]],
    ["is no protobuf", [open(), Buffer.from([0xff, 0xff])]],
    ["has data that lies about its length", [open(), Buffer.from([0x12, 0x05, 0x00])]],
  ];
  for (const [name, messages] of cases) {
    it(`because it ${name} is INVALID_ARGUMENT, and the worker hears nothing`, async (t) => {
      const { far, bridge } = await small(t);
      assert.deepEqual((await write(t, bridge, ...messages)).statuses, ["3"]);
      assert.deepEqual(paths(far), []);
    });
  }

  it("is INVALID_ARGUMENT also when it has begun, and is taken back", async (t) => {
    const { far, bridge } = await small(t);
    assert.deepEqual((await write(t, bridge, open(), data(Buffer.alloc(3000)), open())).statuses, ["3"]);
    assert.ok(paths(far).includes(ABORT));
    assert.equal(far.open.size, 0);
  });
});

describe("the parts of it", () => {
  it("messages are recognised without being decoded, in whatever pieces they come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (value, place) => {
        const whole = data(value);
        const at = place % (whole.length + 1);
        const read = readWriteMessage([whole.subarray(0, at), whole.subarray(at)]);
        assert.ok(read.kind === "data");
        assert.deepEqual(Buffer.concat(read.data), Buffer.from(value));
        assert.deepEqual(Buffer.concat([dataHeader(value.length), value]), whole);
      }),
    );
    assert.deepEqual(readWriteMessage([open()]), { kind: "open" });
  });

  it("noise is data, an open message, or a clear error", () => {
    const noise = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from([0x12, ...bytes]));
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          readWriteMessage([bytes]);
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, GrpcCode.invalidArgument);
        }
      }),
    );
  });

  it("a part holds what was put in, whatever the pieces", () => {
    const piece = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 700 }), (list, capacity) => {
        const buffer = new PartBuffer(capacity);
        const parts: Buffer[] = [];
        for (let rest of list) {
          while (rest.length > 0) {
            if (buffer.full) {
              const part = buffer.take();
              parts.push(Buffer.from(part));
              buffer.recycle(part);
            }
            rest = rest.subarray(buffer.append(rest));
          }
        }
        for (const part of parts) assert.equal(part.length, capacity);
        assert.deepEqual(Buffer.concat([...parts, buffer.data]), Buffer.concat(list));
      }),
    );
  });
});

/** Writes as gestaltd does: 64 KiB at a time, looking at nothing until all is sent. */
function writeWithGrpcJs(t: TestContext, bridge: TestBridge, bytes: Buffer): Promise<grpc.ServiceError | undefined> {
  return new Promise((resolve) => {
    const method = grpcMethod(S3.method.writeObject);
    const call = grpcJs(t, bridge).makeClientStreamRequest(...method, new grpc.Metadata(), (error) =>
      resolve(error ?? undefined),
    );
    call.write({ msg: { case: "open", value: { ref: { bucket: "b", key: "k" } } } });
    for (let at = 0; at < bytes.length; at += 65536) {
      call.write({ msg: { case: "data", value: bytes.subarray(at, at + 65536) } });
    }
    call.end();
  });
}
