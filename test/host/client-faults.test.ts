// What becomes of host calls when gestaltd goes away, comes back, drains, or lives on without answering.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { unaryHostCall } from "../../src/bridge/host/unary.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { offered, servicesOf, startFakeGestaltd, startHostClient, until } from "../support/fake-gestaltd/start.ts";
import { begin } from "./recorded-call.ts";

const set = Cache.method.set;
const get = Cache.method.get;

describe("gestaltd restarts", () => {
  for (const via of ["unix", "tcp", "tls"] as const) {
    it(`over ${via}: calls in flight end UNAVAILABLE, the next works`, async (t) => {
      const gestaltd = await startFakeGestaltd(t);
      const client = startHostClient(t, gestaltd);
      const service = (await offered(gestaltd, { via, hosts: ["CACHE"] }))("CACHE");
      await unaryHostCall(client, service, set, { key: "k", value: new Uint8Array(1) });
      const release = gestaltd.hold();
      const inFlight = Array.from({ length: 5 }, () => unaryHostCall(client, service, get, { key: "k" }));
      const failures = Promise.allSettled(inFlight);
      const stream = begin(client, service, get);
      stream.send({});
      await gestaltd.restart();
      release();
      for (const result of await failures) {
        assert.equal(result.status, "rejected");
        assert.deepEqual([result.reason.code, result.reason.message], [14, "the connection to gestaltd broke"]);
      }
      assert.equal((await stream.ended).code, 14);
      assert.equal(stream.ends, 1);
      assert.equal((await unaryHostCall(client, service, get, { key: "k" })).found, true);
    });
  }

  it("and is away: calls end UNAVAILABLE at once, until it is back", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const reasons: string[] = [];
    const client = startHostClient(t, gestaltd, { unreachable: (...told) => reasons.push(told.join(" ")) });
    const tcp = (await offered(gestaltd, { via: "tcp", hosts: ["CACHE"] }))("CACHE");
    const unix = (await offered(gestaltd, { via: "unix", hosts: ["CACHE"] }))("CACHE");
    await gestaltd.tcp.stop();
    await gestaltd.unix[0]?.stop();
    const failures = { code: 14, message: /^cannot reach gestaltd \((ECONNREFUSED|ENOENT)\)$/ };
    await assert.rejects(unaryHostCall(client, tcp, get, {}), failures);
    await assert.rejects(unaryHostCall(client, unix, get, {}), failures);
    assert.match(reasons.join("\n"), /^tcp:\/\/127\.0\.0\.1:\d+ cannot reach.*\nunix:\/\/\/.*sock cannot reach/);
    await gestaltd.restart();
    await unaryHostCall(client, tcp, get, {});
    await unaryHostCall(client, unix, get, {});
  });
});

describe("gestaltd drains a connection", () => {
  it("on which calls finish while new ones take another", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["S3"] }))("S3");
    const write = begin(client, service, S3.method.writeObject);
    write.send({ msg: { case: "open", value: { ref: { bucket: "b", key: "k" } } } });
    await until(() => gestaltd.tcp.accepted === 1, "no connection");
    await until(() => client.state(service.address) === "ready", "not ready");
    await assert.rejects(unaryHostCall(client, service, S3.method.headObject, {}), { code: 5 });
    gestaltd.tcp.drain();
    await until(() => client.state(service.address) === "draining", "not draining");
    await assert.rejects(unaryHostCall(client, service, S3.method.headObject, {}), { code: 5 });
    assert.equal(gestaltd.tcp.accepted, 2);
    write.send({ msg: { case: "data", value: new Uint8Array(10) } });
    write.call.halfClose();
    assert.equal((await write.ended).code, 0);
    assert.equal(write.messages[0]?.meta?.size, 10n);
    await until(() => gestaltd.tcp.sockets.size === 1, "the drained connection stays open");
  });
});

describe("a peer that is of no use", () => {
  it("is given up when it is silent and answers no ping", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const middle = await startMiddle(t, gestaltd.tcp.port);
    const client = startHostClient(t, gestaltd, { times: { pingAfterMs: 30, pingTimeoutMs: 30 } });
    const env = await gestaltd.offer({ plugin: "p", session: "s", via: "tcp", hosts: ["CACHE"] });
    const service = servicesOf({ ...env, GESTALT_CACHE_SOCKET: `tcp://127.0.0.1:${middle.port}` })("CACHE");
    await unaryHostCall(client, service, set, { key: "k" });
    // A living peer that takes its time is asked and asked again, and kept.
    const release = gestaltd.hold();
    const slow = unaryHostCall(client, service, get, { key: "k" });
    const before = middle.answered;
    await until(() => middle.answered > before + 2, "it was not asked");
    release();
    assert.equal((await slow).found, true);
    middle.freeze();
    await assert.rejects(unaryHostCall(client, service, get, { key: "k" }), { code: 14 });
    middle.thaw();
    await unaryHostCall(client, service, get, { key: "k" });
  });

  it("has a limited time to become a connection", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const middle = await startMiddle(t, gestaltd.tcp.port);
    middle.freeze();
    const client = startHostClient(t, gestaltd, { times: { connectTimeoutMs: 30 } });
    const address = `tcp://127.0.0.1:${middle.port}`;
    const service = servicesOf({ GESTALT_CACHE_SOCKET: address, GESTALT_CACHE_SOCKET_TOKEN: "t" })("CACHE");
    const calls = [1, 2, 3].map(() => unaryHostCall(client, service, get, {}));
    assert.equal(client.state(service.address), "connecting");
    for (const call of calls) await assert.rejects(call, { code: 14, message: "cannot reach gestaltd (ETIMEDOUT)" });
  });

  it("is refused when it speaks no HTTP/2", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const server = createHttpServer((_request, response) => response.end("hello"));
    const port = await listen(t, server);
    const env = { GESTALT_CACHE_SOCKET: `tcp://127.0.0.1:${port}`, GESTALT_CACHE_SOCKET_TOKEN: "t" };
    await assert.rejects(unaryHostCall(client, servicesOf(env)("CACHE"), get, {}), { code: 14 });
  });
});

describe("the client's end", () => {
  it("ends calls that wait and calls in flight, and leaves no socket", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = await offered(gestaltd, { via: "tcp", hosts: ["CACHE"] });
    const unix = await offered(gestaltd, { via: "unix", hosts: ["CACHE"] });
    await unaryHostCall(client, service("CACHE"), get, {});
    gestaltd.hold();
    const inFlight = begin(client, service("CACHE"), get);
    inFlight.send({});
    const waiting = begin(client, unix("CACHE"), get);
    assert.equal(waiting.send({}), false);
    await client.close();
    const stopped = { code: 14, message: "the bridge is stopping" };
    assert.deepEqual(await inFlight.ended, stopped);
    assert.deepEqual(await waiting.ended, stopped);
    await assert.rejects(unaryHostCall(client, service("CACHE"), get, {}), stopped);
    await waiting.call.drained();
    assert.deepEqual([inFlight.ends, waiting.ends], [1, 1]);
  });
});

interface Middle {
  readonly port: number;
  /** How often something has come back from behind it. */
  readonly answered: number;
  /** From now on nothing passes, in either direction, and nothing is closed. */
  freeze(): void;
  /** For connections made from now on. */
  thaw(): void;
}

/** Stands between the client and gestaltd as a network does. */
async function startMiddle(t: TestContext, behind: number): Promise<Middle> {
  const state = { frozen: false, answered: 0 };
  const pairs = new Set<Socket>();
  const server = createServer((near) => {
    pairs.add(near);
    near.on("error", () => {});
    if (state.frozen) return;
    const far = connect(behind, "127.0.0.1");
    pairs.add(far);
    far.on("error", () => {});
    far.on("data", () => {
      state.answered += 1;
    });
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
  });
  t.after(() => {
    for (const socket of pairs) socket.destroy();
  });
  return {
    port: await listen(t, server),
    get answered() {
      return state.answered;
    },
    freeze() {
      state.frozen = true;
      for (const socket of pairs) socket.unpipe().pause();
    },
    thaw() {
      state.frozen = false;
    },
  };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}
