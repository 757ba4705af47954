// Many host calls at once, and large streams, with a bound on what is held in between.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sizeOf } from "../../src/bridge/grpc/frames.ts";
import { pathOf } from "../../src/bridge/grpc/router.ts";
import type { CallStatus } from "../../src/bridge/grpc/status.ts";
import { unaryHostCall } from "../../src/bridge/host/unary.ts";
import { PluginInvoker } from "../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { offered, startFakeGestaltd, startHostClient } from "../support/fake-gestaltd/start.ts";
import { begin } from "./recorded-call.ts";

const CALLS = 1_000;
const MIB = 1024 * 1024;
const STREAM_BYTES = 256 * MIB;
const CHUNK_BYTES = 64 * 1024;

/** Windows of both ends, sockets' buffers and a message that is being gathered. */
const MAX_HELD_BYTES = 8 * MIB;

describe("many host calls", () => {
  it("run at once, also when each waits for all the others and the peer takes 250 on a connection", async (t) => {
    let inside = 0;
    const { promise: everybody, resolve } = Promise.withResolvers<void>();
    const gestaltd = await startFakeGestaltd(t, {
      routes: (router) =>
        router.service(PluginInvoker, {
          invoke: async ({ operation }) => {
            inside += 1;
            if (inside === CALLS) resolve();
            await everybody;
            return { status: 200, body: operation };
          },
        }),
    });
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["PLUGIN_INVOKER"] }))("PLUGIN_INVOKER");
    const answers = await Promise.all(
      Array.from({ length: CALLS }, (_, i) =>
        unaryHostCall(client, service, PluginInvoker.method.invoke, { operation: `o${i}` }),
      ),
    );
    for (const [i, { body }] of answers.entries()) assert.equal(body, `o${i}`);
    assert.equal(gestaltd.tcp.accepted, 4);
  });

  it("share one connection where the peer sets no limit", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "unix", hosts: ["S3"] }))("S3");
    const head = () => unaryHostCall(client, service, S3.method.headObject, { ref: { key: "none" } });
    const results = await Promise.allSettled(Array.from({ length: CALLS }, head));
    for (const result of results) assert.equal(result.status === "rejected" && result.reason.code, 5);
    assert.equal(gestaltd.unix[0]?.accepted, 1);
  });
});

describe("a large stream", () => {
  it("is read as fast as it is taken, and no faster", async (t) => {
    const data = new Uint8Array(CHUNK_BYTES);
    let produced = 0;
    const gestaltd = await startFakeGestaltd(t, {
      routes: (router) =>
        router.service(S3, {
          async *readObject() {
            for (; produced < STREAM_BYTES; produced += CHUNK_BYTES) yield { result: { case: "data", value: data } };
          },
        }),
    });
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["S3"] }))("S3");
    let taken = 0;
    let mostHeld = 0;
    const { promise: ended, resolve } = Promise.withResolvers<CallStatus>();
    const call = client.call(service, pathOf(S3.method.readObject), {
      message(payload) {
        taken += sizeOf(payload);
        mostHeld = Math.max(mostHeld, produced - taken);
        // Stops after every 16 MiB until nothing more has come for a while.
        if (taken % (16 * MIB) < CHUNK_BYTES) {
          call.pause();
          void settled(() => produced).then(() => call.resume());
        }
      },
      ended: resolve,
    });
    call.send([]);
    call.halfClose();
    assert.equal((await ended).code, 0);
    assert.ok(taken >= STREAM_BYTES);
    assert.ok(mostHeld < MAX_HELD_BYTES, `${mostHeld} bytes were held`);
  });

  it("is written as fast as it is taken, and no faster", async (t) => {
    let taken = 0;
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    const gestaltd = await startFakeGestaltd(t, {
      routes: (router) =>
        router.service(S3, {
          async writeObject(requests) {
            await go;
            for await (const { msg } of requests) if (msg.case === "data") taken += msg.value.length;
            return { meta: { size: BigInt(taken) } };
          },
        }),
    });
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["S3"] }))("S3");
    const write = begin(client, service, S3.method.writeObject);
    const value = new Uint8Array(CHUNK_BYTES);
    let sent = 0;
    let mostHeld = 0;
    const pump = (async () => {
      while (sent < STREAM_BYTES) {
        sent += CHUNK_BYTES;
        mostHeld = Math.max(mostHeld, sent - taken);
        if (!write.send({ msg: { case: "data", value } })) await write.call.drained();
      }
      write.call.halfClose();
    })();
    assert.ok((await settled(() => sent)) < MAX_HELD_BYTES);
    release();
    await pump;
    assert.equal((await write.ended).code, 0);
    assert.equal(write.messages[0]?.meta?.size, BigInt(STREAM_BYTES));
    assert.ok(mostHeld < MAX_HELD_BYTES, `${mostHeld} bytes were held`);
  });

  it("that nobody reads stops nobody else on the connection", async (t) => {
    const gestaltd = await startFakeGestaltd(t);
    const client = startHostClient(t, gestaltd);
    const service = (await offered(gestaltd, { via: "tcp", hosts: ["S3"] }))("S3");
    const ref = { bucket: "b", key: "k" };
    const write = begin(client, service, S3.method.writeObject);
    write.send({ msg: { case: "open", value: { ref } } });
    for (let i = 0; i < 64; i++) write.send({ msg: { case: "data", value: new Uint8Array(CHUNK_BYTES) } });
    write.call.halfClose();
    assert.equal((await write.ended).code, 0);
    const idle = Array.from({ length: 30 }, () => {
      const read = begin(client, service, S3.method.readObject);
      read.call.pause();
      read.send({ ref });
      read.call.halfClose();
      return read;
    });
    const { meta } = await unaryHostCall(client, service, S3.method.headObject, { ref });
    assert.equal(meta?.size, BigInt(4 * MIB));
    for (const read of idle) {
      read.call.resume();
      assert.equal((await read.ended).code, 0);
      assert.equal(read.messages.length, 65);
    }
    assert.equal(gestaltd.tcp.accepted, 1);
  });
});

const CALM_TURNS = 20;

/** A number once it has not changed for some turns of the event loop, with I/O between them. */
async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let turns = 0; turns < CALM_TURNS; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (value() !== last) turns = 0;
    last = value();
  }
  return last;
}
