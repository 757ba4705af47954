// What every foreign client does with the bridge, and what has to come of it: once for all languages. The list follows
// gRPC's interoperability tests, as far as gestaltd's protocol has their shapes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Cache, CacheGetResponseSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ReadObjectChunkSchema, S3, WriteObjectResponseSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection, ServerReflectionResponseSchema } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import {
  Code as ConformanceCode,
  ConformanceService,
  ServerStreamResponseSchema,
  UnaryResponseSchema,
} from "../conformance/gen/connectrpc/conformance/v1/service_pb.ts";
import type { PlayedCall, PlayedResult, PlayingClient } from "./play.ts";

/** The services behind the bridge. */
export const SERVICES = [ConformanceService, Cache, S3] as const;

export interface Stage {
  readonly client: PlayingClient;
  /** The bridge's address in the form the client usually gets. */
  readonly target: string;
  /** Other forms of the same address. */
  readonly otherTargets: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** Longer than any test takes, in milliseconds. */
const LONG_MS = 60_000;
const SHORT_MS = 150;
const MIB = 1024 * 1024;

const text = (value: string) => new TextEncoder().encode(value);
const header = (name: string, ...value: string[]) => ({ name, value });

export const scenarios: readonly Scenario[] = [
  {
    name: "dials every form of address",
    async run(stage) {
      for (const target of stage.otherTargets) await hello({ ...stage, target });
    },
  },
  { name: "makes a unary call", run: hello },
  {
    name: "reads a thousand messages in order",
    async run(stage) {
      const data = Array.from({ length: 1000 }, (_, i) => text(`message ${i}`));
      const result = await callOne(stage, ConformanceService.method.serverStream, [
        { responseDefinition: { responseData: data } },
      ]);
      assert.equal(result.code, GrpcCode.ok, result.message);
      const replies = result.replies.map((reply) => decode(ServerStreamResponseSchema, reply.base64));
      assert.deepEqual(
        replies.map(({ payload }) => payload?.data),
        data,
      );
    },
  },
  {
    name: "sends and receives metadata, binary and repeated",
    async run(stage) {
      const sent = [
        ["x-asked", "one"],
        ["x-asked", "two"],
        ["x-asked-bin", "AAEC/w=="],
        ["x-asked-bin", "AAE="],
      ] as const;
      const definition = {
        responseHeaders: [header("x-answer", "one", "two"), header("x-answer-bin", "AAEC/w==", "AAE=")],
        responseTrailers: [header("x-after", "one", "two"), header("x-after-bin", "AAEC/w==", "AAE=")],
      };
      const result = await callOne(stage, ConformanceService.method.unary, [{ responseDefinition: definition }], {
        metadata: sent,
      });
      assert.equal(result.code, GrpcCode.ok, result.message);
      assert.deepEqual(valuesOf(result.headers, "x-answer"), ["one", "two"]);
      assert.deepEqual(valuesOf(result.headers, "x-answer-bin"), ["AAEC/w==", "AAE="]);
      assert.deepEqual(valuesOf(result.trailers, "x-after"), ["one", "two"]);
      assert.deepEqual(valuesOf(result.trailers, "x-after-bin"), ["AAEC/w==", "AAE="]);
      const { payload } = decode(UnaryResponseSchema, result.replies[0]?.base64);
      const seen = (payload?.requestInfo?.requestHeaders ?? []).map(({ name, value }) => [name, value.join()] as const);
      assert.deepEqual(valuesOf(seen, "x-asked"), ["one", "two"]);
      assert.deepEqual(
        valuesOf(seen, "x-asked-bin").map((value) => value.replace(/=+$/, "")),
        ["AAEC/w", "AAE"],
      );
    },
  },
  {
    name: "reads a status message in UTF-8, with details",
    async run(stage) {
      const message = "\t\nSchlüssel 日本語 🎉 100 %\r\n";
      const error = { code: ConformanceCode.NOT_FOUND, message };
      const result = await callOne(stage, ConformanceService.method.unary, [
        { responseDefinition: { response: { case: "error", value: error } } },
      ]);
      assert.equal(result.code, GrpcCode.notFound);
      assert.equal(result.message, message);
      const [encoded] = valuesOf(result.trailers, "grpc-status-details-bin");
      const status = decode(StatusSchema, encoded);
      assert.equal(status.code, GrpcCode.notFound);
      assert.equal(status.message, message);
      assert.equal(status.details.length, 1);
    },
  },
  {
    name: "learns that a method or a service is unknown",
    async run(stage) {
      for (const method of ["/gestalt.provider.v1.Cache/Frobnicate", "/gestalt.provider.v1.Nothing/Get"]) {
        const result = await playOne(stage, { method, kind: "unary", requests: [""], metadata: [] });
        assert.equal(result.code, GrpcCode.unimplemented, result.message);
      }
    },
  },
  {
    name: "receives a message of nearly 4 MiB, and no larger one than that",
    async run(stage) {
      const { serverStream } = ConformanceService.method;
      // The first answer repeats its request and says what headers came with it, the second is the bytes alone.
      const data = new Uint8Array(MAX_MESSAGE_BYTES - 4096);
      const fits = await callOne(stage, serverStream, [{ responseDefinition: { responseData: [text(""), data] } }]);
      assert.equal(fits.code, GrpcCode.ok, fits.message);
      assert.deepEqual(
        fits.replies.map(({ bytes }) => bytes > data.length),
        [true, true],
      );
      const twice = { responseDefinition: { responseData: [data.subarray(0, MAX_MESSAGE_BYTES / 2)] } };
      const over = await callOne(stage, serverStream, [twice]);
      assert.equal(over.code, GrpcCode.resourceExhausted, over.message);
    },
  },
  {
    name: "sends a message of 4 MiB, and no larger one",
    async run(stage) {
      // The tag of the padding and its length in four bytes.
      const overhead = 1 + 4;
      const { serverStream } = ConformanceService.method;
      const fits = await callOne(stage, serverStream, [{ requestData: new Uint8Array(MAX_MESSAGE_BYTES - overhead) }]);
      assert.equal(fits.code, GrpcCode.ok, fits.message);
      const over = await callOne(stage, serverStream, [
        { requestData: new Uint8Array(MAX_MESSAGE_BYTES - overhead + 1) },
      ]);
      assert.equal(over.code, GrpcCode.resourceExhausted, over.message);
      assert.match(over.message, /4194304/);
    },
  },
  {
    name: "uploads an object by client stream and reads it back",
    async run(stage) {
      // More than one part of 8 MiB, and no multiple of anything.
      const object = bytes(9 * MIB + 4321);
      const ref = { bucket: "files", key: `clients/${stage.client.library}` };
      const open = { msg: { case: "open" as const, value: { ref, contentType: "application/x-test" } } };
      const pieces = cut(object, MIB).map((data) => ({ msg: { case: "data" as const, value: data } }));
      const written = await callOne(stage, S3.method.writeObject, [open, ...pieces]);
      assert.equal(written.code, GrpcCode.ok, written.message);
      assert.equal(decode(WriteObjectResponseSchema, written.replies[0]?.base64).meta?.size, BigInt(object.length));

      const read = await callOne(stage, S3.method.readObject, [{ ref }]);
      assert.equal(read.code, GrpcCode.ok, read.message);
      const chunks = read.replies.map((reply) => decode(ReadObjectChunkSchema, reply.base64).result);
      const data = chunks.map((chunk) => (chunk.case === "data" ? chunk.value : new Uint8Array()));
      assert.equal(chunks[0]?.case, "meta");
      assert.equal(digest(Buffer.concat(data)), digest(object));
    },
  },
  {
    name: "meets its deadline",
    async run(stage) {
      const { unary, serverStream } = ConformanceService.method;
      const late = await callOne(stage, unary, [{ responseDefinition: { responseDelayMs: LONG_MS } }], {
        timeoutMs: SHORT_MS,
      });
      assert.equal(late.code, GrpcCode.deadlineExceeded, late.message);
      const definition = { responseDelayMs: LONG_MS, responseData: [text("never")] };
      const stream = await callOne(stage, serverStream, [{ responseDefinition: definition }], { timeoutMs: SHORT_MS });
      assert.equal(stream.code, GrpcCode.deadlineExceeded, stream.message);
      await hello(stage);
    },
  },
  {
    name: "cancels",
    async run(stage) {
      const { unary, serverStream } = ConformanceService.method;
      const one = await callOne(stage, unary, [{ responseDefinition: { responseDelayMs: LONG_MS } }], {
        cancelAfterMs: SHORT_MS,
      });
      assert.equal(one.code, GrpcCode.canceled, one.message);
      const definition = { responseData: Array.from({ length: 10_000 }, () => text("more")), responseDelayMs: 1 };
      const stream = await callOne(stage, serverStream, [{ responseDefinition: definition }], {
        cancelAfterReplies: 1,
      });
      assert.equal(stream.code, GrpcCode.canceled, stream.message);
      await hello(stage);
    },
  },
  {
    name: "compresses with gzip",
    async run(stage) {
      const data = new Uint8Array(100_000);
      const request = { responseDefinition: { response: { case: "responseData" as const, value: data } } };
      const result = await callOne(stage, ConformanceService.method.unary, [request], { gzip: true });
      assert.equal(result.code, GrpcCode.ok, result.message);
      assert.deepEqual(decode(UnaryResponseSchema, result.replies[0]?.base64).payload?.data.length, data.length);
    },
  },
  {
    name: "asks for health",
    async run(stage) {
      for (const service of ["", ...SERVICES.map(({ typeName }) => typeName)]) {
        const result = await callOne(stage, Health.method.check, [{ service }]);
        const { status } = decode(HealthCheckResponseSchema, result.replies[0]?.base64);
        assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
      }
      const unknown = await callOne(stage, Health.method.check, [{ service: "no.such.Service" }]);
      assert.equal(unknown.code, GrpcCode.notFound, unknown.message);
    },
  },
  {
    name: "asks by reflection what there is",
    async run(stage) {
      const { serverReflectionInfo } = ServerReflection.method;
      const result = await callOne(stage, serverReflectionInfo, [
        { messageRequest: { case: "listServices", value: "" } },
        { messageRequest: { case: "fileContainingSymbol", value: S3.typeName } },
      ]);
      assert.equal(result.code, GrpcCode.ok, result.message);
      const [listed, file] = result.replies.map((reply) => decode(ServerReflectionResponseSchema, reply.base64));
      assert.ok(listed?.messageResponse.case === "listServicesResponse");
      const names = listed.messageResponse.value.service.map(({ name }) => name);
      for (const { typeName } of SERVICES) assert.ok(names.includes(typeName), `${typeName} is not among ${names}`);
      assert.equal(file?.messageResponse.case, "fileDescriptorResponse");
    },
  },
  {
    name: "receives 300 replies of 1 MiB at once",
    async run(stage) {
      const method = pathOf(Cache.method.get);
      const requests = [encode(Cache.method.get.input, { key: `${MIB}` })];
      const results = await stage.client.play({
        ...{ target: stage.target, method, kind: "unary", requests, metadata: [], repeat: 300, digestOnly: true },
      });
      const expected = digest(
        toBinary(CacheGetResponseSchema, create(CacheGetResponseSchema, { found: true, value: new Uint8Array(MIB) })),
      );
      assert.deepEqual(
        results.filter(({ code, replies: [reply] }) => code !== GrpcCode.ok || reply?.sha256 !== expected),
        [],
      );
      assert.equal(results.length, 300);
    },
  },
  {
    name: "comes back after its connection went idle and was closed",
    async run(stage) {
      await hello(stage);
      await hello(stage, { awaitIdle: true });
    },
  },
];

async function hello(stage: Stage, options: Partial<PlayedCall> = {}): Promise<void> {
  const definition = { response: { case: "responseData" as const, value: text("hello") } };
  const request = { responseDefinition: definition };
  const result = await callOne(stage, ConformanceService.method.unary, [request], options);
  assert.equal(result.code, GrpcCode.ok, `${stage.target}: ${result.message}`);
  assert.deepEqual(decode(UnaryResponseSchema, result.replies[0]?.base64).payload?.data, text("hello"));
}

const KINDS = {
  unary: "unary",
  server_streaming: "serverStream",
  client_streaming: "clientStream",
  bidi_streaming: "bidi",
} as const;

/** One call of a method that we have a description of. */
function callOne<M extends DescMethod>(
  stage: Stage,
  method: M,
  requests: readonly MessageInitShape<M["input"]>[],
  options: Partial<PlayedCall> = {},
): Promise<PlayedResult> {
  const encoded = requests.map((request) => encode(method.input, request));
  const kind = KINDS[method.methodKind];
  return playOne(stage, { method: pathOf(method), kind, requests: encoded, metadata: [], ...options });
}

async function playOne(stage: Stage, call: Omit<PlayedCall, "target">): Promise<PlayedResult> {
  const [result] = await stage.client.play({ target: stage.target, ...call });
  assert.ok(result !== undefined);
  return result;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): string {
  return Buffer.from(toBinary(schema, create(schema, message))).toString("base64");
}

function decode<D extends DescMessage>(schema: D, message: string | undefined): MessageShape<D> {
  assert.ok(message !== undefined, `no ${schema.typeName} came`);
  return fromBinary(schema, new Uint8Array(Buffer.from(message, "base64")));
}

/** Clients differ in how they hold values that came under one name, and HTTP/1 joins them. */
function valuesOf(pairs: readonly (readonly [string, string])[], name: string): string[] {
  return pairs.filter(([key]) => key === name).flatMap(([, value]) => value.split(/, ?/));
}

/** Bytes without a pattern that a mix-up of pieces would leave as it is. */
function bytes(length: number): Uint8Array {
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return made;
}

function cut(data: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
