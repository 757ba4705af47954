// Many calls at once, readers and writers that stand still, and a gestaltd that refuses: what the bridge holds meanwhile.
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { CHANNEL_READ_AHEAD_BYTES } from "../../src/bridge/channel/limits.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { CALL_WINDOW_BYTES, CHANNEL_WINDOW_BYTES } from "../../src/wire/channel/limits.ts";
import type { OutgoingCall } from "../../src/wire/channel/opened-call.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { temporaryFolder, until } from "../support/bridge-process.ts";
import type { FakeGestaltdOptions } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { callError, callHost, open, startRig } from "./rig.ts";

const { get, set } = Cache.method;
const MIB = 1024 * 1024;

describe("a thousand host calls at once", () => {
  for (const via of ["unix", "tcp"] as const) {
    it(`over ${via} are all answered, each with its own answer`, async (t) => {
      const value = (key: string) => Buffer.from(key.repeat(50));
      const routes = (router: ConnectRouter) => router.service(Cache, { get: ({ key }) => ({ value: value(key) }) });
      const { connection, gestaltd } = await startRig(t, { via, gestaltd: { routes } });
      const release = gestaltd.hold();
      const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
      const replies = Promise.all(keys.map((key) => callHost(connection, get, { key })));
      await until(() => gestaltd.held === 1_000, "not all of them arrive");
      release();
      for (const [i, reply] of (await replies).entries()) assert.ok(value(keys[i] ?? "").equals(reply.value));
    });
  }
});

describe("a worker that does not read", () => {
  it("stops gestaltd, and holds up no other call", async (t) => {
    const sent = { bytes: 0 };
    const { connection } = await startRig(t, { gestaltd: { routes: pouring(sent, 64 * 1024, 300) } });
    const call = readObject(connection);
    await stands(() => sent.bytes);
    // The call's window, what the bridge reads ahead, the windows and buffers of HTTP/2, and one message in each place.
    assert.ok(sent.bytes < CALL_WINDOW_BYTES + 2 * MIB, `${sent.bytes} bytes were taken`);
    await callHost(connection, get, {});
    assert.equal(await sizeOfAll(call), 64 * 1024 * 300);
  });

  it("in many calls makes the bridge take no more than the channel has room for", async (t) => {
    const size = 3 * MIB;
    const count = 40;
    const gestaltd = { routes: pouring({ bytes: 0 }, size, 1) };
    const { connection, passed } = await startCountedRig(t, gestaltd);
    const calls = Array.from({ length: count }, () => readObject(connection));
    await stands(passed);
    // The worker's window, what the bridge reads ahead, a message in each place, and the window of each HTTP/2 stream.
    const room = CHANNEL_WINDOW_BYTES + CHANNEL_READ_AHEAD_BYTES + 2 * size + (count * MIB) / 2 + 4 * MIB;
    assert.ok(passed() < room, `${Math.round(passed() / MIB)} MiB have passed`);
    const sizes = await Promise.all(calls.map(sizeOfAll));
    assert.deepEqual(new Set(sizes), new Set([size]));
  });
});

describe("a gestaltd that does not take", () => {
  it("stops the worker, in one call and in all together", async (t) => {
    const frozen = await startFrozen(t);
    const env = () => ({ GESTALT_CACHE_SOCKET: frozen, GESTALT_S3_SOCKET: frozen });
    const { connection, channel } = await startRig(t, { env });
    let written = 0;
    const write = (call: OutgoingCall, bytes: number) =>
      call.write(new Uint8Array(bytes)).then(
        () => {
          written += bytes;
        },
        () => undefined,
      );
    const one = open(connection, S3.method.writeObject, { service: "S3" });
    for (let i = 0; i < 100; i++) void write(one, 64 * 1024);
    await stands(() => written);
    assert.ok(written <= CALL_WINDOW_BYTES + 64 * 1024, `${written} bytes were taken`);
    for (let i = 0; i < 64; i++) void write(open(connection, get), 3 * MIB);
    await stands(() => written);
    assert.ok(written <= CHANNEL_WINDOW_BYTES + 4 * MIB, `${written} bytes were taken`);
    assert.equal(channel.state, "open");
  });
});

describe("a gestaltd that closes the connection under a call", () => {
  it("which it has not looked at: the call is made again, once, when it can be", async (t) => {
    const refusing = await startRefusing(t);
    const env = () => ({ GESTALT_CACHE_SOCKET: refusing.address });
    const { connection } = await startRig(t, { env });
    refusing.times = 1;
    await callHost(connection, get, { key: "k" });
    assert.equal(refusing.calls, 2);
    refusing.times = 2;
    const refused = callError(GrpcCode.unavailable, /REFUSED_STREAM|reset the call \(HTTP\/2 code 7/);
    await assert.rejects(callHost(connection, get, { key: "k" }), refused);
    assert.equal(refusing.calls, 4);
    refusing.times = 1;
    await assert.rejects(callHost(connection, set, { key: "k", value: new Uint8Array(MIB) }), refused, "kept too much");
    assert.equal(refusing.calls, 5);
  });
});

/** S3.ReadObject that pours `count` messages of `size` bytes, and counts what is taken of them. */
function pouring(sent: { bytes: number }, size: number, count: number): (router: ConnectRouter) => void {
  return (router) => {
    router.service(S3, {
      async *readObject() {
        const value = new Uint8Array(size);
        for (let i = 0; i < count; i++) {
          sent.bytes += size;
          yield { result: { case: "data", value } };
        }
      },
    });
    router.service(Cache, { get: () => ({ found: false }) });
  };
}

function readObject(connection: Parameters<typeof open>[0]): OutgoingCall {
  const { readObject: method } = S3.method;
  const call = open(connection, method, { service: "S3" });
  void call.write(toBinary(method.input, create(method.input, {})));
  call.halfClose();
  return call;
}

/** Bytes of the objects' data in all messages, the fields around them left out. */
async function sizeOfAll(call: OutgoingCall): Promise<number> {
  let bytes = 0;
  for await (const message of call.messages) bytes += message.length - (message.length % 1024);
  return bytes;
}

/** Resolves when a number has not changed for a while, in which much could have happened. */
async function stands(read: () => number): Promise<void> {
  let last = Number.NaN;
  let same = 0;
  await until(() => {
    const now = read();
    same = now === last ? same + 1 : 0;
    last = now;
    return same > 40;
  }, "it goes on and on");
}

/** A rig with somebody between bridge and gestaltd who counts the bytes that gestaltd has sent. */
async function startCountedRig(t: TestContext, gestaltd: FakeGestaltdOptions) {
  let bytes = 0;
  let behind = "";
  const sockets = new Set<Socket>();
  const server = createServer((front) => {
    const back = connect(behind);
    sockets.add(front).add(back);
    back.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    back.pipe(front).pipe(back);
    for (const socket of [front, back]) socket.on("error", () => {});
  });
  const path = await listen(t, server, sockets);
  const env = (offer: Record<string, string>) => {
    behind = offer.GESTALT_S3_SOCKET ?? "";
    return { ...offer, GESTALT_S3_SOCKET: path };
  };
  return { ...(await startRig(t, { gestaltd, env })), passed: () => bytes };
}

/** Takes connections and reads nothing; a path. */
async function startFrozen(t: TestContext): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => sockets.add(socket));
  return listen(t, server, sockets);
}

interface Refusing {
  readonly address: string;
  /** Calls still to be refused. */
  times: number;
  calls: number;
}

/** Refuses calls as a server does that is closing, and answers the others. */
async function startRefusing(t: TestContext): Promise<Refusing> {
  const server = createHttp2Server();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  const refusing = { address: "", times: 0, calls: 0 };
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    refusing.calls += 1;
    if (refusing.times > 0) {
      refusing.times -= 1;
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream.resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
  refusing.address = await listen(t, server as never, sockets);
  return refusing;
}

async function listen(t: TestContext, server: ReturnType<typeof createServer>, sockets: Set<Socket>): Promise<string> {
  const path = `${temporaryFolder(t)}/host.sock`;
  server.listen(path);
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    const closed = once(server, "close");
    server.close();
    await closed;
  });
  return path;
}
