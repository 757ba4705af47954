// What an author's own batch handlers are given.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bytes, type CacheClient, type Caches, startCaches } from "./caches.ts";

describe("defineCacheProvider", () => {
  let caches: Caches;
  let cache: CacheClient;
  before(async () => {
    caches = await startCaches();
    cache = caches.client("batches");
  });
  after(() => caches?.stop());

  it("gives batch handlers each key once and answers for each that was asked", async () => {
    const keys = ["a", "b", "a", "a"];
    const { entries } = await cache.getMany({ keys });
    assert.deepEqual(
      entries.map(({ key, found, value }) => [key, found, ...value]),
      keys.map((key) => [key, true, 2]),
    );
    assert.equal((await cache.deleteMany({ keys })).deleted, 2n);
    await cache.setMany({ entries: keys.map((key) => ({ key, value: bytes("v") })) });
  });

  it("does not call them for nothing", async () => {
    assert.equal((await cache.deleteMany({ keys: [] })).deleted, 0n);
    assert.deepEqual((await cache.getMany({ keys: [] })).entries, []);
    await cache.setMany({ entries: [] });
  });
});
