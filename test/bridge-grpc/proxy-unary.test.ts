// Unary calls through the bridge: what crosses, what does not, and what comes of a worker that misbehaves.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, it, type TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { BridgeError } from "../../src/bridge/errors.ts";
import { createProxy, proxyRoute } from "../../src/bridge/proxy/proxy.ts";
import { callWorker } from "../../src/bridge/proxy/worker-call.ts";
import type { Upstream, UpstreamSource } from "../../src/bridge/upstream.ts";
import { Cache, CacheGetResponseSchema, CacheSetRequestSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { connectNode, grpcJs, rawCall, rawSession, rawStream, unary } from "../support/grpc-clients.ts";
import { type Behaviour, connectFarSide, type FarSide, farSide } from "../support/grpc-far-side.ts";

const GET = "/gestalt.provider.v1.Cache/Get";
const PROTO = { "content-type": "application/proto" };
const JSON_TYPE = { "content-type": "application/json" };

async function behind(t: TestContext, behaviour: Behaviour): Promise<{ far: FarSide; bridge: TestBridge }> {
  const far = await farSide(behaviour);
  t.after(() => far.close());
  return { far, bridge: await startBridge(t, createProxy(far.source, [Cache, IndexedDB])) };
}

const get = (bridge: TestBridge, t: TestContext, metadata?: Metadata) =>
  unary(grpcJs(t, bridge), Cache.method.get, { key: "k" }, metadata);

const found = (value: string) =>
  toBinary(CacheGetResponseSchema, create(CacheGetResponseSchema, { found: true, value: Buffer.from(value) }));

describe("a unary call", () => {
  it("crosses as bytes that nobody decoded", async (t) => {
    const { far, bridge } = await behind(t, ({ body }, response) => response.writeHead(200, PROTO).end(body));
    for (const payload of [Buffer.from("no protobuf at all \xff"), Buffer.alloc(0), Buffer.alloc(300_000, 1)]) {
      const { statuses, messages } = await rawCall(rawSession(t, bridge), GET, [payload]);
      assert.deepEqual(statuses, ["0"]);
      assert.deepEqual(messages, [payload]);
    }
    const { path, headers } = far.seen[0] ?? assert.fail();
    assert.equal(path, GET);
    assert.equal(headers["content-type"], "application/proto");
    assert.equal(headers["connect-protocol-version"], "1");
    assert.equal(headers["accept-encoding"], "identity");
    assert.equal(headers["content-length"], "21");
    assert.equal(headers["connect-timeout-ms"], undefined);
    assert.equal(headers.authorization, "Bearer a-session-token");
  });

  it("carries metadata both ways, with duplicates and binary values", async (t) => {
    const far = await connectFarSide((router) =>
      router.rpc(Cache.method.get, (_request, context) => {
        context.responseHeader.append("echo", context.requestHeader.get("x-dup") ?? "");
        context.responseHeader.append("dup", "1");
        context.responseHeader.append("lead-bin", "AAEC");
        context.responseTrailer.append("after", "end");
        context.responseTrailer.append("after-bin", "/+8=");
        return { found: true };
      }),
    );
    t.after(() => far.close());
    const bridge = await startBridge(t, createProxy(far.source, [Cache]));
    const metadata = new Metadata();
    metadata.add("x-dup", "a");
    metadata.add("x-dup", "b");
    metadata.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const { headers, trailers } = await get(bridge, t, metadata);
    assert.deepEqual(headers?.get("echo"), ["a, b"]);
    assert.deepEqual(headers?.get("lead-bin"), [Buffer.from([0, 1, 2])]);
    assert.deepEqual(trailers?.get("after"), ["end"]);
    assert.deepEqual(trailers?.get("after-bin"), [Buffer.from([0xff, 0xef])]);
    assert.deepEqual(headers?.get("date"), []);
    assert.deepEqual(headers?.get("content-length"), []);
  });

  it("cannot speak for the bridge", async (t) => {
    const { far, bridge } = await behind(t, (_seen, response) => response.writeHead(200, PROTO).end());
    const injected = {
      ...{ authorization: "Bearer forged", cookie: "a=b", "connect-timeout-ms": "1", "cf-access-client-id": "x" },
      ...{ "x-forwarded-for": "1.2.3.4", "gestalt-upload": "x", "content-encoding": "gzip", "x-fine": "yes" },
      ...{ "traceparent-bin": "AAE", "user-agent": "somebody/1" },
    };
    assert.deepEqual((await rawCall(rawSession(t, bridge), GET, [Buffer.alloc(1)], injected)).statuses, ["0"]);
    const { headers } = far.seen[0] ?? assert.fail();
    const names = ["accept-encoding", "authorization", "connect-protocol-version", "connection", "content-length"];
    assert.deepEqual(
      Object.keys(headers).sort(),
      [...names, "content-type", "host", "traceparent-bin", "x-fine"].sort(),
    );
    assert.equal(headers.authorization, "Bearer a-session-token");
  });

  it("has its deadline travel, and end it", async (t) => {
    const { far, bridge } = await behind(t, () => {});
    const started = Date.now();
    const { statuses } = await rawCall(rawSession(t, bridge), GET, [Buffer.alloc(1)], { "grpc-timeout": "300m" });
    assert.deepEqual(statuses, ["4"]);
    const timeout = Number(far.seen[0]?.headers["connect-timeout-ms"]);
    assert.ok(timeout > 0 && timeout <= 300, `${timeout} ms, asked at ${started}`);
    await far.deserted();
  });

  it("that is cancelled ends the request to the worker", async (t) => {
    const { far, bridge } = await behind(t, () => stream.close(8));
    const stream = rawStream(rawSession(t, bridge), GET);
    stream.end(Buffer.alloc(5));
    await once(stream, "close");
    await far.deserted();
    // Not just closed: workerd would go on working.
    assert.deepEqual(far.socketErrors, ["ECONNRESET"]);
  });

  it("whose connection breaks ends the request to the worker", async (t) => {
    const { far, bridge } = await behind(t, () => session.destroy());
    const session = rawSession(t, bridge);
    rawStream(session, GET).end(Buffer.alloc(5));
    await once(session, "close");
    await far.deserted();
  });

  it("is answered 300 times with 1 MiB on one connection", async (t) => {
    const value = Buffer.alloc(1024 * 1024, 1);
    const { bridge } = await behind(t, (_seen, response) => response.writeHead(200, PROTO).end(value));
    const session = rawSession(t, bridge);
    const answers = await Promise.all(Array.from({ length: 300 }, () => rawCall(session, GET)));
    for (const { statuses, messages } of answers) {
      assert.deepEqual(statuses, ["0"]);
      assert.equal(messages[0]?.length, value.length);
    }
  });
});

describe("an error of the worker", () => {
  it("comes with code, message in any characters, details and metadata", async (t) => {
    const far = await connectFarSide((router) =>
      router.rpc(Cache.method.get, () => {
        const details = [{ desc: CacheSetRequestSchema, value: create(CacheSetRequestSchema, { key: "detail" }) }];
        throw new ConnectError("schlüssel fehlt 🗝 100%", Code.NotFound, { "x-why": "because" }, details);
      }),
    );
    t.after(() => far.close());
    const bridge = await startBridge(t, createProxy(far.source, [Cache]));
    const { error, headers, trailers } = await get(bridge, t);
    assert.equal(error?.code, GrpcCode.notFound);
    assert.equal(error?.details, "schlüssel fehlt 🗝 100%");
    const all = [...(headers?.get("x-why") ?? []), ...(trailers?.get("x-why") ?? [])];
    assert.deepEqual(all, ["because"]);
    const [bytes] = error?.metadata.get("grpc-status-details-bin") ?? [];
    const status = fromBinary(StatusSchema, bytes as Buffer);
    assert.equal(status.code, GrpcCode.notFound);
    assert.equal(status.details[0]?.typeUrl, "type.googleapis.com/gestalt.provider.v1.CacheSetRequest");
    assert.equal(fromBinary(CacheSetRequestSchema, status.details[0]?.value ?? new Uint8Array()).key, "detail");
    const viaConnect = await createClient(Cache, connectNode(bridge))
      .get({ key: "k" })
      .catch((reason: unknown) => ConnectError.from(reason));
    assert.ok(viaConnect instanceof ConnectError);
    assert.equal(viaConnect.findDetails(CacheSetRequestSchema)[0]?.key, "detail");
  });

  it("is headers only when there is no metadata before it", async (t) => {
    const body = JSON.stringify({ code: "not_found", message: "no such key" });
    const { bridge } = await behind(t, (_seen, response) => response.writeHead(404, JSON_TYPE).end(body));
    const { headers, trailers } = await rawCall(rawSession(t, bridge), GET);
    assert.equal(trailers, undefined);
    assert.equal(headers["grpc-status"], "5");
    assert.equal(headers["grpc-message"], "no such key");
    assert.equal(headers["grpc-status-details-bin"], undefined);
  });

  it("with more details than fit keeps its code and message", async (t) => {
    const details = [{ type: "x.Y", value: Buffer.alloc(100_000).toString("base64") }];
    const body = JSON.stringify({ code: "aborted", message: "m".repeat(100_000), details });
    const { bridge } = await behind(t, (_seen, response) => response.writeHead(409, JSON_TYPE).end(body));
    const { headers } = await rawCall(rawSession(t, bridge), GET);
    assert.equal(headers["grpc-status"], "10");
    assert.equal(headers["grpc-status-details-bin"], undefined);
    assert.equal(headers["grpc-message"]?.length, 4096);
  });
});

describe("an answer in a worker's place", () => {
  const page = (status: number, body = "<html>", type = "text/html") => ({
    name: `HTTP ${status} ${type}`,
    behaviour: ((_seen, response) => response.writeHead(status, { "content-type": type }).end(body)) as Behaviour,
  });
  const cases: [{ name: string; behaviour: Behaviour }, GrpcCode][] = [
    [page(400), GrpcCode.internal],
    [page(401), GrpcCode.failedPrecondition],
    [page(403), GrpcCode.permissionDenied],
    [page(404), GrpcCode.unimplemented],
    [page(418), GrpcCode.unknown],
    [page(429), GrpcCode.unavailable],
    [page(500), GrpcCode.unknown],
    [page(502), GrpcCode.unavailable],
    [page(503), GrpcCode.unavailable],
    [page(504), GrpcCode.unavailable],
    [page(503, "not json", "application/json"), GrpcCode.unavailable],
    [page(504, "[]", "application/json"), GrpcCode.unavailable],
    [page(503, '{"code": 7}', "application/json"), GrpcCode.unavailable],
    [page(503, '{"code": "sillycode", "message": "m"}', "application/json"), GrpcCode.unavailable],
    [page(500, '{"code": "data_loss", "details": "none"}', "application/json"), GrpcCode.dataLoss],
    [page(500, '{"code": "internal", "details": [1, {"type": 1}, null]}', "application/json"), GrpcCode.internal],
    [page(503, "x".repeat(1_000_000)), GrpcCode.unavailable],
    [page(301, "", "text/plain"), GrpcCode.unknown],
    [page(204, "", "text/plain"), GrpcCode.unknown],
    [page(200, "<html>"), GrpcCode.unknown],
    [page(200, "{}", "application/json"), GrpcCode.internal],
    [page(200, "", "application/connect+proto"), GrpcCode.internal],
  ];
  for (const [{ name, behaviour }, code] of cases) {
    it(`${name} is code ${code}`, async (t) => {
      const { bridge } = await behind(t, behaviour);
      const { statuses, headers } = await rawCall(rawSession(t, bridge), GET);
      assert.deepEqual(statuses, [String(code)]);
      assert.doesNotMatch(String(headers["grpc-message"]), /<html>|token/);
    });
  }

  it("that is compressed unasked is INTERNAL", async (t) => {
    const headers = { ...PROTO, "content-encoding": "gzip" };
    const { bridge } = await behind(t, (_seen, response) => response.writeHead(200, headers).end("x"));
    assert.deepEqual((await rawCall(rawSession(t, bridge), GET)).statuses, ["13"]);
  });

  it("that is too large is RESOURCE_EXHAUSTED, announced or not, and not read to its end", async (t) => {
    let written = 0;
    const pieces = function* () {
      for (;;) yield Buffer.alloc(65536);
    };
    const { far, bridge } = await behind(t, async ({ headers }, response) => {
      const announced = headers["x-announced"] === "yes" ? { "content-length": 2 ** 40 } : {};
      response.writeHead(200, { ...PROTO, ...announced });
      const body = Readable.from(pieces()).on("data", (piece: Buffer) => {
        written += piece.length;
      });
      await pipeline(body, response).catch(() => {});
    });
    for (const announced of ["yes", "no"]) {
      const answer = await rawCall(rawSession(t, bridge), GET, [Buffer.alloc(1)], { "x-announced": announced });
      assert.deepEqual(answer.statuses, ["8"]);
      assert.match(String(answer.headers["grpc-message"]), /a gRPC message may have 4194304/);
    }
    await far.deserted();
    assert.ok(written < 8 * MAX_MESSAGE_BYTES, `${written} bytes were taken`);
  });
});

describe("a broken way to the worker", () => {
  const cut: Behaviour = (_seen, response) => response.socket?.destroy();

  it("is tried once more for a method that may be repeated, and no more", async (t) => {
    let calls = 0;
    const once = await behind(t, (seen, response) => {
      calls += 1;
      return calls === 1 ? cut(seen, response) : response.writeHead(200, PROTO).end(found("second"));
    });
    assert.equal(Buffer.from((await get(once.bridge, t)).reply?.value ?? []).toString(), "second");
    const always = await behind(t, cut);
    const { error } = await get(always.bridge, t);
    assert.equal(error?.code, GrpcCode.unavailable);
    assert.equal(always.far.seen.length, 2);
    assert.equal(always.far.connectFailures, 2, "the source is told, so that it can look after its worker");
  });

  it("is not tried again for a method that may not be repeated, nor for any write of a database", async (t) => {
    const { far, bridge } = await behind(t, cut);
    const { add, clear, delete: remove, deleteObjectStore, deleteRange, indexDelete, put } = IndexedDB.method;
    const once = [add, clear, remove, deleteObjectStore, deleteRange, indexDelete, put];
    for (const { name } of once) {
      const { statuses, headers } = await rawCall(rawSession(t, bridge), `/${IndexedDB.typeName}/${name}`);
      assert.deepEqual(statuses, ["14"]);
      assert.match(String(headers["grpc-message"]), /^the connection to the worker broke \([A-Z_]+\); try again$/);
    }
    assert.equal(far.seen.length, once.length);
  });

  it("is not tried again after the first byte of an answer", async (t) => {
    const { far, bridge } = await behind(t, (_seen, response) => {
      response.writeHead(200, { ...PROTO, "content-length": 10 });
      response.write("half", () => response.socket?.destroy());
    });
    const { statuses, headers } = await rawCall(rawSession(t, bridge), GET);
    assert.deepEqual(statuses, ["14"]);
    assert.match(String(headers["grpc-message"]), /^the worker's answer was cut off/);
    assert.equal(far.seen.length, 1);
  });

  it("that never let the call out is tried again for any method, at the place the source then names", async (t) => {
    const far = await farSide((_seen, response) => response.writeHead(200, PROTO).end());
    t.after(() => far.close());
    const good = (await far.source.upstream()) as Upstream;
    let failures = 0;
    const source: UpstreamSource = {
      upstream: () => (failures === 0 ? { ...good, origin: "http://127.0.0.1:1" } : Promise.resolve(good)),
      connectFailed: () => {
        failures += 1;
      },
    };
    const bridge = await startBridge(t, createProxy(source, [IndexedDB]));
    const unsafe = Object.values(IndexedDB.method).find((m) => m.methodKind === "unary" && m.idempotency === 0);
    const { statuses } = await rawCall(rawSession(t, bridge), `/${IndexedDB.typeName}/${unsafe?.name}`);
    assert.deepEqual(statuses, ["0"]);
    assert.equal(failures, 1);
  });

  it("that stays closed is UNAVAILABLE and names no address", async (t) => {
    const far = await farSide(() => {});
    const bridge = await startBridge(t, createProxy(far.source, [Cache]));
    await far.close();
    const { error } = await get(bridge, t);
    assert.equal(error?.code, GrpcCode.unavailable);
    assert.match(
      error?.details ?? "",
      /^cannot reach the worker \([A-Z_]+\)$|^the connection to the worker broke \(UND_ERR_DESTROYED\); try again$/,
    );
  });

  it("answers with what the source says when there is no worker to call", async (t) => {
    const refusal = new BridgeError(GrpcCode.failedPrecondition, "the session is not configured");
    const sources: UpstreamSource["upstream"][] = [
      () => {
        throw refusal;
      },
      () => Promise.reject(refusal),
    ];
    for (const upstream of sources) {
      const bridge = await startBridge(t, createProxy({ upstream, connectFailed: () => {} }, [Cache]));
      const { error } = await get(bridge, t);
      assert.equal(error?.code, GrpcCode.failedPrecondition);
      assert.equal(error?.details, "the session is not configured");
    }
  });

  it("that speaks no HTTP is INTERNAL", async (t) => {
    const { bridge } = await behind(t, (_seen, response) => response.socket?.end("220 mail.example ESMTP\r\n"));
    const { statuses, headers } = await rawCall(rawSession(t, bridge), GET);
    assert.deepEqual(statuses, ["13"]);
    assert.equal(headers["grpc-message"], "the worker did not answer in HTTP (HTTPParserError)");
  });
});

describe("a call of the bridge's own", () => {
  it("is typed, and fails with the worker's error", async (t) => {
    const far = await connectFarSide((router) =>
      router.service(Cache, {
        get: ({ key }) => ({ found: true, value: Buffer.from(key) }),
        delete: () => {
          throw new ConnectError("read only", Code.PermissionDenied);
        },
      }),
    );
    t.after(() => far.close());
    const { value } = await callWorker(far.source, Cache.method.get, { key: "typed" });
    assert.equal(Buffer.from(value).toString(), "typed");
    const refused = callWorker(far.source, Cache.method.delete, { key: "k" });
    await assert.rejects(refused, { code: GrpcCode.permissionDenied, message: "read only" });
  });

  it("fails INTERNAL when what the worker answers is no such message", async (t) => {
    // A field's tag without its value.
    const { far } = await behind(t, (_seen, response) => response.writeHead(200, PROTO).end(Buffer.from([0x0a])));
    await assert.rejects(callWorker(far.source, Cache.method.get, { key: "k" }), {
      code: GrpcCode.internal,
      message: "the worker's answer is not a valid gestalt.provider.v1.CacheGetResponse",
    });
  });

  it("can be given up", async (t) => {
    const { far } = await behind(t, () => controller.abort(new BridgeError(GrpcCode.canceled, "changed my mind")));
    const controller = new AbortController();
    const call = callWorker(far.source, Cache.method.get, { key: "k" }, { signal: controller.signal });
    await assert.rejects(call, { code: GrpcCode.canceled, message: "changed my mind" });
    await far.deserted();
    await assert.rejects(
      callWorker(far.source, Cache.method.get, {}, { signal: controller.signal }),
      /changed my mind/,
    );
  });
});

describe("a client-streaming method that has no way of its own", () => {
  it("is UNIMPLEMENTED, with the reason", async (t) => {
    const { far } = await behind(t, () => {});
    const bridge = await startBridge(t, [proxyRoute(far.source, { ...S3.method.writeObject })]);
    const { statuses, headers } = await rawCall(rawSession(t, bridge), "/gestalt.provider.v1.S3/WriteObject");
    assert.deepEqual(statuses, ["12"]);
    assert.match(String(headers["grpc-message"]), /is a client-streaming method, which a worker cannot serve/);
  });
});
