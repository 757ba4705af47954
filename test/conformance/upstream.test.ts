// The bridge as a Connect client: what it makes of answers that no worker of ours gives, but that a proxy, an older worker
// or a broken network might. Each answer is written byte by byte on a connection; the caller speaks gRPC.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { type ConformanceClient, nameOf, perform, type Request } from "./call.ts";
import {
  ConformanceService,
  ServerStreamResponseSchema,
  UnaryResponseSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { startBridge, type TestBridge } from "./service.ts";

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** What `content-length` says; the body's length when left out. */
  readonly length?: number;
}

interface Case {
  readonly name: string;
  readonly answer: Answer;
  readonly code: Code | "ok";
  readonly message?: RegExp;
  /** Trailers that must have come. */
  readonly trailers?: Readonly<Record<string, string>>;
}

let upstream: Server;
let bridge: TestBridge;
let session: Http2SessionManager;
let client: ConformanceClient;
let next: Answer = {};
const sockets = new Set<Socket>();

before(async () => {
  upstream = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // A request of ours fits into few packets; the answer comes with the first.
    socket.on("data", () => answerWith(socket, next));
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  bridge = await startBridge({ url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, token: "none" });
  session = new Http2SessionManager(`http://127.0.0.1:${bridge.port}`);
  client = createClient(
    ConformanceService,
    createGrpcTransport({ baseUrl: session.authority, sessionManager: session }),
  );
});
after(async () => {
  session.abort();
  await bridge.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => upstream.close(resolve));
});

const unaryReply = toBinary(UnaryResponseSchema, create(UnaryResponseSchema, { payload: { data: Buffer.from("a") } }));
const streamReply = toBinary(
  ServerStreamResponseSchema,
  create(ServerStreamResponseSchema, { payload: { data: Buffer.from("a") } }),
);
const PROTO = { "content-type": "application/proto" };
const STREAM = { "content-type": "application/connect+proto" };
const JSON_TYPE = { "content-type": "application/json" };

/**
 * Connect protocol, "HTTP to Error Code", but for 401: what stands before a worker refuses the bridge with it, and to gestaltd
 * UNAUTHENTICATED is about its own callers (src/bridge/proxy/answer.ts).
 */
const STATUSES: readonly (readonly [status: number, code: Code])[] = [
  [303, Code.Unknown],
  [400, Code.Internal],
  [401, Code.FailedPrecondition],
  [403, Code.PermissionDenied],
  [404, Code.Unimplemented],
  [408, Code.Unknown],
  [409, Code.Unknown],
  [412, Code.Unknown],
  [413, Code.Unknown],
  [415, Code.Unknown],
  [429, Code.Unavailable],
  [431, Code.Unknown],
  [500, Code.Unknown],
  [502, Code.Unavailable],
  [503, Code.Unavailable],
  [504, Code.Unavailable],
  [520, Code.Unknown],
];

const both: readonly Case[] = [
  ...STATUSES.flatMap(([status, code]): Case[] => [
    { name: `a bare ${status}`, answer: { status }, code },
    {
      name: `a page with ${status}`,
      answer: { status, headers: { "content-type": "text/html" }, body: "<p>Oh</p>" },
      code,
    },
    { name: `JSON that is no error with ${status}`, answer: { status, headers: JSON_TYPE, body: "[1]" }, code },
    {
      name: `an error of unknown code with ${status}`,
      answer: { status, headers: JSON_TYPE, body: '{"code":"foo","message":"bar"}' },
      code,
    },
    {
      name: `an error of its own code with ${status}`,
      answer: { status, headers: JSON_TYPE, body: '{"code":"aborted","message":"bar"}' },
      code: Code.Aborted,
      message: /^bar$/,
    },
  ]),
  {
    name: "success of another content type",
    answer: { headers: { "content-type": "image/jpeg" }, body: "x" },
    code: Code.Unknown,
  },
  { name: "success without a content type", answer: { body: "x" }, code: Code.Unknown },
];

const unary: readonly Case[] = [
  { name: "a message", answer: { headers: PROTO, body: unaryReply }, code: "ok" },
  { name: "a message in the other codec", answer: { headers: JSON_TYPE, body: "{}" }, code: Code.Internal },
  {
    name: "a message in an unknown compression",
    answer: { headers: { ...PROTO, "content-encoding": "foo" }, body: "x" },
    code: Code.Internal,
  },
  {
    name: "a message that broke off",
    answer: { headers: PROTO, body: unaryReply, length: unaryReply.length + 1 },
    code: Code.Unavailable,
  },
  {
    name: "a message over the limit",
    answer: { headers: PROTO, body: new Uint8Array(MAX_MESSAGE_BYTES + 1) },
    code: Code.ResourceExhausted,
  },
  {
    name: "a message said to be over the limit",
    answer: { headers: PROTO, body: "x", length: 2 ** 40 },
    code: Code.ResourceExhausted,
  },
  {
    name: "trailers as headers",
    answer: { headers: { ...PROTO, "trailer-x-after": "one", "Trailer-X-More": "two" }, body: unaryReply },
    code: "ok",
    trailers: { "x-after": "one", "x-more": "two" },
  },
  {
    name: "a compressed error",
    answer: {
      status: 409,
      headers: { ...JSON_TYPE, "content-encoding": "gzip" },
      body: gzipSync('{"code":"aborted"}'),
    },
    code: Code.Unknown,
  },
];

const stream: readonly Case[] = [
  { name: "a message and an end", answer: ofStream(envelope(streamReply), end("{}")), code: "ok" },
  { name: "an end alone", answer: ofStream(end("{}")), code: "ok" },
  { name: "no end", answer: ofStream(envelope(streamReply)), code: Code.Unavailable },
  { name: "nothing", answer: ofStream(), code: Code.Unavailable },
  {
    name: "an error in its end",
    answer: ofStream(end('{"error":{"code":"aborted","message":"bar"}}')),
    code: Code.Aborted,
    message: /^bar$/,
  },
  { name: "an error without a code", answer: ofStream(end('{"error":{"message":"bar"}}')), code: Code.Unknown },
  {
    name: "an error of unknown code",
    answer: ofStream(end('{"error":{"code":"foo","message":"bar"}}')),
    code: Code.Unknown,
  },
  {
    name: "trailers in its end",
    answer: ofStream(end('{"metadata":{"x-after":["one"],"X-More":["two"]}}')),
    code: "ok",
    trailers: { "x-after": "one", "x-more": "two" },
  },
  { name: "an end that is no JSON", answer: ofStream(end("{")), code: Code.Internal },
  { name: "a message after its end", answer: ofStream(end("{}"), envelope(streamReply)), code: Code.Internal },
  { name: "two ends", answer: ofStream(end("{}"), end("{}")), code: Code.Internal },
  { name: "a message cut short", answer: ofStream(envelope(streamReply).subarray(0, -1)), code: Code.Unavailable },
  {
    name: "a compressed message, which nobody asked for",
    answer: ofStream(envelope(gzipSync(streamReply), 1), end("{}")),
    code: Code.Internal,
  },
  {
    name: "a compressed end, which nobody asked for",
    answer: ofStream(envelope(gzipSync("{}"), 3)),
    code: Code.Internal,
  },
  {
    name: "a message said to be over the limit",
    answer: ofStream(Buffer.from([0, 0xff, 0xff, 0xff, 0xff])),
    code: Code.ResourceExhausted,
  },
  {
    name: "a message in the other codec",
    answer: { headers: { "content-type": "application/connect+json" }, body: envelope(Buffer.from("{}")) },
    code: Code.Internal,
  },
  { name: "a unary answer", answer: { headers: PROTO, body: unaryReply }, code: Code.Internal },
];

describe("a unary call that is answered with", () => {
  for (const one of [...both, ...unary]) it(one.name, () => check({ rpc: "unary" }, one));
});

describe("a server stream that is answered with", () => {
  for (const one of [...both, ...stream]) it(one.name, () => check({ rpc: "serverStream" }, one));
});

async function check(request: Request, { answer, code, message, trailers = {} }: Case): Promise<void> {
  next = answer;
  const outcome = await perform(client, request);
  assert.equal(nameOf(outcome.code), nameOf(code), outcome.message);
  if (message !== undefined) assert.match(outcome.message, message);
  for (const [name, value] of Object.entries(trailers)) assert.equal(outcome.trailers.get(name), value);
}

function answerWith(socket: Socket, { status = 200, headers = {}, body = "", length }: Answer): void {
  const bytes = Buffer.from(body as Uint8Array);
  const lines = Object.entries({ ...headers, "content-length": length ?? bytes.length, connection: "close" });
  socket.write(`HTTP/1.1 ${status} Status\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  socket.end(bytes);
}

function ofStream(...envelopes: Uint8Array[]): Answer {
  return { headers: STREAM, body: Buffer.concat(envelopes) };
}

function envelope(payload: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}

function end(json: string): Buffer {
  return envelope(Buffer.from(json), 2);
}
