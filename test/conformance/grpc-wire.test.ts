// gRPC as it stands on the wire, through the bridge: what a client library would never send, and what it hides of the
// answer. The bridge is in front of a real worker, so that what passes the bridge meets somebody.
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { after, before, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import type { TestWorker } from "../support/worker-harness.ts";
import {
  Code,
  ServerStreamRequestSchema,
  ServerStreamResponseSchema,
  UnaryRequestSchema,
  UnaryResponseSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { startBridge, startConformanceWorker, type TestBridge } from "./service.ts";

const SERVICE = "/connectrpc.conformance.v1.ConformanceService";
const UNARY = `${SERVICE}/Unary`;
const SERVER_STREAM = `${SERVICE}/ServerStream`;

interface Sent {
  readonly path?: string;
  /** Beside those every gRPC request has; undefined removes one. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly frames?: readonly Uint8Array[];
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  /** Undefined when the answer was headers alone. */
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly frames: readonly { readonly flags: number; readonly payload: Buffer }[];
}

let worker: TestWorker;
let bridge: TestBridge;
let session: ClientHttp2Session;

before(async () => {
  worker = await startConformanceWorker();
  bridge = await startBridge({ url: worker.url, token: await worker.token() });
  session = connect(`http://127.0.0.1:${bridge.port}`);
});
after(async () => {
  session.destroy();
  await bridge.close();
  await worker.dispose();
});

describe("gRPC requests", () => {
  for (const type of ["application/grpc", "application/grpc+proto"]) {
    it(`of the sub-format ${type} are answered in it`, async () => {
      const answer = await send({ headers: { "content-type": type }, frames: [unary({ data: "a" })] });
      assert.equal(answer.headers["content-type"], type);
      assert.equal(statusOf(answer), GrpcCode.ok);
    });
  }

  const refused: readonly { name: string; sent: Sent; http?: number; code?: GrpcCode }[] = [
    { name: "of another codec", sent: { headers: { "content-type": "application/grpc+json" } }, http: 415 },
    { name: "of another content type", sent: { headers: { "content-type": "image/jpeg" } }, http: 415 },
    { name: "by another verb", sent: { headers: { ":method": "DELETE" } }, http: 405 },
    { name: "without a message", sent: {}, code: GrpcCode.unimplemented },
    { name: "with two messages", sent: { frames: [unary({}), unary({})] }, code: GrpcCode.unimplemented },
    { name: "for a stream, without a message", sent: { path: SERVER_STREAM }, code: GrpcCode.unimplemented },
    {
      name: "for a stream, with two messages",
      sent: { path: SERVER_STREAM, frames: [frame(Buffer.alloc(0)), frame(Buffer.alloc(0))] },
      code: GrpcCode.unimplemented,
    },
    { name: "for an unknown service", sent: { path: "/a.B/C", frames: [unary({})] }, code: GrpcCode.unimplemented },
    {
      name: "for an unknown method",
      sent: { path: `${SERVICE}/Unary2`, frames: [unary({})] },
      code: GrpcCode.unimplemented,
    },
    {
      name: "in an unknown compression",
      sent: { headers: { "grpc-encoding": "zstd" }, frames: [frame(Buffer.from("x"), 1)] },
      code: GrpcCode.unimplemented,
    },
    {
      name: "compressed without saying so",
      sent: { headers: { "grpc-encoding": "identity" }, frames: [frame(gzipSync(Buffer.alloc(0)), 1)] },
      code: GrpcCode.internal,
    },
    {
      name: "compressed and damaged",
      sent: { headers: { "grpc-encoding": "gzip" }, frames: [frame(Buffer.from("no gzip"), 1)] },
      code: GrpcCode.internal,
    },
    {
      name: "with a malformed deadline",
      sent: { headers: { "grpc-timeout": "soon" }, frames: [unary({})] },
      code: GrpcCode.internal,
    },
    {
      name: "cut inside a message",
      sent: { frames: [unary({ data: "abc" }).subarray(0, -1)] },
      code: GrpcCode.internal,
    },
    {
      name: "with a message that is none",
      sent: { frames: [frame(Buffer.from([0xff, 0xff, 0xff]))] },
      code: GrpcCode.invalidArgument,
    },
  ];
  for (const { name, sent, http = 200, code } of refused) {
    it(`${name} are refused`, async () => {
      const answer = await send(sent);
      assert.equal(answer.headers[":status"], http);
      if (code === undefined) return;
      assert.equal(statusOf(answer), code, messageOf(answer));
      assert.notEqual(messageOf(answer), "");
    });
  }

  it("in an unknown compression are told the known ones", async () => {
    const answer = await send({ headers: { "grpc-encoding": "zstd" }, frames: [unary({})] });
    assert.match(String(answer.headers["grpc-accept-encoding"]), /gzip/);
  });

  it("are cut off at their deadline by the bridge itself", async () => {
    const answer = await send({ headers: { "grpc-timeout": "100m" }, frames: [unary({ delayMs: 60_000 })] });
    assert.equal(statusOf(answer), GrpcCode.deadlineExceeded);
  });

  it("may be empty messages", async () => {
    const answer = await send({ frames: [frame(Buffer.alloc(0))] });
    assert.equal(statusOf(answer), GrpcCode.ok, messageOf(answer));
  });

  it("may be compressed, and their answers then are", async () => {
    const plain = unary({ data: "a".repeat(100_000) }).subarray(5);
    const answer = await send({
      headers: { "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" },
      frames: [frame(gzipSync(plain), 1)],
    });
    assert.equal(statusOf(answer), GrpcCode.ok, messageOf(answer));
    assert.equal(answer.headers["grpc-encoding"], "gzip");
    const [reply] = answer.frames;
    assert.equal(reply?.flags, 1);
    const { payload } = fromBinary(UnaryResponseSchema, gunzipSync(reply?.payload ?? Buffer.alloc(0)));
    assert.equal(payload?.data.length, 100_000);
  });
});

describe("gRPC answers", () => {
  it("of a success are headers, a message and trailers", async () => {
    const answer = await send({ frames: [unary({ data: "a" })] });
    assert.equal(answer.headers["grpc-status"], undefined);
    assert.equal(answer.frames.length, 1);
    assert.equal(answer.trailers?.["grpc-status"], "0");
  });

  it("of an error without metadata are trailers only", async () => {
    const answer = await send({ frames: [unary({ error: { code: Code.ABORTED, message: "no" } })] });
    assert.equal(answer.trailers, undefined);
    assert.equal(answer.headers[":status"], 200);
    assert.equal(answer.headers["content-type"], "application/grpc");
    assert.equal(statusOf(answer), GrpcCode.aborted);
  });

  it("have their message percent-encoded", async () => {
    const answer = await send({ frames: [unary({ error: { code: Code.ABORTED, message: "50 % größer\n" } })] });
    assert.equal(messageOf(answer), "50 %25 gr%C3%B6%C3%9Fer%0A");
  });

  it("repeat code and message beside the details", async () => {
    const answer = await send({ frames: [unary({ error: { code: Code.ABORTED, message: "größer" } })] });
    const encoded = String((answer.trailers ?? answer.headers)["grpc-status-details-bin"]);
    assert.doesNotMatch(encoded, /=/);
    const status = fromBinary(StatusSchema, new Uint8Array(Buffer.from(encoded, "base64")));
    assert.deepEqual([status.code, status.message], [GrpcCode.aborted, "größer"]);
    assert.deepEqual(
      status.details.map(({ typeUrl }) => typeUrl),
      ["type.googleapis.com/connectrpc.conformance.v1.ConformancePayload.RequestInfo"],
    );
  });

  it("hold nothing of the hop to the worker", async () => {
    const answer = await send({ frames: [unary({ data: "a" })] });
    const names = [...Object.keys(answer.headers), ...Object.keys(answer.trailers ?? {})].sort();
    assert.deepEqual(names, [":status", "content-type", "grpc-accept-encoding", "grpc-status"]);
  });

  it("of a stream come message by message, and end in trailers also without any", async () => {
    const responseData = ["a", "b", ""].map((data) => Buffer.from(data));
    const message = toBinary(
      ServerStreamRequestSchema,
      create(ServerStreamRequestSchema, { responseDefinition: { responseData } }),
    );
    const answer = await send({ path: SERVER_STREAM, frames: [frame(message)] });
    const replies = answer.frames.map(({ payload }) => fromBinary(ServerStreamResponseSchema, payload).payload?.data);
    assert.deepEqual(
      replies.map((data) => Buffer.from(data ?? []).toString()),
      ["a", "b", ""],
    );
    const none = await send({ path: SERVER_STREAM, frames: [frame(Buffer.alloc(0))] });
    assert.deepEqual([none.frames.length, none.trailers?.["grpc-status"]], [0, "0"]);
  });

  it("come also to a caller that sends everything byte by byte", async () => {
    const bytes = [...unary({ data: "slowly" })].map((byte) => Uint8Array.of(byte));
    assert.equal(statusOf(await send({ frames: bytes })), GrpcCode.ok);
  });
});

function send({ path = UNARY, headers = {}, frames = [] }: Sent): Promise<Received> {
  const all = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers };
  const stream = session.request(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  const answer = receive(stream);
  for (const bytes of frames) stream.write(bytes);
  stream.end();
  return answer;
}

function receive(stream: ReturnType<ClientHttp2Session["request"]>): Promise<Received> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  const chunks: Buffer[] = [];
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("close", () => resolve({ headers, trailers, frames: framesOf(Buffer.concat(chunks)) }));
  });
}

function framesOf(body: Buffer): Received["frames"] {
  const frames: { flags: number; payload: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    frames.push({ flags: body.readUInt8(at), payload: body.subarray(at + 5, end) });
    at = end;
  }
  return frames;
}

function frame(payload: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}

/** A framed UnaryRequest that asks for the data, or for the error. */
function unary(asked: { data?: string; error?: { code: Code; message: string }; delayMs?: number }): Buffer {
  const response: MessageInitShape<typeof UnaryRequestSchema>["responseDefinition"] = {
    responseDelayMs: asked.delayMs ?? 0,
    response:
      asked.error === undefined
        ? { case: "responseData", value: Buffer.from(asked.data ?? "") }
        : { case: "error", value: asked.error },
  };
  return frame(toBinary(UnaryRequestSchema, create(UnaryRequestSchema, { responseDefinition: response })));
}

function statusOf({ headers, trailers = headers }: Received): number {
  return Number(trailers["grpc-status"]);
}

function messageOf({ headers, trailers = headers }: Received): string {
  return String(trailers["grpc-message"] ?? "");
}
