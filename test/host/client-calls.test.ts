// Host calls through real sockets: every kind of address, every kind of call, every refusal of the relay.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { inspect } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import type { StatusError } from "../../src/bridge/grpc/status.ts";
import { unaryHostCall } from "../../src/bridge/host/unary.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { PluginInvoker } from "../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import { PluginRuntimeLogHost } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { offered, servicesOf, startFakeGestaltd, startHostClient, until } from "../support/fake-gestaltd/start.ts";
import { begin } from "./recorded-call.ts";

const encode = (text: string) => new TextEncoder().encode(text);

for (const via of ["unix", "tcp", "tls"] as const) {
  describe(`host calls over ${via}`, () => {
    it("carries all four kinds of call", async (t) => {
      const gestaltd = await startFakeGestaltd(t, {
        plugins: { other: { add: ({ a, b }) => Number(a) + Number(b) } },
        routes: (router) => router.service(IndexedDB, { openCursor: lockStep }),
      });
      const client = startHostClient(t, gestaltd);
      const hosts = ["CACHE_MAIN", "S3", "PLUGIN_INVOKER", "RUNTIME_LOG", "INDEXEDDB"] as const;
      const service = await offered(gestaltd, { via, hosts });

      await unaryHostCall(client, service("CACHE_MAIN"), Cache.method.set, { key: "k", value: encode("v") });
      const got = await unaryHostCall(client, service("CACHE_MAIN"), Cache.method.get, { key: "k" });
      assert.deepEqual([got.found, Buffer.from(got.value).toString()], [true, "v"]);
      const params = { plugin: "other", operation: "add", params: { a: 1, b: 2 }, invocationToken: "t" };
      const result = await unaryHostCall(client, service("PLUGIN_INVOKER"), PluginInvoker.method.invoke, params);
      assert.deepEqual([result.status, result.body], [200, "3"]);
      const logs = { sessionId: "session-1", logs: [{ message: "one" }, { message: "" }, { message: "two" }] };
      const appended = await unaryHostCall(
        client,
        service("RUNTIME_LOG"),
        PluginRuntimeLogHost.method.appendLogs,
        logs,
      );
      assert.equal(appended.lastSeq, 2n);
      assert.deepEqual(
        gestaltd.logs.of("session-1").map(({ message }) => message),
        ["one", "two"],
      );

      const ref = { bucket: "b", key: "k" };
      const write = begin(client, service("S3"), S3.method.writeObject);
      write.send({ msg: { case: "open", value: { ref, contentType: "text/plain" } } });
      write.send({ msg: { case: "data", value: encode("hello ") } });
      write.send({ msg: { case: "data", value: encode("world") } });
      write.call.halfClose();
      assert.deepEqual(await write.ended, { code: 0, message: "" });
      assert.equal(write.messages[0]?.meta?.size, 11n);
      const read = begin(client, service("S3"), S3.method.readObject);
      read.send({ ref });
      read.call.halfClose();
      assert.equal((await read.ended).code, 0);
      assert.deepEqual(
        read.messages.map(({ result: { case: kind } }) => kind),
        ["meta", "data"],
      );

      const cursor = begin(client, service("INDEXEDDB"), IndexedDB.method.openCursor);
      for (let i = 1; i <= 3; i++) {
        cursor.send({});
        await cursor.received(i);
        assert.equal(cursor.messages.length, i);
      }
      assert.equal(cursor.ends, 0);
      cursor.call.halfClose();
      assert.equal((await cursor.ended).code, 0);
      assert.equal(client.state(service("CACHE_MAIN").address), "ready");
    });
  });
}

async function* lockStep(requests: AsyncIterable<unknown>) {
  for await (const _ of requests) yield {};
}

describe("connections", () => {
  it("are one per address, made for the first call and closed after a rest", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd, { times: { idleMs: 20 } });
    const service = await offered(gestaltd, { via: "tcp", hosts: ["CACHE", "S3"] });
    assert.equal(client.state(service("CACHE").address), "closed");
    await Promise.all(
      Array.from({ length: 20 }, () => unaryHostCall(client, service("CACHE"), Cache.method.get, { key: "k" })),
    );
    await assert.rejects(unaryHostCall(client, service("S3"), S3.method.headObject, { ref: { key: "k" } }), {
      code: 5,
    });
    assert.equal(gestaltd.tcp.accepted, 1);
    await until(() => client.state(service("CACHE").address) === "closed", "the connection rests for ever");
    await until(() => gestaltd.tcp.sockets.size === 0, "the socket is open");
    await unaryHostCall(client, service("CACHE"), Cache.method.get, { key: "k" });
    assert.equal(gestaltd.tcp.accepted, 2);
  });

  it("trust the authority of their own session only", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const reasons: string[] = [];
    const client = startHostClient(t, gestaltd, { unreachable: (...told) => reasons.push(told.join(" ")) });
    const env = await gestaltd.offer({ plugin: "p", session: "s", via: "tls", hosts: ["CACHE"] });
    const other = (await startFakeGestaltd(t)).authority;
    const { GESTALT_HOST_SERVICE_TLS_CA_PEM: _, ...none } = env;
    const ask = (given: Record<string, string>) =>
      unaryHostCall(client, servicesOf(given)("CACHE"), Cache.method.get, { key: "k" });
    await ask(env);
    await assert.rejects(ask(none), { code: 14, message: /^its certificate is not trusted \([A-Z_]+\)$/ });
    await assert.rejects(ask({ ...env, GESTALT_HOST_SERVICE_TLS_CA_PEM: other }), { code: 14 });
    await ask(env);
    await ask({ ...env, GESTALT_CACHE_SOCKET: env.GESTALT_CACHE_SOCKET?.replace("127.0.0.1", "localhost") ?? "" });
    assert.equal(reasons.length, 2);
    // What the operator trusts in all of Node is trusted beside it.
    const file = join(mkdtempSync(join(tmpdir(), "ca-")), "ca.pem");
    writeFileSync(file, gestaltd.authority);
    process.env.NODE_EXTRA_CA_CERTS = file;
    t.after(() => {
      delete process.env.NODE_EXTRA_CA_CERTS;
      rmSync(dirname(file), { recursive: true });
    });
    await ask({ ...env, GESTALT_HOST_SERVICE_TLS_CA_PEM: other });
    for (const reason of reasons) assert.match(reason, /^tls:\/\/127\.0\.0\.1:\d+ its certificate/);
  });
});

describe("a relay at an IPv6 address", () => {
  for (const via of ["tcp", "tls"] as const) {
    it(`is reached over ${via}`, async (t) => {
      const gestaltd = await startFakeGestaltd(t);
      const client = startHostClient(t, gestaltd);
      const env = await gestaltd.offer({ plugin: "p", session: "s", via, hosts: ["CACHE"] });
      const port = await forwarder(t, Number(env.GESTALT_CACHE_SOCKET?.split(":").at(-1)));
      const cache = servicesOf({ ...env, GESTALT_CACHE_SOCKET: `${via}://[::1]:${port}` })("CACHE");
      assert.equal((await unaryHostCall(client, cache, Cache.method.get, { key: "k" })).found, false);
    });
  }
});

/** A port of `::1` that leads to one of 127.0.0.1. */
async function forwarder(t: TestContext, to: number): Promise<number> {
  const server = createServer((socket) => {
    const target = connect(to, "127.0.0.1");
    pipeline(socket, target, socket, () => undefined);
  });
  server.listen(0, "::1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("what the relay refuses", () => {
  for (const refusals of ["headers", "headers-and-trailers"] as const) {
    it(`arrives with code and text from ${refusals}`, async (t) => {
      const gestaltd = await startFakeGestaltd(t, { refusals });
      const client = startHostClient(t, gestaltd);
      const service = await offered(gestaltd, { via: "tcp", hosts: ["CACHE"] });
      const get = () => unaryHostCall(client, service("CACHE"), Cache.method.get, { key: "k" });
      await get();
      // The same token for methods it is not for: what the bridge itself would never send.
      const elsewhere = { ...service("CACHE"), methodPrefix: "/gestalt.provider.v1.S3/" };
      await assert.rejects(unaryHostCall(client, elsewhere, S3.method.headObject, {}), {
        code: 7,
        message: "host-service-relay-method-not-allowed",
      });
      gestaltd.relay.unregister("search");
      await assert.rejects(get(), { code: 14, message: "host-service-relay-unavailable" });
      gestaltd.relay.endSession("session-1");
      await assert.rejects(get(), { code: 16, message: "invalid-host-service-relay-session" });
      gestaltd.relay.expireTokens();
      await assert.rejects(get(), (error: StatusError) => {
        assert.deepEqual([error.code, error.message], [16, "invalid-host-service-relay-token"]);
        const shown = inspect([error, service("CACHE"), client], { depth: 10, showHidden: true });
        assert.ok(!shown.includes(service("CACHE").token?.headerValue() ?? ""));
        return true;
      });
      assert.equal(gestaltd.tcp.accepted, 1);
    });
  }

  it("is UNIMPLEMENTED without a token, and another's token is of no use", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = await offered(gestaltd, { via: "tcp", hosts: ["CACHE"] });
    const metadata = ["x-gestalt-host-service-relay-token", service("CACHE").token?.headerValue() ?? ""];
    const bare = { ...service("CACHE"), token: undefined };
    await assert.rejects(unaryHostCall(client, bare, Cache.method.get, {}, { metadata }), {
      code: 12,
      message: "gestaltd answered with HTTP 404, which is not gRPC",
    });
    const env = await (await startFakeGestaltd(t)).offer({ plugin: "p", session: "s", via: "tcp", hosts: ["CACHE"] });
    const foreign = servicesOf({ ...env, GESTALT_CACHE_SOCKET: `tcp://127.0.0.1:${gestaltd.tcp.port}` });
    await assert.rejects(unaryHostCall(client, foreign("CACHE"), Cache.method.get, {}), { code: 16 });
  });
});

describe("a host call", () => {
  it("of a method that is not the service's is refused here", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = await offered(gestaltd, { via: "tcp", hosts: ["CACHE"] });
    const call = begin(client, service("CACHE"), S3.method.headObject);
    assert.equal(call.ends, 0);
    assert.deepEqual(await call.ended, {
      code: 7,
      message: 'host service CACHE has no method "/gestalt.provider.v1.S3/HeadObject"',
    });
    assert.equal(gestaltd.tcp.accepted, 0);
  });

  it("carries codes, texts, metadata and large messages as they are", async (t) => {
    let seen: Headers | undefined;
    const gestaltd = await startFakeGestaltd(t, {
      routes: (router) =>
        router.service(PluginInvoker, {
          invoke: (request, context) => {
            seen = context.requestHeader;
            context.responseHeader.set("x-answer", "yes");
            if (request.operation === "fail") throw new ConnectError("näh: 100%", Code.AlreadyExists);
            return { status: 200, body: "x".repeat(Number(request.instance)) };
          },
        }),
    });
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["PLUGIN_INVOKER"] }))("PLUGIN_INVOKER");
    const invoke = PluginInvoker.method.invoke;
    const metadata = ["traceparent", "00-1", "x-twice", "1", "x-twice", "2", "authorization", "Bearer no"];
    await assert.rejects(unaryHostCall(client, service, invoke, { operation: "fail" }, { metadata }), {
      code: 6,
      message: "näh: 100%",
    });
    assert.equal(seen?.get("traceparent"), "00-1");
    assert.equal(seen?.get("x-twice"), "1, 2");
    assert.equal(seen?.get("authorization"), null);
    const call = begin(client, service, invoke);
    call.send({ instance: "10" });
    call.call.halfClose();
    await call.ended;
    assert.deepEqual(call.headers, ["x-answer", "yes"]);
    const largest = MAX_MESSAGE_BYTES - 16;
    const answer = await unaryHostCall(client, service, invoke, { instance: String(largest), document: "" } as never);
    assert.equal(answer.body.length, largest);
    const over = { instance: String(MAX_MESSAGE_BYTES) };
    await assert.rejects(unaryHostCall(client, service, invoke, over), { code: 8, message: /larger than the limit/ });
    const request = { operation: "y".repeat(MAX_MESSAGE_BYTES) };
    await assert.rejects(unaryHostCall(client, service, invoke, request), { code: 8, message: /was not sent/ });
    // The connection is none the worse for it.
    await unaryHostCall(client, service, invoke, { operation: "y".repeat(largest), instance: "1" });
    assert.equal(gestaltd.tcp.accepted, 1);
  });

  it("that is cancelled or late ends at once, here and there", async (t) => {
    const ends: string[] = [];
    const arrivals: string[] = [];
    const gestaltd = await startFakeGestaltd(t, {
      routes: (router) =>
        router.service(PluginInvoker, {
          invoke: async ({ operation }, { signal, timeoutMs }) => {
            arrivals.push(`${operation} ${timeoutMs() === undefined ? "without" : "with"} deadline`);
            await new Promise((aborted) => signal.addEventListener("abort", aborted));
            ends.push(operation);
            return {};
          },
        }),
    });
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "unix", hosts: ["PLUGIN_INVOKER"] }))("PLUGIN_INVOKER");
    const invoke = PluginInvoker.method.invoke;
    const controller = new AbortController();
    const given = { signal: controller.signal };
    const cancelled = unaryHostCall(client, service, invoke, { operation: "cancel" }, given);
    await until(() => arrivals.length === 1, "the call did not arrive");
    controller.abort();
    await assert.rejects(cancelled, { code: 1 });
    const late = unaryHostCall(client, service, invoke, { operation: "late" }, { deadline: Date.now() + 100 });
    await assert.rejects(late, { code: 4 });
    await until(() => ends.length === 2, "gestaltd was not told");
    assert.deepEqual(arrivals, ["cancel without deadline", "late with deadline"]);
    const past = unaryHostCall(client, service, invoke, { operation: "past" }, { deadline: Date.now() - 1 });
    await assert.rejects(past, { code: 4 });
    const before = unaryHostCall(client, service, invoke, { operation: "before" }, { signal: AbortSignal.abort() });
    await assert.rejects(before, { code: 1 });
    assert.equal(arrivals.length, 2);
  });
});
