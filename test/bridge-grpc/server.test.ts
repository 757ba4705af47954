// The gRPC server by itself: its socket, what it takes and refuses, and how it ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { BridgeError } from "../../src/bridge/errors.ts";
import { FLAG_COMPRESSED, frame } from "../../src/bridge/grpc/frames.ts";
import { localServerStream, localUnary } from "../../src/bridge/grpc/local.ts";
import { percentDecode } from "../../src/bridge/grpc/percent.ts";
import { createRouter, type Route } from "../../src/bridge/grpc/router.ts";
import { createGrpcServer } from "../../src/bridge/grpc/server.ts";
import { Cache, CacheGetRequestSchema, CacheGetResponseSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { startBridge } from "../support/grpc-bridge.ts";
import { collect, connectNode, grpcJs, rawCall, rawSession, rawStream, unary } from "../support/grpc-clients.ts";

const GET = "/gestalt.provider.v1.Cache/Get";

/** Answers the key as the value; some keys do something else. */
const echo: Route = localUnary(Cache.method.get, ({ key }) => {
  if (key === "fail") throw new BridgeError(GrpcCode.failedPrecondition, "nicht möglich: 100%\n");
  if (key === "crash") throw new TypeError("secret internals");
  return { found: true, value: Buffer.from(key) };
});

const get = (key: string) => toBinary(CacheGetRequestSchema, create(CacheGetRequestSchema, { key }));
const decodeValue = (message: Buffer | undefined) =>
  Buffer.from(fromBinary(CacheGetResponseSchema, message ?? Buffer.alloc(0)).value).toString();

describe("the socket", () => {
  it("is the owner's alone, and gone after close", async (t) => {
    const bridge = await startBridge(t, [echo]);
    assert.equal(statSync(bridge.socket).mode & 0o777, 0o600);
    await bridge.server.close(0);
    assert.equal(existsSync(bridge.socket), false);
  });

  it("takes the place of one that nobody listens on", async (t) => {
    const path = temporarySocket(t);
    await leaveStaleSocket(path);
    assert.ok(existsSync(path));
    const server = createGrpcServer({ router: createRouter([echo]) });
    await server.listen({ path });
    await server.close(0);
  });

  it("is refused where somebody listens, where a file is, and where the path is too long", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const another = createGrpcServer({ router: createRouter([echo]) });
    await assert.rejects(another.listen({ path: bridge.socket }), /cannot listen on .*EADDRINUSE/);
    const file = temporarySocket(t);
    writeFileSync(file, "precious");
    chmodSync(file, 0o600);
    await assert.rejects(createGrpcServer({ router: createRouter([]) }).listen({ path: file }), /EADDRINUSE/);
    assert.ok(existsSync(file));
    const long = { path: `/${"x".repeat(200)}` };
    await assert.rejects(createGrpcServer({ router: createRouter([]) }).listen(long), /has 201 bytes/);
  });

  it("may be a port on loopback", async () => {
    const server = createGrpcServer({ router: createRouter([echo]) });
    const address = await server.listen({ port: 0 });
    assert.ok("port" in address && address.port > 0);
    const client = new grpc.Client(`127.0.0.1:${address.port}`, grpc.credentials.createInsecure());
    assert.equal(
      Buffer.from((await unary(client, Cache.method.get, { key: "tcp" })).reply?.value ?? []).toString(),
      "tcp",
    );
    client.close();
    await server.close();
  });
});

describe("clients", () => {
  it("of every kind are answered", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const js = await unary(grpcJs(t, bridge), Cache.method.get, { key: "grpc-js" });
    assert.equal(Buffer.from(js.reply?.value ?? []).toString(), "grpc-js");
    const node = await createClient(Cache, connectNode(bridge)).get({ key: "connect-node" });
    assert.equal(Buffer.from(node.value).toString(), "connect-node");
  });

  it("may send any authority", async (t) => {
    const bridge = await startBridge(t, [echo]);
    // What gRPC's C core sends for a Unix socket (grpc/grpc#38142), and what is no URL at all.
    for (const authority of ["localhost", "%2Ftmp%2Fgestalt%2Fbridge.sock", "a_b:99999", "[::1]:1"]) {
      const answer = await rawCall(rawSession(t, bridge), GET, [get("k")], { ":authority": authority });
      assert.deepEqual(answer.statuses, ["0"], authority);
    }
    const hostOnly = await rawCall(rawSession(t, bridge), GET, [get("k")], { host: "somewhere" });
    assert.deepEqual(hostOnly.statuses, ["0"]);
  });

  it("may close their connection and come again", async (t) => {
    const bridge = await startBridge(t, [echo]);
    for (let i = 0; i < 3; i++) {
      const session = rawSession(t, bridge);
      assert.deepEqual((await rawCall(session, GET, [get("k")])).statuses, ["0"]);
      session.close();
      await once(session, "close");
    }
  });

  it("that speak no HTTP/2 end only their own connection", async (t) => {
    const bridge = await startBridge(t, [echo]);
    for (const garbage of [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff",
      "\0\0\0",
    ]) {
      const socket = connect(bridge.socket);
      socket.on("error", () => {});
      socket.resume();
      socket.end(garbage, "latin1");
      await once(socket, "close");
    }
    assert.deepEqual((await rawCall(rawSession(t, bridge), GET, [get("k")])).statuses, ["0"]);
  });
});

describe("a request", () => {
  it("must be a POST of gRPC", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    const wrongMethod = await rawCall(session, GET, [], { ":method": "PUT" });
    assert.equal(wrongMethod.headers[":status"], 405);
    for (const type of [undefined, "application/json", "application/grpc-web", "application/grpc+json", "text/plain"]) {
      const answer = await rawCall(session, GET, [get("k")], { "content-type": type });
      assert.equal(answer.headers[":status"], 415, type);
    }
    for (const type of ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"]) {
      const answer = await rawCall(session, GET, [get("k")], { "content-type": type, te: undefined });
      assert.deepEqual(answer.statuses, ["0"], type);
      assert.equal(answer.headers["content-type"], type.split(";")[0]);
    }
  });

  it("for what is unknown is UNIMPLEMENTED in trailers only, and says what is unknown", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    const cases = {
      "/gestalt.provider.v1.Nope/Get": "unknown service gestalt.provider.v1.Nope",
      "/gestalt.provider.v1.Cache/Nope": "unknown method Nope of service gestalt.provider.v1.Cache",
      "/nonsense": 'malformed method name "/nonsense"',
      "/a/b/c": 'malformed method name "/a/b/c"',
    };
    for (const [path, message] of Object.entries(cases)) {
      const answer = await rawCall(session, path);
      assert.deepEqual(answer.statuses, ["12"], path);
      assert.equal(answer.trailers, undefined);
      assert.equal(answer.headers[":status"], 200);
      assert.equal(percentDecode(String(answer.headers["grpc-message"])), message);
    }
  });

  it("that fails answers with the code and the message, in any characters", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const { error } = await unary(grpcJs(t, bridge), Cache.method.get, { key: "fail" });
    assert.equal(error?.code, GrpcCode.failedPrecondition);
    assert.equal(error?.details, "nicht möglich: 100%\n");
    const raw = await rawCall(rawSession(t, bridge), GET, [get("fail")]);
    assert.equal(raw.headers["grpc-message"], "nicht m%C3%B6glich: 100%25%0A");
    assert.deepEqual(bridge.faults, []);
  });

  it("that meets a fault of ours learns nothing of it; the server does", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const { error } = await unary(grpcJs(t, bridge), Cache.method.get, { key: "crash" });
    assert.equal(error?.code, GrpcCode.internal);
    assert.equal(error?.details, "internal error in the bridge");
    assert.equal(bridge.faults.length, 1);
  });

  it("needs exactly one message where the method takes one", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    assert.deepEqual((await rawCall(session, GET, [])).statuses, ["12"]);
    assert.deepEqual((await rawCall(session, GET, [get("a"), get("b")])).statuses, ["12"]);
  });

  it("that is no protobuf, is cut, or is too large has a status of its own", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    assert.deepEqual((await rawCall(session, GET, [Buffer.from([0xff])])).statuses, ["13"]);
    const cut = rawStream(session, GET);
    const cutAnswer = collect(cut);
    cut.end(frame(get("key")).subarray(0, 6));
    assert.deepEqual((await cutAnswer).statuses, ["13"]);
    const large = rawStream(session, GET);
    const largeAnswer = collect(large);
    large.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    const { statuses, headers, resetCode } = await largeAnswer;
    assert.deepEqual(statuses, ["8"]);
    assert.match(String(headers["grpc-message"]), /4294967295 bytes/);
    // The caller never closed its side: it is told to stop without an error (RFC 9113 §8.1).
    assert.equal(resetCode, 0);
  });

  it("of the largest size passes", async (t) => {
    const value = Buffer.alloc(MAX_MESSAGE_BYTES - 100);
    let received = 0;
    const set = localUnary(Cache.method.set, (request) => {
      received = request.value.length;
      return {};
    });
    const { error } = await unary(grpcJs(t, await startBridge(t, [set])), Cache.method.set, { key: "k", value });
    assert.equal(error, undefined);
    assert.equal(received, value.length);
  });
});

describe("compression", () => {
  const gzip = { "grpc-encoding": "gzip", "grpc-accept-encoding": "identity,gzip" };
  const compressed = (payload: Uint8Array) => frame(gzipSync(payload), FLAG_COMPRESSED);

  it("works both ways", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const stream = rawStream(rawSession(t, bridge), GET, gzip);
    const answer = collect(stream);
    const key = "gestalt ".repeat(1000);
    stream.end(compressed(get(key)));
    const { messages, flags, headers } = await answer;
    assert.equal(headers["grpc-encoding"], "gzip");
    assert.deepEqual(flags, [FLAG_COMPRESSED]);
    assert.equal(decodeValue(gunzipSync(messages[0] ?? "")), key);
  });

  it("works with grpc-js", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const client = grpcJs(t, bridge, { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip });
    const key = "gestalt ".repeat(1000);
    const { reply } = await unary(client, Cache.method.get, { key });
    assert.equal(Buffer.from(reply?.value ?? []).toString(), key);
  });

  it("has its errors", async (t) => {
    const session = rawSession(t, await startBridge(t, [echo]));
    const unknown = await rawCall(session, GET, [get("k")], { "grpc-encoding": "br" });
    assert.deepEqual(unknown.statuses, ["12"]);
    assert.equal(unknown.headers["grpc-accept-encoding"], "identity,gzip");
    const send = (headers: Record<string, string>, bytes: Buffer) => {
      const stream = rawStream(session, GET, headers);
      const answer = collect(stream);
      stream.end(bytes);
      return answer;
    };
    assert.deepEqual((await send({}, compressed(get("k")))).statuses, ["13"], "flag without header");
    assert.deepEqual((await send(gzip, frame(Buffer.from("no gzip"), FLAG_COMPRESSED))).statuses, ["13"]);
    const bomb = compressed(Buffer.alloc(64 * 1024 * 1024));
    assert.deepEqual((await send(gzip, bomb)).statuses, ["8"], "bomb");
    assert.deepEqual((await send(gzip, frame(get("k")))).statuses, ["0"], "uncompressed message in a gzip stream");
  });
});

describe("a deadline", () => {
  const never = localUnary(Cache.method.get, (_request, call) => {
    return new Promise((_resolve, reject) => {
      call.signal.addEventListener("abort", () => reject(call.signal.reason));
    });
  });

  it("ends the call, and tells whoever works on it", async (t) => {
    const bridge = await startBridge(t, [never]);
    const raw = await rawCall(rawSession(t, bridge), GET, [get("k")], { "grpc-timeout": "20m" });
    assert.deepEqual(raw.statuses, ["4"]);
    const options = { deadline: Date.now() + 20 };
    const { error } = await unary(grpcJs(t, bridge), Cache.method.get, { key: "k" }, undefined, options);
    assert.equal(error?.code, GrpcCode.deadlineExceeded);
    assert.deepEqual(bridge.faults, []);
  });

  it("may be zero or far away, but not malformed", async (t) => {
    const slow = localUnary(Cache.method.get, (_request, call) => {
      if (call.deadline === undefined || call.deadline < Date.now() + 1e9) return new Promise(() => {});
      return { found: true };
    });
    const session = rawSession(t, await startBridge(t, [slow]));
    assert.deepEqual((await rawCall(session, GET, [get("k")], { "grpc-timeout": "0n" })).statuses, ["4"]);
    assert.deepEqual((await rawCall(session, GET, [get("k")], { "grpc-timeout": "99999999H" })).statuses, ["0"]);
    assert.deepEqual((await rawCall(session, GET, [get("k")], { "grpc-timeout": "1 second" })).statuses, ["13"]);
  });
});

describe("the end", () => {
  it("lets a call in flight finish", async (t) => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: release, resolve: free } = Promise.withResolvers<void>();
    const held = localUnary(Cache.method.get, async () => {
      start();
      await release;
      return { found: true };
    });
    const bridge = await startBridge(t, [held]);
    const answer = rawCall(rawSession(t, bridge), GET, [get("k")]);
    await started;
    const closed = bridge.server.close(60_000);
    free();
    assert.deepEqual((await answer).statuses, ["0"]);
    await closed;
  });

  it("answers what does not finish with UNAVAILABLE", async (t) => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const stuck = localUnary(Cache.method.get, () => {
      start();
      return new Promise(() => {});
    });
    const bridge = await startBridge(t, [stuck]);
    const answer = rawCall(rawSession(t, bridge), GET, [get("k")]);
    await started;
    await bridge.server.close(10);
    const { statuses, headers } = await answer;
    assert.deepEqual(statuses, ["14"]);
    assert.equal(headers["grpc-message"], "the bridge is stopping");
  });

  it("does not wait for connections that do nothing, or that never became HTTP/2", async (t) => {
    const bridge = await startBridge(t, [echo]);
    const idle = rawSession(t, bridge);
    await once(idle, "remoteSettings");
    const mute = connect(bridge.socket);
    await once(mute, "connect");
    await bridge.server.close(10);
    mute.destroy();
  });
});

describe("one connection", () => {
  it("survives a storm of cancelled calls", async (t) => {
    const bridge = await startBridge(t, [localUnary(Cache.method.get, () => new Promise(() => {}))]);
    const session = rawSession(t, bridge);
    for (let round = 0; round < 10; round++) {
      const streams = Array.from({ length: 300 }, () => rawStream(session, GET));
      const closed = streams.map((stream) => once(stream, "close"));
      for (const stream of streams) stream.close(8);
      await Promise.all(closed);
    }
    const answer = await rawCall(session, GET, [get("k")], { "grpc-timeout": "1m" });
    assert.deepEqual(answer.statuses, ["4"], "the connection still works");
  });

  it("does not hold back a slow reader's status", async (t) => {
    const value = Buffer.alloc(1024 * 1024);
    const endless = localServerStream(S3.method.readObject, async function* () {
      for (;;) yield { result: { case: "data" as const, value } };
    });
    const bridge = await startBridge(t, [endless]);
    const stream = rawStream(rawSession(t, bridge), "/gestalt.provider.v1.S3/ReadObject", { "grpc-timeout": "50m" });
    stream.end(frame(new Uint8Array()));
    await once(stream, "close");
    assert.equal(stream.rstCode, 8);
  });
});

function temporarySocket(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "gestalt-edge-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "a.sock");
}

/** A socket file whose listener was killed: Node removes its own, so it is renamed away before that. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { renameSync } = await import("node:fs");
  const listener = createServer();
  listener.listen(`${path}.old`);
  await once(listener, "listening");
  renameSync(`${path}.old`, path);
  listener.close();
  await once(listener, "close");
}
