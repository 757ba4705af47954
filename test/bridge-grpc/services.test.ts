// Health and reflection, and with them the streams the bridge answers itself.
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { BridgeError } from "../../src/bridge/errors.ts";
import { frame } from "../../src/bridge/grpc/frames.ts";
import { localBidi, localServerStream } from "../../src/bridge/grpc/local.ts";
import { metadataValues } from "../../src/bridge/grpc/metadata.ts";
import { createHealth } from "../../src/bridge/services/health.ts";
import { createReflection } from "../../src/bridge/services/reflection.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../src/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection, ServerReflectionRequestSchema } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as Alpha } from "../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { startBridge } from "../support/grpc-bridge.ts";
import { collect, connectNode, grpcJs, rawCall, rawSession, rawStream, unary } from "../support/grpc-clients.ts";

const REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

describe("health", () => {
  it("says how each service is, and does not know others", async (t) => {
    const health = createHealth([Cache]);
    const client = grpcJs(t, await startBridge(t, health.routes));
    const check = async (service: string) => (await unary(client, Health.method.check, { service })).reply?.status;
    assert.equal(await check(""), Status.SERVING);
    assert.equal(await check("gestalt.provider.v1.Cache"), Status.SERVING);
    health.set("notServing", "gestalt.provider.v1.Cache");
    assert.equal(await check("gestalt.provider.v1.Cache"), Status.NOT_SERVING);
    assert.equal(await check(""), Status.SERVING);
    health.set("notServing");
    assert.equal(await check(""), Status.NOT_SERVING);
    const { error } = await unary(client, Health.method.check, { service: "nope" });
    assert.equal(error?.code, GrpcCode.notFound);
  });

  it("tells watchers of every change, and lets them go at the end", async (t) => {
    const health = createHealth([Cache]);
    const bridge = await startBridge(t, health.routes);
    const seen: Status[] = [];
    const watch = async () => {
      for await (const { status } of createClient(Health, connectNode(bridge)).watch({ service: "later" })) {
        seen.push(status);
        if (seen.length === 1) health.set("serving", "later");
        if (seen.length === 2) health.set("serving", "later"); // No change, nothing to tell.
        if (seen.length === 2) health.close();
      }
    };
    const error = ConnectError.from(await watch().catch((reason: unknown) => reason));
    assert.deepEqual(seen, [Status.SERVICE_UNKNOWN, Status.SERVING, Status.NOT_SERVING]);
    assert.equal(error.code, Code.Unavailable);
  });
});

describe("reflection", () => {
  const ask = async (
    t: TestContext,
    ...questions: Parameters<typeof create<typeof ServerReflectionRequestSchema>>[1][]
  ) => {
    const bridge = await startBridge(t, createReflection([Cache, S3, Health]));
    const payloads = questions.map((q) =>
      toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, q)),
    );
    const { messages, statuses } = await rawCall(rawSession(t, bridge), REFLECT, payloads);
    assert.deepEqual(statuses, ["0"]);
    return messages.map((message) => fromBinary(ServerReflection.method.serverReflectionInfo.output, message));
  };

  it("lists the services, in both versions", async (t) => {
    const names = [
      ...["gestalt.provider.v1.Cache", "gestalt.provider.v1.S3", "grpc.health.v1.Health"],
      ...["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"],
    ];
    const [answer] = await ask(t, { host: "h", messageRequest: { case: "listServices", value: "" } });
    assert.ok(answer?.messageResponse.case === "listServicesResponse");
    assert.deepEqual(
      answer.messageResponse.value.service.map(({ name }) => name),
      names,
    );
    assert.equal(answer.validHost, "h");
    assert.equal(answer.originalRequest?.host, "h");
    const bridge = await startBridge(t, createReflection([Cache, S3, Health]));
    async function* questions() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
    }
    const seen: string[] = [];
    for await (const { messageResponse } of createClient(Alpha, connectNode(bridge)).serverReflectionInfo(
      questions(),
    )) {
      if (messageResponse.case !== "listServicesResponse") continue;
      seen.push(...messageResponse.value.service.map(({ name }) => name));
    }
    assert.deepEqual(seen, names);
  });

  it("gives files with all they import, by symbol and by name", async (t) => {
    const symbols = [
      "gestalt.provider.v1.S3",
      "gestalt.provider.v1.S3.ReadObject",
      "gestalt.provider.v1.ReadObjectChunk",
    ];
    const others = ["gestalt.provider.v1.S3ObjectMeta.etag", "gestalt.provider.v1.PresignMethod"];
    const bySymbol = [...symbols, ...others].map((value) => ({
      messageRequest: { case: "fileContainingSymbol" as const, value },
    }));
    const byName = { messageRequest: { case: "fileByFilename" as const, value: "gestalt/provider/v1/s3.proto" } };
    const imported = { messageRequest: { case: "fileByFilename" as const, value: "google/protobuf/timestamp.proto" } };
    const answers = await ask(t, ...bySymbol, byName, imported);
    for (const { messageResponse } of answers) {
      assert.ok(messageResponse.case === "fileDescriptorResponse");
      const file = messageResponse.value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
      if (file[0]?.name.startsWith("google")) continue;
      assert.equal(file[0]?.name, "gestalt/provider/v1/s3.proto");
      assert.equal(registry.getService("gestalt.provider.v1.S3")?.methods.length, S3.methods.length);
    }
  });

  it("says what it does not know without ending the stream", async (t) => {
    const answers = await ask(
      t,
      { messageRequest: { case: "fileContainingSymbol", value: "no.Such" } },
      { messageRequest: { case: "fileByFilename", value: "no/such.proto" } },
      { messageRequest: { case: "fileContainingExtension", value: { containingType: "x", extensionNumber: 1 } } },
      { messageRequest: { case: "allExtensionNumbersOfType", value: "x" } },
      {},
      { messageRequest: { case: "fileContainingSymbol", value: "gestalt.provider.v1.Cache" } },
    );
    const codes = answers.map(({ messageResponse: r }) => (r.case === "errorResponse" ? r.value.errorCode : r.case));
    assert.deepEqual(codes, [5, 5, 5, 5, 3, "fileDescriptorResponse"]);
  });

  it("answers question by question", async (t) => {
    const bridge = await startBridge(t, createReflection([Cache]));
    const stream = rawStream(rawSession(t, bridge), REFLECT);
    const answer = collect(stream);
    for (let i = 0; i < 3; i++) {
      stream.write(frame(new Uint8Array()));
      await once(stream, "data");
    }
    stream.end();
    assert.equal((await answer).messages.length, 3);
  });

  it("is not overrun by a caller that asks and does not read", async (t) => {
    const bridge = await startBridge(t, createReflection([Cache, S3]));
    const question = create(ServerReflectionRequestSchema, {
      messageRequest: { case: "fileContainingSymbol", value: S3.typeName },
    });
    const flood = Buffer.concat(Array(20_000).fill(frame(toBinary(ServerReflectionRequestSchema, question))));
    const before = process.memoryUsage().rss;
    const stream = rawStream(rawSession(t, bridge), REFLECT);
    stream.end(flood);
    await once(stream, "response");
    assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
    stream.close(8);
    await once(stream, "close");
  });
});

describe("a local stream", () => {
  const echo = localBidi(ServerReflection.method.serverReflectionInfo, async function* (requests, call) {
    for await (const { host } of requests) {
      if (host === "fail") throw new BridgeError(GrpcCode.aborted, "enough");
      if (host === "crash") throw new TypeError("secret internals");
      yield { validHost: host + metadataValues(call.metadata, "x-suffix").join("") };
    }
  });
  const host = (value: string) =>
    toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { host: value }));

  it("ends with the error its function throws, after what it had said", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const session = rawSession(t, bridge);
    const failed = await rawCall(session, REFLECT, [host("a"), host("fail"), host("b")], { "x-suffix": "!" });
    assert.deepEqual(failed.statuses, ["10"]);
    assert.equal(failed.messages.length, 1);
    const crashed = await rawCall(session, REFLECT, [host("crash")]);
    assert.deepEqual(crashed.statuses, ["13"]);
    assert.equal(bridge.faults.length, 1);
  });

  it("ends with INTERNAL when a message is none, or is cut", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    assert.deepEqual((await rawCall(session, REFLECT, [host("a"), Buffer.from([0xff])])).statuses, ["13"]);
    const stream = rawStream(session, REFLECT);
    const answer = collect(stream);
    stream.end(Buffer.concat([frame(host("a")), Buffer.from([0, 0])]));
    assert.deepEqual((await answer).statuses, ["13"]);
  });

  it("tells its function that the caller has gone", async (t) => {
    const { promise: left, resolve: leave } = Promise.withResolvers<BridgeError>();
    const watch = localServerStream(Health.method.watch, async function* (_request, { signal }) {
      signal.addEventListener("abort", () => leave(signal.reason));
      yield { status: Status.SERVING };
      await left;
    });
    const stream = rawStream(rawSession(t, await startBridge(t, [watch])), "/grpc.health.v1.Health/Watch");
    stream.end(frame(new Uint8Array()));
    await once(stream, "data");
    stream.close(8);
    assert.equal((await left).code, GrpcCode.canceled);
  });
});
