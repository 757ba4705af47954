// Calls of the worker over a real WebSocket, performed as gRPC against a fake gestaltd.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3, WriteObjectRequestSchema, WriteObjectResponseSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { makeCertificate } from "../support/fake-gestaltd/certificate.ts";
import { RELAY_TOKEN_HEADER } from "../support/fake-gestaltd/relay.ts";
import { until } from "../support/fake-gestaltd/start.ts";
import { assertStatus, callError, callHost, open, startRig } from "./rig.ts";

const { get, set } = Cache.method;
const encoder = new TextEncoder();
const GET = toBinary(get.input, create(get.input, { key: "k" }));

describe("a host call", () => {
  for (const via of ["unix", "tcp", "tls"] as const) {
    it(`reaches gestaltd over ${via} and brings its answer back`, async (t) => {
      const { connection } = await startRig(t, { via });
      await callHost(connection, set, { key: "k", value: encoder.encode("v") });
      const { found, value } = await callHost(connection, get, { key: "k" });
      assert.equal(found, true);
      assert.equal(Buffer.from(value).toString(), "v");
    });
  }

  it("that is unary costs one packet each way", async (t) => {
    const { connection } = await startRig(t);
    await callHost(connection, get, { key: "k" });
    const { packets } = connection;
    await callHost(connection, get, { key: "k" });
    assert.equal(connection.packets - packets, 1);
  });

  it("streams in either direction, with gestaltd's own pace", async (t) => {
    const { connection } = await startRig(t);
    const ref = { bucket: "b", key: "k" };
    const body = Buffer.alloc(3_000_000, "abc");
    const write = open(connection, S3.method.writeObject, { service: "S3" });
    sendObject(write, ref, body);
    const [reply, ...more] = await all(write);
    assert.ok(reply);
    assert.equal(more.length, 0);
    assert.equal(fromBinary(WriteObjectResponseSchema, reply).meta?.size, BigInt(body.length));
    const read = open(connection, S3.method.readObject, { service: "S3" });
    void read.write(toBinary(S3.method.readObject.input, create(S3.method.readObject.input, { ref })));
    read.halfClose();
    const frames = (await all(read)).map((message) => fromBinary(S3.method.readObject.output, message).result);
    const data = frames.flatMap(({ case: name, value }) => (name === "data" ? [value] : []));
    assert.ok(Buffer.concat(data).equals(body));
  });

  it("streams in both at once", async (t) => {
    const { connection } = await startRig(t, { gestaltd: { routes: echo } });
    const call = open(connection, Cache.method.get, { streaming: "bidi", service: "S3", path: ECHO });
    const reader = call.messages[Symbol.asyncIterator]();
    for (const size of [0, 10, 300_000]) {
      void call.write(objectData(size));
      const { value } = await reader.next();
      assert.equal(value?.length, objectData(size).length);
    }
    call.halfClose();
    assert.equal((await reader.next()).done, true);
    assert.equal((await call.status).code, GrpcCode.ok);
  });
});

describe("what gestaltd says", () => {
  it("comes back whole: code, message, details, trailers and headers", async (t) => {
    const detail = create(StringValueSchema, { value: "reason" });
    const routes = (router: ConnectRouter) =>
      router.service(Cache, {
        get(_request, context) {
          context.responseHeader.set("x-first", "1");
          const trailers = new Headers({ "x-last": "2" });
          throw new ConnectError("no such thing: ü", Code.NotFound, trailers, [
            { desc: StringValueSchema, value: detail },
          ]);
        },
      });
    const { connection } = await startRig(t, { gestaltd: { routes } });
    const call = open(connection, get);
    void call.write(GET);
    call.halfClose();
    const { code, message, metadata } = await call.status;
    assert.deepEqual([code, message], [GrpcCode.notFound, "no such thing: ü"]);
    const pairs = new Map(pairsOf(metadata));
    assert.equal(pairs.get("x-first"), "1");
    assert.equal(pairs.get("x-last"), "2");
    const status = fromBinary(StatusSchema, Buffer.from(pairs.get("grpc-status-details-bin") ?? "", "base64"));
    assert.equal(status.details[0]?.typeUrl, "type.googleapis.com/google.protobuf.StringValue");
  });

  it("hears metadata, but none that speaks for the bridge", async (t) => {
    let heard = new Headers();
    const routes = (router: ConnectRouter) =>
      router.service(Cache, {
        get(_request, { requestHeader }) {
          heard = requestHeader;
          return {};
        },
      });
    const { connection } = await startRig(t, { via: "tcp", gestaltd: { routes } });
    const forged = ["authorization", "Bearer x", RELAY_TOKEN_HEADER, "forged", "grpc-timeout", "1n", ":path", "/x"];
    await callHost(connection, get, {}, { metadata: ["x-mine", "1", "x-mine", "2", ...forged, "te", "x"] });
    assert.equal(heard.get("x-mine"), "1, 2");
    assert.equal(heard.get("authorization"), null);
    assert.notEqual(heard.get(RELAY_TOKEN_HEADER), "forged");
    assert.equal(heard.get("grpc-timeout"), null);
  });

  it("is that the token has expired", async (t) => {
    const { connection, gestaltd } = await startRig(t, { via: "tcp" });
    await callHost(connection, get, {});
    gestaltd.relay.expireTokens();
    const refused = callError(GrpcCode.unauthenticated, /^invalid-host-service-relay-token$/);
    await assert.rejects(callHost(connection, get, {}), refused);
  });
});

describe("a call the session may not make", () => {
  it("is refused by name, method and kind, and gestaltd hears nothing of it", async (t) => {
    const { connection, gestaltd } = await startRig(t, { hosts: ["CACHE_MAIN"], via: "tcp" });
    const denied = (message: RegExp) => callError(GrpcCode.permissionDenied, message);
    const notOffered = denied(/^the session was not offered this host service$/);
    for (const service of ["S3", "CACHE", "CACHE_OTHER", "PLUGIN", "", "cache_main", "__proto__", "CACHE_MAIN\0"]) {
      await assert.rejects(callHost(connection, get, {}, { service }), notOffered, service);
    }
    const paths = [ECHO, "/gestalt.provider.v1.Cache/../S3/ReadObject", "", "Get", "/gestalt.provider.v1.Cache/Get?x"];
    for (const path of paths) {
      const refused = denied(/^host service CACHE_MAIN has no method/);
      await assert.rejects(callHost(connection, get, {}, { service: "CACHE_MAIN", path }), refused, path);
    }
    assert.equal(gestaltd.tcp.accepted, 0);
  });

  it("is one of the bridge's own methods, unless it has it", async (t) => {
    const greet = async (message: Uint8Array) => Buffer.concat([Buffer.from("hello "), message]);
    const fail = async () => {
      throw new Error("a secret");
    };
    const local = new Map([
      ["/gestalt.edge.v1.BridgeService/Greet", greet],
      ["/gestalt.edge.v1.BridgeService/Fail", fail],
    ]);
    const { connection } = await startRig(t, { channel: { local } });
    const call = (method: string) => {
      const opened = open(connection, get, { service: "bridge", path: `/gestalt.edge.v1.BridgeService/${method}` });
      void opened.write(encoder.encode("you"));
      opened.halfClose();
      return all(opened);
    };
    assert.deepEqual((await call("Greet")).map(String), [String(encoder.encode("hello you"))]);
    await assert.rejects(call("Other"), callError(GrpcCode.unimplemented, /^the bridge has no such method$/));
    await assert.rejects(call("Fail"), callError(GrpcCode.internal, /^internal error in the bridge$/));
  });

  it("is one with more or fewer messages than its kind has", async (t) => {
    const { connection } = await startRig(t);
    const two = open(connection, get);
    void two.write(GET);
    void two.write(GET);
    two.halfClose();
    assertStatus(await two.status, GrpcCode.unimplemented, /takes one message, got more/);
    const none = open(connection, get);
    none.halfClose();
    assertStatus(await none.status, GrpcCode.unimplemented, /takes one message, got none/);
  });
});

describe("giving up", () => {
  it("ends gestaltd's call, by cancel, by deadline and by the end of the session", async (t) => {
    const seen: string[] = [];
    const routes = (router: ConnectRouter) =>
      router.service(Cache, {
        async get({ key }, { signal, timeoutMs }) {
          seen.push(`${key} begins${timeoutMs() === undefined ? "" : " in time"}`);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          seen.push(`${key} ends`);
          throw new ConnectError("gone", Code.Canceled);
        },
      });
    const { connection, channel } = await startRig(t, { gestaltd: { routes } });
    const begin = async (key: string, timeoutMs?: number) => {
      const call = open(connection, get, timeoutMs === undefined ? {} : { timeoutMs });
      void call.write(toBinary(get.input, create(get.input, { key })));
      call.halfClose();
      await until(() => seen.some((line) => line.startsWith(`${key} begins`)), `${key} does not begin`);
      return call;
    };
    const cancelled = await begin("a");
    cancelled.cancel();
    await until(() => seen.includes("a ends"), "cancelled in vain");
    const late = await begin("b", 200);
    assert.ok(seen.includes("b begins in time"));
    assertStatus(await late.status, GrpcCode.deadlineExceeded, /deadline exceeded/);
    await until(() => seen.includes("b ends"), "expired in vain");
    const last = await begin("c");
    await channel.close();
    assertStatus(await last.status, GrpcCode.unavailable, /./);
    await until(() => seen.includes("c ends"), "closed in vain");
  });

  it("before anything has left is not felt in gestaltd", async (t) => {
    const { connection, gestaltd } = await startRig(t);
    for (let i = 0; i < 500; i++) {
      const call = open(connection, get);
      void call.write(GET);
      call.halfClose();
      call.cancel();
    }
    assert.equal(
      gestaltd.unix.reduce((sum, { accepted }) => sum + accepted, 0),
      0,
    );
    await callHost(connection, get, {});
  });
});

describe("gestaltd", () => {
  it("restarts: calls in flight end UNAVAILABLE, the next works on the same channel", async (t) => {
    const { connection, gestaltd, worker } = await startRig(t, { via: "tls" });
    await callHost(connection, set, { key: "k", value: new Uint8Array(1) });
    const release = gestaltd.hold();
    const inFlight = Array.from({ length: 5 }, () => callHost(connection, get, { key: "k" }));
    const failures = Promise.allSettled(inFlight);
    await until(() => gestaltd.held === 5, "the calls do not arrive");
    await gestaltd.restart();
    release();
    for (const result of await failures) {
      assert.equal(result.status, "rejected");
      callError(GrpcCode.unavailable, /^the connection to gestaltd broke$/)(result.reason);
    }
    assert.equal((await callHost(connection, get, { key: "k" })).found, true);
    assert.equal(worker.channels.length, 1);
  });

  it("is away, or is not the one that is trusted: the worker learns no address", async (t) => {
    const other = makeCertificate().authority;
    const env = (offer: Record<string, string>) => ({ ...offer, GESTALT_HOST_SERVICE_TLS_CA_PEM: other });
    const untrusted = await startRig(t, { via: "tls", env });
    const refused = callError(GrpcCode.unavailable, /^its certificate is not trusted \([A-Z_]+\)$/);
    await assert.rejects(callHost(untrusted.connection, get, {}), refused);
    const { connection, gestaltd } = await startRig(t, { via: "tcp" });
    await gestaltd.tcp.stop();
    const away = callError(GrpcCode.unavailable, /^cannot reach gestaltd \(ECONNREFUSED\)$/);
    await assert.rejects(callHost(connection, get, {}), away);
    await gestaltd.tcp.start();
    await callHost(connection, get, {});
  });
});

/** A method with messages both ways that no real service of the fake gestaltd has. */
const ECHO = "/gestalt.provider.v1.S3/WriteObject";

function echo(router: ConnectRouter): void {
  const { writeObject } = S3.method;
  router.rpc(
    { ...writeObject, methodKind: "bidi_streaming", output: WriteObjectRequestSchema },
    async function* (requests) {
      yield* requests;
    },
  );
}

function objectData(size: number): Uint8Array {
  const value = new Uint8Array(size);
  return toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, { msg: { case: "data", value } }));
}

function sendObject(call: OutgoingCall, ref: { bucket: string; key: string }, body: Buffer): void {
  const opening = create(WriteObjectRequestSchema, { msg: { case: "open", value: { ref } } });
  void call.write(toBinary(WriteObjectRequestSchema, opening));
  for (let at = 0; at < body.length; at += 100_000) {
    const value = body.subarray(at, at + 100_000);
    void call.write(
      toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, { msg: { case: "data", value } })),
    );
  }
  call.halfClose();
}

async function all(call: OutgoingCall): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const message of call.messages) messages.push(message);
  return messages;
}

function pairsOf(metadata: readonly string[]): [string, string][] {
  return metadata.flatMap((name, i) => (i % 2 === 0 ? [[name, metadata[i + 1] ?? ""] as [string, string]] : []));
}
