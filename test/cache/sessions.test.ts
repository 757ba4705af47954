// Config: sessions with different ones do not see each other's entries, and bad config is refused with what to do.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import { bytes, type Caches, startCaches } from "./caches.ts";

describe("cache config", () => {
  let caches: Caches;
  before(async () => {
    caches = await startCaches();
  });
  after(() => caches?.stop());

  const APART = {
    kv: [
      {},
      { prefix: "a" },
      { prefix: "b" },
      { prefix: "ak" },
      { binding: "OTHER" },
      { binding: "OTHER", prefix: "a" },
    ],
    objects: [{}, { prefix: "a" }, { prefix: "b" }, { prefix: "a", shards: 1 }, { prefix: "a", shards: 64 }],
  } as const;

  for (const backend of ["kv", "objects"] as const) {
    it(`${backend}: keeps caches of different binding, prefix or layout apart`, async () => {
      const clients = APART[backend].map((config) => caches.client(backend, config));
      for (const [index, client] of clients.entries()) await client.set({ key: "k:x", value: bytes(`cache ${index}`) });
      await Promise.all(
        clients.map(async (client, index) => {
          assert.deepEqual((await client.get({ key: "k:x" })).value, bytes(`cache ${index}`));
          assert.equal((await client.get({ key: "x" })).found, false);
        }),
      );
      assert.equal((await clients[0]?.delete({ key: "k:x" }))?.deleted, true);
      for (const client of clients.slice(1)) assert.equal((await client.get({ key: "k:x" })).found, true);
    });

    it(`${backend}: is shared by sessions of the same config`, async () => {
      const config = { prefix: "shared" };
      await caches.client(backend, config).set({ key: "key", value: bytes("v") });
      assert.equal((await caches.client(backend, config).get({ key: "key" })).found, true);
    });

    it(`${backend}: refuses config it does not understand`, async () => {
      for (const [config, text] of [
        [{ prefix: "a:b" }, /prefix/],
        [{ prefix: "" }, /prefix/],
        [{ prefix: "x".repeat(65) }, /prefix/],
        [{ binding: 7 }, /binding/],
        [{ bindng: "CACHE" }, /unknown key bindng; known are binding, prefix/],
      ] as const) {
        await assert.rejects(caches.client(backend, config).get({ key: "key" }), refused(Code.InvalidArgument, text));
      }
    });

    it(`${backend}: says what to add when there is no such binding`, async () => {
      for (const binding of ["MISSING", "GESTALT_EDGE_NAME", "__proto__"]) {
        const client = caches.client(backend, { binding });
        await assert.rejects(client.get({ key: "key" }), refused(Code.FailedPrecondition, /wrangler\.toml/));
      }
    });
  }

  it("objects: refuses numbers of shards and locations there are not", async () => {
    for (const [config, text] of [
      [{ shards: 0 }, /shards: must be a whole number from 1 to 64/],
      [{ shards: 65 }, /shards: must be/],
      [{ shards: 1.5 }, /shards: must be/],
      [{ location: "moon" }, /location: must be one of wnam/],
    ] as const) {
      await assert.rejects(caches.client("objects", config).get({ key: "key" }), refused(Code.InvalidArgument, text));
    }
  });

  it("objects: takes a location for new objects", async () => {
    const client = caches.client("objects", { location: "weur", prefix: "located" });
    await client.set({ key: "key", value: bytes("v") });
    assert.equal((await client.get({ key: "key" })).found, true);
  });
});
