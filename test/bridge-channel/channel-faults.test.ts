// What becomes of a session's channel, and of the calls on it, when worker and network misbehave.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import type { ChannelTimes, SessionChannelOptions } from "../../src/bridge/channel/session-channel.ts";
import { createHostClient } from "../../src/bridge/host/client.ts";
import { offeredServices } from "../../src/bridge/host/offered.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3, WriteObjectRequestSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { ByteWriter } from "../../src/wire/channel/bytes.ts";
import { encodeFrame } from "../../src/wire/channel/codec.ts";
import type { Frame } from "../../src/wire/channel/frames.ts";
import { CHANNEL_VERSION } from "../../src/wire/channel/limits.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { makeCertificate } from "../support/fake-gestaltd/certificate.ts";
import { until } from "../support/fake-gestaltd/start.ts";
import { ManualTime } from "./manual-time.ts";
import {
  assertStatus,
  callHost,
  type LogLine,
  logTo,
  open,
  type Rig,
  sourceOf,
  startChannel,
  startRig,
} from "./rig.ts";
import { ScriptedWorker, type WorkerChannel } from "./scripted-worker.ts";

const { get, set } = Cache.method;
const GET = toBinary(get.input, create(get.input, { key: "k" }));

/** Tries follow each other at once. */
const EAGER: Partial<SessionChannelOptions> = { random: () => 0 };

describe("the upgrade", () => {
  it("carries the session's token and what lets it pass, each time anew, and asks for no compression", async (t) => {
    const { connection, worker, channel } = await startRig(t, { channel: EAGER });
    const { headers } = connection;
    assert.equal(headers.authorization, "Bearer token-1");
    assert.equal(headers["cf-access-client-id"], "me");
    assert.equal(headers["sec-websocket-extensions"], undefined);
    const again = worker.next();
    connection.socket.cut();
    assert.equal((await again).headers.authorization, "Bearer token-2");
    await until(() => channel.state === "open", "not open again");
  });
});

describe("the upgrade over TLS", () => {
  it("trusts the authority of the worker's config, and no other", async (t) => {
    const certificate = makeCertificate();
    const worker = await ScriptedWorker.start(t, certificate);
    await startBare(t, worker, { source: sourceOf(t, worker, certificate.authority).source }).opened;
    const untrusted = startBare(t, worker, { ...EAGER, times: { openTimeoutMs: 200 } });
    await assert.rejects(untrusted.opened, /cannot reach the worker \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/);
  });
});

describe("a channel that is cut", () => {
  /** What the worker has under way; resolves when gestaltd has the call. */
  const states: Record<string, (rig: Rig, seen: Seen) => Promise<OutgoingCall>> = {
    "while its request is on the way": async ({ connection }, seen) => {
      const call = open(connection, S3.method.writeObject, { service: "S3" });
      void call.write(objectOf(100));
      await until(() => seen.begun === 1, "the call does not arrive");
      return call;
    },
    "while gestaltd works": async ({ connection }, seen) => {
      const call = open(connection, get);
      void call.write(GET);
      call.halfClose();
      await until(() => seen.begun === 1, "the call does not arrive");
      return call;
    },
    "while the answer streams": async ({ connection }, seen) => {
      const call = open(connection, S3.method.readObject, { service: "S3" });
      void call.write(new Uint8Array());
      call.halfClose();
      const reader = call.messages[Symbol.asyncIterator]();
      await reader.next();
      await until(() => seen.begun === 1, "the call does not arrive");
      return call;
    },
  };

  for (const [state, begin] of Object.entries(states)) {
    it(`${state}: the call ends UNAVAILABLE on both sides at once, the next works`, async (t) => {
      const seen: Seen = { begun: 0, ended: 0 };
      const rig = await startRig(t, { channel: EAGER, gestaltd: { routes: endless(seen) } });
      const call = await begin(rig, seen);
      const again = rig.worker.next();
      rig.connection.socket.cut();
      assertStatus(await call.status, GrpcCode.unavailable, /^host channel: /);
      await until(() => seen.ended === 1, "gestaltd's call goes on");
      const connection = await again;
      assert.equal((await callHost(connection, Cache.method.touch, {})).touched, true);
    });
  }

  it("tells the log once that it is lost and once that it is back, however long it took", async (t) => {
    const { worker, log, channel } = await startRig(t, { channel: EAGER });
    await worker.stop();
    await until(() => channel.state === "lost", "nothing noticed");
    await until(() => log.length > 1, "the second fault is not told");
    await worker.listen();
    await until(() => channel.state === "open", "not back");
    assert.deepEqual(
      log.map(({ level, message }) => `${level} ${message}`),
      [
        "warn the host channel is lost",
        "warn the host channel cannot be opened again",
        "info the host channel is back",
      ],
    );
    assert.match(String(log[1]?.fields.cause), /^cannot reach the worker \(ECONNREFUSED\)$/);
    assert.ok(Number(log[2]?.fields.tries) >= 2);
    assert.equal(log[0]?.fields.name, "search");
  });

  it("again and again for the same cause is told of once", async (t) => {
    const { worker, log } = await startRig(t, { channel: EAGER });
    for (let i = 0; i < 5; i++) {
      const again = worker.next();
      worker.channels.at(-1)?.socket.cut();
      await again;
    }
    await callHost(await lastOf(worker), get, {});
    assert.deepEqual(
      log.map(({ message }) => message),
      ["the host channel is lost", "the host channel is back"],
    );
  });

  it("is tried again later and later, each time at random, and at first soon after a good while", async (t) => {
    const time = new ManualTime();
    const worker = await ScriptedWorker.start(t);
    const log: LogLine[] = [];
    const random = () => 0.3;
    const channel = startBare(t, worker, { clock: time.clock, random, log: logTo(log) });
    await channel.opened;
    worker.refusal = { status: 503 };
    worker.channels[0]?.socket.cut();
    const waits = [];
    for (let i = 0; i < 8; i++) waits.push(await time.nextWait(channel));
    await until(() => worker.upgrades === 9, "not all tries were made");
    worker.refusal = undefined;
    waits.push(await time.nextWait(channel));
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 960, 1500, 1500, 1500]);
    await until(() => channel.state === "open", "not open");
    worker.channels[1]?.socket.cut();
    assert.equal(await time.nextWait(channel), 1500, "it did not last");
    await until(() => channel.state === "open", "not open");
    time.advance(10_000);
    worker.channels[2]?.socket.cut();
    assert.equal(await time.nextWait(channel), 30);
  });
});

describe("a worker that closes the channel", () => {
  const cases: [code: number, state: "open" | "over", log: RegExp][] = [
    [4000, "open", /^the worker closed the channel$/],
    [4001, "over", /^another bridge has taken over the session$/],
    [4002, "open", /^the worker says that the bridge broke a rule of the channel: because$/],
    [4003, "over", /another version of the channel than this bridge \(1\); deploy it .*: because$/],
    [1012, "open", /^the connection was closed \(WebSocket code 1012: because\)$/],
  ];
  for (const [code, state, cause] of cases) {
    it(`with ${code}: ${state === "open" ? "is connected to again" : "is left alone"}`, async (t) => {
      const { connection, worker, channel, log } = await startRig(t, { channel: EAGER });
      connection.socket.close(code, "because");
      connection.socket.socket.end();
      await until(() => log.length > 0, "nothing noticed");
      await until(() => channel.state === state, `never ${state}`);
      assert.match(String(log[0]?.fields.cause), cause);
      assert.equal(worker.upgrades, state === "open" ? 2 : 1);
    });
  }

  it("after its leave lets the calls in flight end", async (t) => {
    const { connection, worker, gestaltd, channel } = await startRig(t, { channel: EAGER });
    const release = gestaltd.hold();
    const call = callHost(connection, get, {});
    await until(() => gestaltd.held === 1, "the call does not arrive");
    const again = worker.next();
    connection.peer.leave("shutdown");
    release();
    await call;
    await callHost(await again, get, {});
    assert.equal(channel.state, "open");
  });
});

describe("a worker that breaks the rules", () => {
  it("is told so, and connected to again", async (t) => {
    const { connection, worker, log } = await startRig(t, { channel: EAGER });
    const again = worker.next();
    connection.socket.send(
      packet({ type: "open", id: 7, service: "CACHE", path: "/x", streaming: "unary", metadata: [] }),
    );
    connection.socket.send(packet({ type: "cancel", id: 8 }));
    assert.equal(await connection.closed, 4002);
    assert.match(String(log[0]?.fields.cause), /^the worker broke a rule of the channel: cancel for a call that/);
    await callHost(await again, get, {});
  });

  it("by sending what is far larger than a packet is cut off before that is put together", async (t) => {
    const { connection, worker } = await startRig(t, { channel: EAGER });
    const again = worker.next();
    connection.socket.send(new Uint8Array(1024 * 1024));
    assert.notEqual(await connection.closed, 1005);
    await callHost(await again, get, {});
  });

  it("by being of another version ends the start with what to do", async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.mute = true;
    const channel = startBare(t, worker);
    const connection = await worker.next();
    connection.socket.send(packet({ type: "hello", version: CHANNEL_VERSION + 1, incarnation: 1 }));
    const message =
      /cannot open the host channel: the worker speaks another version .* deploy it with the bridge's version/;
    await assert.rejects(channel.opened, { code: GrpcCode.failedPrecondition, message });
    assert.equal(await connection.closed, 4003);
  });
});

describe("a worker that sleeps", () => {
  it("begins anew on the same socket, and its calls are done", async (t) => {
    const { connection, worker, gestaltd, channel } = await startRig(t);
    await callHost(connection, set, { key: "k" });
    const release = gestaltd.hold();
    const before = open(connection, get);
    void before.write(GET);
    before.halfClose();
    await until(() => gestaltd.held === 1, "the call does not arrive");
    connection.hibernate();
    release();
    assert.equal((await callHost(connection, get, { key: "k" })).found, true);
    assert.equal(channel.state, "open");
    assert.equal(worker.upgrades, 1);
  });
});

describe("a worker that refuses the channel", () => {
  const lasting: [status: number, message: RegExp][] = [
    [
      401,
      /HTTP 401: The session token is for another session; it does not accept the session token; compare worker\.key/,
    ],
    [403, /HTTP 403: .*; something before it .* Cloudflare Access \(worker\.access\)$/],
    [404, /: the worker answered HTTP 404: The session token is for another session$/],
    [
      302,
      /HTTP 302: .*; something before it redirects, such as the login page of Cloudflare Access \(worker\.access\)$/,
    ],
    [400, /HTTP 400: .*$/],
  ];
  for (const [status, message] of lasting) {
    it(`with ${status} ends the start, and says what to do`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      const body = JSON.stringify({ code: "unauthenticated", message: "The session token is for another session" });
      worker.refusal = { status, body, headers: { location: "https://login.example" } };
      const channel = startBare(t, worker);
      await assert.rejects(channel.opened, { code: GrpcCode.failedPrecondition, message });
      assert.equal(worker.upgrades, 1);
    });
  }

  it("with a foreign page of any length says the status alone", async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.refusal = { status: 400, body: "<html>".repeat(100_000) };
    await assert.rejects(startBare(t, worker).opened, /: the worker answered HTTP 400$/);
    worker.refusal = { status: 404, body: "not found" };
    await assert.rejects(
      startBare(t, worker).opened,
      /: the worker answered HTTP 404; check that it is a gestalt-edge worker/,
    );
  });

  for (const status of [408, 429, 500, 503]) {
    it(`with ${status} is asked again until it does not`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      worker.refusal = { status };
      const channel = startBare(t, worker, EAGER);
      await until(() => worker.upgrades > 2, "it is not asked again");
      worker.refusal = undefined;
      await channel.opened;
    });
  }

  it("for too long, by its answer, by silence or by absence, ends the start UNAVAILABLE", async (t) => {
    const refusing = await ScriptedWorker.start(t);
    refusing.refusal = { status: 503 };
    const silent = await ScriptedWorker.start(t);
    silent.mute = true;
    const absent = await ScriptedWorker.start(t);
    await absent.stop();
    const openTimeoutMs = 1_500;
    const cases: [ScriptedWorker, Partial<ChannelTimes>, RegExp][] = [
      [refusing, { openTimeoutMs }, /^cannot open the host channel within 1\.5 s: the worker answered HTTP 503$/],
      [silent, { openTimeoutMs, connectTimeoutMs: 100 }, /: the worker did not open the channel in time$/],
      [absent, { openTimeoutMs }, /: cannot reach the worker \(ECONNREFUSED\)$/],
    ];
    await Promise.all(
      cases.map(([worker, times, message]) => {
        const { opened } = startBare(t, worker, { random: () => 0.1, times });
        return assert.rejects(opened, { code: GrpcCode.unavailable, message });
      }),
    );
  });

  it("while the channel is lost is asked again, whatever it says", async (t) => {
    const { connection, worker, channel, log } = await startRig(t, { channel: EAGER });
    worker.refusal = { status: 404 };
    connection.socket.cut();
    await until(() => worker.upgrades > 3, "it is not asked again");
    worker.refusal = undefined;
    await until(() => channel.state === "open", "not back");
    assert.equal(log.length, 3);
  });

  it("has its target told, which may know of another address", async (t) => {
    const worker = await ScriptedWorker.start(t);
    const other = await ScriptedWorker.start(t);
    await worker.stop();
    const first = sourceOf(t, worker);
    const second = sourceOf(t, other).source;
    let source = first.source;
    const moving = {
      upstream: () => source.upstream(),
      connectFailed(upstream: Parameters<typeof first.source.connectFailed>[0]) {
        first.source.connectFailed(upstream);
        source = second;
      },
    };
    await startBare(t, other, { ...EAGER, source: moving }).opened;
    assert.equal(first.failed.length, 1);
  });
});

describe("a quiet channel", () => {
  it("is asked whether it lives, and kept", async (t) => {
    const { connection, worker, channel } = await startRig(t, { channel: { ...EAGER, times: QUICK } });
    await until(() => connection.pings > 3, "it is not asked");
    assert.equal(channel.state, "open");
    assert.equal(worker.upgrades, 1);
  });

  it("is lost when it does not answer, and its calls with it", async (t) => {
    const { connection, worker, gestaltd, log } = await startRig(t, { channel: { ...EAGER, times: QUICK } });
    const release = gestaltd.hold();
    const call = open(connection, get);
    void call.write(GET);
    call.halfClose();
    worker.alive = false;
    const again = worker.next();
    assertStatus(await call.status, GrpcCode.unavailable, /./);
    release();
    worker.alive = true;
    await callHost(await again, get, {});
    assert.equal(log[0]?.fields.cause, "the worker has fallen silent");
  });
});

describe("the end of a session", () => {
  it("closes its channel with 4000, and ends what will not end", async (t) => {
    const { connection, gestaltd, channel } = await startRig(t);
    const release = gestaltd.hold();
    const call = open(connection, get);
    void call.write(GET);
    call.halfClose();
    await until(() => gestaltd.held === 1, "the call does not arrive");
    await channel.close();
    assertStatus(await call.status, GrpcCode.unavailable, /./);
    assert.equal(await connection.closed, 4000);
    release();
    await channel.close();
  });

  it("ends also a channel that was never open, or is lost", async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.mute = true;
    const opening = startBare(t, worker);
    await worker.next();
    await opening.close();
    await assert.rejects(opening.opened, { code: GrpcCode.unavailable, message: "the session has ended" });
    worker.mute = false;
    const { connection, channel, worker: other } = await startRig(t, { channel: { random: () => 1 } });
    other.refusal = { status: 503 };
    connection.socket.cut();
    await until(() => channel.state === "lost", "nothing noticed");
    await channel.close();
    assert.equal(channel.state, "over");
  });
});

const QUICK: Partial<ChannelTimes> = { keepAliveAfterMs: 20, keepAliveTimeoutMs: 50 };

interface Seen {
  /** Calls that have reached gestaltd, and those that it was told the end of. */
  begun: number;
  ended: number;
}

/** Methods that last for as long as their caller is there. */
function endless(seen: Seen): (router: ConnectRouter) => void {
  const last = async (signal: AbortSignal) => {
    seen.begun += 1;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    seen.ended += 1;
  };
  return (router) => {
    router.service(Cache, {
      async get(_request, { signal }) {
        await last(signal);
        return {};
      },
      touch: () => ({ touched: true }),
    });
    router.service(S3, {
      async *readObject(_request, { signal }) {
        yield { result: { case: "meta", value: {} } };
        await last(signal);
      },
      async writeObject(_requests, { signal }) {
        await last(signal);
        return {};
      },
    });
  };
}

/** A channel without a gestaltd behind it. */
function startBare(t: TestContext, worker: ScriptedWorker, options: Partial<SessionChannelOptions> = {}) {
  const client = createHostClient();
  t.after(() => client.close());
  const services = offeredServices({ GESTALT_CACHE_SOCKET: "/nowhere/cache.sock" });
  return startChannel(t, worker, { services, client, log: logTo([]), ...options });
}

/** The newest connection, once the bridge has greeted it. */
async function lastOf(worker: ScriptedWorker): Promise<WorkerChannel> {
  const last = worker.channels.at(-1);
  assert.ok(last);
  assert.equal(await last.peer.ping(), true);
  return last;
}

function objectOf(size: number): Uint8Array {
  const value = new Uint8Array(size);
  return toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, { msg: { case: "data", value } }));
}

function packet(...frames: readonly Frame[]): Uint8Array {
  const writer = new ByteWriter();
  for (const frame of frames) encodeFrame(writer, frame);
  return writer.take();
}
