// Connect as it stands on the wire, from the worker: verbs, GET, status codes, envelopes, and requests no client library
// would send. HTTP/1.1 without TLS, as the bridge calls it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { create, fromBinary, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type GrpcCode, nameOfGrpcCode } from "../../src/wire/codes.ts";
import type { TestWorker } from "../support/worker-harness.ts";
import {
  type Code,
  IdempotentUnaryRequestSchema,
  IdempotentUnaryResponseSchema,
  ServerStreamRequestSchema,
  ServerStreamResponseSchema,
  UnaryRequestSchema,
  UnaryResponseSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { startConformanceWorker } from "./service.ts";

const SERVICE = "/connectrpc.conformance.v1.ConformanceService";
const UNARY = `${SERVICE}/Unary`;
const SERVER_STREAM = `${SERVICE}/ServerStream`;
const IDEMPOTENT = `${SERVICE}/IdempotentUnary`;

/** Connect protocol, "Error codes": the HTTP status of each code, 1 to 16. */
const HTTP_STATUS = [499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

let worker: TestWorker;
let authorization: string;

before(async () => {
  worker = await startConformanceWorker();
  authorization = `Bearer ${await worker.token()}`;
});
after(() => worker.dispose());

describe("Connect errors", () => {
  for (const [index, status] of HTTP_STATUS.entries()) {
    const code = index + 1;
    const name = nameOfGrpcCode(code as GrpcCode);
    it(`${name} come as ${status} in JSON`, async () => {
      const answer = await post(
        UNARY,
        unary({ response: { case: "error", value: { code: code as Code, message: "größer" } } }),
      );
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("content-type"), "application/json");
      const error = (await answer.json()) as { code: string; message: string; details: { type: string }[] };
      assert.deepEqual([error.code, error.message], [name, "größer"]);
      assert.equal(error.details[0]?.type, "connectrpc.conformance.v1.ConformancePayload.RequestInfo");
    });

    it(`${name} come in the end of a stream, after 200`, async () => {
      const answer = await postStream(
        serverStream({ responseData: [Buffer.from("a")], error: { code: code as Code, message: "größer" } }),
      );
      assert.equal(answer.status, 200);
      const [first, end] = await envelopes(answer);
      assert.equal(first?.flags, 0);
      assert.equal(end?.flags, 2);
      assert.deepEqual(JSON.parse(String(end?.payload)), { error: { code: name, message: "größer" } });
    });
  }
});

describe("Connect unary requests", () => {
  it("are answered in their codec", async () => {
    const binary = await post(UNARY, unary({ response: { case: "responseData", value: Buffer.from("a") } }));
    assert.equal(binary.headers.get("content-type"), "application/proto");
    const message = fromBinary(UnaryResponseSchema, new Uint8Array(await binary.arrayBuffer()));
    assert.deepEqual(message.payload?.data, new Uint8Array(Buffer.from("a")));
    const json = await post(UNARY, "{}", { "content-type": "application/json" });
    assert.equal(json.headers.get("content-type"), "application/json");
    assert.equal(json.status, 200);
  });

  it("send trailers as headers with a prefix", async () => {
    const definition = { responseTrailers: [{ name: "x-after", value: ["one"] }] };
    assert.equal((await post(UNARY, unary(definition))).headers.get("trailer-x-after"), "one");
  });

  it("may be compressed, but for a damaged body", async () => {
    const message = unary({ response: { case: "responseData", value: Buffer.from("a") } });
    const answer = await post(UNARY, gzipSync(message), { "content-encoding": "gzip" });
    assert.equal(answer.status, 200);
    const damaged = gzipSync(message).subarray(0, -9);
    assert.equal(await codeOf(await post(UNARY, damaged, { "content-encoding": "gzip" })), "invalid_argument");
  });

  const refused: readonly {
    name: string;
    headers?: Record<string, string>;
    body?: string;
    status: number;
    code?: string;
  }[] = [
    { name: "of an unknown codec", headers: { "content-type": "application/foo" }, status: 415 },
    { name: "of a streaming codec", headers: { "content-type": "application/connect+proto" }, status: 415 },
    { name: "without a codec", headers: { "content-type": "" }, status: 415 },
    { name: "in an unknown compression", headers: { "content-encoding": "foo" }, status: 501, code: "unimplemented" },
    { name: "with a message that is none", body: "\u0007\u0007", status: 400, code: "invalid_argument" },
    {
      name: "with JSON that is none",
      headers: { "content-type": "application/json" },
      body: "{",
      status: 400,
      code: "invalid_argument",
    },
    {
      name: "with a malformed deadline",
      headers: { "connect-timeout-ms": "soon" },
      status: 400,
      code: "invalid_argument",
    },
    {
      name: "with a deadline of eleven digits",
      headers: { "connect-timeout-ms": "12345678901" },
      status: 400,
      code: "invalid_argument",
    },
    { name: "without a token", headers: { authorization: "" }, status: 401, code: "unauthenticated" },
  ];
  for (const { name, headers = {}, body = "", status, code } of refused) {
    it(`${name} are refused with ${status}`, async () => {
      const answer = await post(UNARY, Buffer.from(body), headers);
      assert.equal(answer.status, status);
      if (code !== undefined) assert.equal(await codeOf(answer), code);
    });
  }

  it("past their deadline are cut off", async () => {
    const answer = await post(UNARY, unary({ responseDelayMs: 60_000 }), { "connect-timeout-ms": "100" });
    assert.deepEqual([answer.status, await codeOf(answer)], [504, "deadline_exceeded"]);
  });

  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    it(`by ${method} are refused with 405`, async () => {
      const answer = await worker.fetch(UNARY, {
        method,
        headers: { authorization, "content-type": "application/proto" },
      });
      assert.equal(answer.status, 405);
    });
  }

  for (const path of [`${SERVICE}/Unimplemented`, `${SERVICE}/NoSuchMethod`, "/no.such.Service/Method"]) {
    it(`for ${path} are unimplemented`, async () => {
      assert.equal(await codeOf(await post(path, "")), "unimplemented");
    });
  }
});

describe("Connect streaming requests", () => {
  it("are answered in envelopes, the last with the trailers", async () => {
    const definition = {
      responseHeaders: [{ name: "x-answer", value: ["one"] }],
      responseTrailers: [{ name: "x-after", value: ["two", "three"] }],
      responseData: [Buffer.from("a"), Buffer.from("b")],
    };
    const answer = await postStream(serverStream(definition));
    assert.equal(answer.headers.get("content-type"), "application/connect+proto");
    assert.equal(answer.headers.get("x-answer"), "one");
    const parts = await envelopes(answer);
    assert.deepEqual(
      parts.map(({ flags }) => flags),
      [0, 0, 2],
    );
    const data = parts.slice(0, 2).map(({ payload }) => fromBinary(ServerStreamResponseSchema, payload).payload?.data);
    assert.deepEqual(
      data.map((one) => Buffer.from(one ?? []).toString()),
      ["a", "b"],
    );
    const { metadata } = JSON.parse(String(parts[2]?.payload)) as { metadata: Record<string, string[]> };
    assert.deepEqual(
      metadata["x-after"]?.flatMap((value) => value.split(", ")),
      ["two", "three"],
    );
  });

  const refused: readonly { name: string; body: Uint8Array; headers?: Record<string, string>; code: string }[] = [
    { name: "without a message", body: new Uint8Array(), code: "unimplemented" },
    {
      name: "with two messages",
      body: Buffer.concat([envelope(serverStream({})), envelope(serverStream({}))]),
      code: "unimplemented",
    },
    {
      name: "cut inside a message",
      body: envelope(serverStream({ responseDelayMs: 1 })).subarray(0, -1),
      code: "invalid_argument",
    },
    { name: "with a message that is none", body: envelope(Buffer.from([7, 7])), code: "invalid_argument" },
    {
      name: "compressed without saying so",
      body: envelope(gzipSync(serverStream({})), 1),
      headers: { "connect-content-encoding": "identity" },
      code: "internal",
    },
    {
      name: "in an unknown compression",
      body: envelope(Buffer.from("x"), 1),
      headers: { "connect-content-encoding": "foo" },
      code: "unimplemented",
    },
    {
      name: "that announce more than they may",
      body: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
      code: "resource_exhausted",
    },
  ];
  for (const { name, body, headers = {}, code } of refused) {
    it(`${name} are refused`, async () => {
      const answer = await post(SERVER_STREAM, body, { "content-type": "application/connect+proto", ...headers });
      assert.equal(answer.status, 200);
      const last = (await envelopes(answer)).at(-1);
      assert.equal(last?.flags, 2);
      const { error } = JSON.parse(String(last?.payload)) as { error: { code: string } };
      assert.equal(error.code, code);
    });
  }

  it("may be compressed", async () => {
    const message = envelope(gzipSync(serverStream({ responseData: [Buffer.from("a")] })), 1);
    const headers = { "content-type": "application/connect+proto", "connect-content-encoding": "gzip" };
    assert.equal((await envelopes(await post(SERVER_STREAM, message, headers))).length, 2);
  });
});

describe("Connect GET", () => {
  const request = create(IdempotentUnaryRequestSchema, {
    responseDefinition: { response: { case: "responseData", value: Buffer.from("a+/ ü") } },
  });
  const base64 = Buffer.from(toBinary(IdempotentUnaryRequestSchema, request)).toString("base64url");

  it("answers base64 in binary", async () => {
    const answer = await get({ connect: "v1", encoding: "proto", base64: "1", message: base64 });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/proto");
    const { payload } = fromBinary(IdempotentUnaryResponseSchema, new Uint8Array(await answer.arrayBuffer()));
    assert.equal(Buffer.from(payload?.data ?? []).toString(), "a+/ ü");
  });

  it("answers JSON in JSON", async () => {
    const answer = await get({
      encoding: "json",
      message: toJsonString(IdempotentUnaryRequestSchema, create(IdempotentUnaryRequestSchema)),
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
  });

  it("answers a compressed message", async () => {
    const message = gzipSync(toBinary(IdempotentUnaryRequestSchema, request)).toString("base64url");
    assert.equal((await get({ encoding: "proto", base64: "1", compression: "gzip", message })).status, 200);
  });

  const refused: readonly { name: string; query: Record<string, string>; status: number }[] = [
    { name: "an unknown codec", query: { encoding: "foo", message: base64, base64: "1" }, status: 415 },
    {
      name: "an unknown compression",
      query: { encoding: "proto", base64: "1", compression: "foo", message: base64 },
      status: 501,
    },
  ];
  for (const { name, query, status } of refused) {
    it(`refuses ${name}`, async () => assert.equal((await get(query)).status, status));
  }
});

function post(path: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { authorization, "content-type": "application/proto", ...headers };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
  return worker.fetch(path, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: sent,
  });
}

function postStream(message: Uint8Array): Promise<Response> {
  return post(SERVER_STREAM, envelope(message), { "content-type": "application/connect+proto" });
}

function get(query: Record<string, string>): Promise<Response> {
  return worker.fetch(`${IDEMPOTENT}?${new URLSearchParams(query)}`, { headers: { authorization } });
}

function unary(responseDefinition: NonNullable<MessageInitShape<typeof UnaryRequestSchema>["responseDefinition"]>) {
  return toBinary(UnaryRequestSchema, create(UnaryRequestSchema, { responseDefinition }));
}

function serverStream(
  responseDefinition: NonNullable<MessageInitShape<typeof ServerStreamRequestSchema>["responseDefinition"]>,
) {
  return toBinary(ServerStreamRequestSchema, create(ServerStreamRequestSchema, { responseDefinition }));
}

function envelope(payload: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}

async function envelopes(answer: Response): Promise<{ flags: number; payload: Buffer }[]> {
  const body = Buffer.from(await answer.arrayBuffer());
  const parts: { flags: number; payload: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    parts.push({ flags: body.readUInt8(at), payload: body.subarray(at + 5, end) });
    at = end;
  }
  return parts;
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code;
}
