// The bridge's WebSocket under a channel: what it sends and takes is whole, in any cut and at any pace, or the end of the connection.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { createHostClient } from "../../src/bridge/host/client.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { MAX_PACKET_BYTES } from "../../src/wire/channel/limits.ts";
import { until } from "../support/fake-gestaltd/start.ts";
import { callHost, logTo, open, type Rig, startChannel, startRig } from "./rig.ts";
import { ScriptedWorker } from "./scripted-worker.ts";

const { get, set } = Cache.method;

/** Around everything at which a frame, a piece or a packet changes its form, and far over. */
const SIZES = [0, 1, 100, 120, 125, 126, 4_000, 65_500, 65_536, 66_540, 66_560, 66_561, 262_000, 300_000, 3_000_000];

describe("messages on a channel", () => {
  it("of any size reach a worker that reads slowly as they were", async (t) => {
    const { connection } = await startRig(t, { gestaltd: { routes: answering } });
    const { socket } = connection.socket;
    socket.pause();
    const calls = SIZES.map((size) => {
      const call = open(connection, get);
      void call.write(toBinary(get.input, create(get.input, { key: String(size) })));
      call.halfClose();
      return call;
    });
    // A little at a time, so that what waits in the bridge is there for long.
    const pausing = setInterval(() => (socket.isPaused() ? socket.resume() : socket.pause()), 2);
    t.after(() => clearInterval(pausing));
    for (const [i, call] of calls.entries()) {
      for await (const reply of call.messages) {
        assert.ok(bytesOf(SIZES[i] ?? 0).equals(fromBinary(get.output, reply).value), `${SIZES[i]} bytes`);
      }
      assert.equal((await call.status).code, 0);
    }
  });

  it("arrive whole in any cut, with pings among them, which are answered", async (t) => {
    const values: Buffer[] = [];
    const routes = (router: ConnectRouter) =>
      router.service(Cache, {
        set({ value }) {
          values.push(Buffer.from(value));
          return {};
        },
      });
    const { connection } = await startRig(t, { gestaltd: { routes } });
    const { socket, pongs } = connection.socket;
    const pings: string[] = [];
    connection.socket.send = (message) => {
      pings.push(`ping ${pings.length}`);
      for (const piece of cutUp(fragments(message, String(pings.at(-1))))) socket.write(piece);
    };
    for (const size of SIZES) await callHost(connection, set, { key: "k", value: bytesOf(size) });
    for (const [i, size] of SIZES.entries())
      assert.ok(bytesOf(size).equals(values[i] ?? Buffer.alloc(0)), `${size} bytes`);
    await until(() => pongs.length === pings.length, "not every ping is answered");
    assert.deepEqual(pongs, pings);
  });
});

describe("a WebSocket whose other side breaks the protocol", () => {
  const faults: Record<string, readonly [frame: readonly number[], code: number]> = {
    "with a masked frame": [[0x82, 0x81, 1, 2, 3, 4, 5], 1002],
    "with compression": [[0xc2, 0x01, 0], 1002],
    "with a frame of unknown kind": [[0x83, 0x01, 0], 1002],
    "with a continuation of nothing": [[0x80, 0x01, 0], 1002],
    "with a message within a message": [[0x02, 0x01, 0, 0x82, 0x01, 0], 1002],
    "with a ping in two frames": [[0x09, 0x01, 0], 1002],
    "with a long ping": [[0x89, 126, 0, 126], 1002],
    "with half a close code": [[0x88, 0x01, 3], 1002],
    "with a message that is too large": [[0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0], 1009],
    "with one that does not end": [[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009],
    "with one that is too large in all": [twoFrames(MAX_PACKET_BYTES, MAX_PACKET_BYTES + 1), 1009],
  };
  for (const [fault, [frame, code]] of Object.entries(faults)) {
    it(`${fault} is closed, and connected to again`, async (t) => {
      const rig = await startRig(t, { channel: { random: () => 0 } });
      const again = rig.worker.next();
      rig.connection.socket.socket.write(Buffer.from(frame));
      assert.equal(await rig.connection.closed, code);
      await until(() => causes(rig).length > 0, "the log does not say so");
      assert.match(causes(rig)[0] ?? "", new RegExp(`^the connection was closed \\(WebSocket code ${code}: `));
      await callHost(await again, get, {});
    });
  }

  it("is closed with the code the other side has closed it with", async (t) => {
    const rig = await startRig(t, { channel: { random: () => 0 } });
    const again = rig.worker.next();
    rig.connection.socket.close(1012, "restarting");
    assert.equal(await rig.connection.closed, 1012);
    await callHost(await again, get, {});
    assert.match(causes(rig)[0] ?? "", /\(WebSocket code 1012: restarting\)$/);
  });
});

describe("an answer to the upgrade", () => {
  const accept = { "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" };
  const upgraded = { upgrade: "websocket", connection: "upgrade" };
  const answers: Record<string, Readonly<Record<string, string>>> = {
    "to another key": { ...upgraded, ...accept },
    "without a key": upgraded,
    "for another protocol": { ...upgraded, ...accept, upgrade: "h2c" },
  };
  for (const [answer, headers] of Object.entries(answers)) {
    it(`${answer} is no WebSocket`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      worker.refusal = { status: 101, headers };
      await assert.rejects(
        startBare(t, worker).opened,
        /: the worker's answer to the upgrade is not that of a WebSocket$/,
      );
    });
  }
});

function startBare(t: TestContext, worker: ScriptedWorker) {
  const client = createHostClient();
  t.after(() => client.close());
  const times = { openTimeoutMs: 200 };
  return startChannel(t, worker, { services: new Map(), client, log: logTo([]), times });
}

/** The same bytes for the same size, and different ones at each place. */
function bytesOf(size: number): Buffer {
  const value = Buffer.alloc(size);
  let state = size;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    value[i] = state >>> 16;
  }
  return value;
}

function answering(router: ConnectRouter): void {
  router.service(Cache, { get: ({ key }) => ({ value: bytesOf(Number(key)) }) });
}

/** A binary message in up to four frames, with a ping before the last. */
function fragments(message: Uint8Array, ping: string): Buffer {
  const size = Math.max(1, Math.ceil(message.length / 4));
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < message.length; at += size) {
    const last = at + size >= message.length;
    if (last) parts.push(head(0x89, ping.length), Buffer.from(ping));
    const part = message.subarray(at, at + size);
    parts.push(head((last ? 0x80 : 0) | (at === 0 ? 2 : 0), part.length), Buffer.from(part));
  }
  return Buffer.concat(parts);
}

function head(first: number, length: number): Buffer {
  if (length <= 125) return Buffer.from([first, length]);
  if (length <= 0xffff) return Buffer.from([first, 126, length >>> 8, length]);
  return Buffer.from([first, 127, 0, 0, 0, 0, length >>> 24, length >>> 16, length >>> 8, length]);
}

/** In pieces of a few bytes and of many. */
function* cutUp(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 3 + 1) % 40_009) {
    yield bytes.subarray(at, at + size);
  }
}

function twoFrames(first: number, second: number): number[] {
  return [...head(0x02, first), ...Buffer.alloc(first), ...head(0x80, second)];
}

function causes({ log }: Rig): string[] {
  return log.map(({ fields }) => String(fields.cause ?? "")).filter((cause) => cause !== "");
}
