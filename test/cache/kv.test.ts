// What the cache on KV does with KV: names, metadata, operations, refusals, stale reads.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { refused } from "../support/refused.ts";
import { bytes, type CacheClient, type Caches, duration, type Observed, startCaches } from "./caches.ts";

describe("cache on KV", () => {
  let caches: Caches;
  let cache: CacheClient;
  let tests = 0;
  const fresh = () => `plugin:key-${tests++}`;
  const value = bytes("v");
  const inject = (faults: object) => caches.control("kv-faults", faults);
  const observed = () => caches.control<Observed>("observed");
  const readValue = async (key: string) => new TextDecoder().decode((await cache.get({ key })).value);

  before(async () => {
    caches = await startCaches();
    cache = caches.client("kv");
  });
  beforeEach(() => inject({}));
  after(() => caches?.stop());

  describe("when KV is busy", () => {
    it("tries again after random and growing pauses", async () => {
      const key = fresh();
      await inject({ refuse: { method: "put", status: 429, times: 2 } });
      await cache.set({ key, value });
      assert.deepEqual((await observed()).pauses, [200, 400]); // Half of each bound: the chance here is always 0.5.
      assert.equal(await readValue(key), "v");
    });

    for (const method of ["put", "delete", "getWithMetadata"] as const) {
      it(`gives up with UNAVAILABLE and says why: ${method}`, async () => {
        const [key, touched] = [fresh(), fresh()];
        await cache.set({ key: touched, value });
        await inject({ refuse: { method, status: 429, times: 1000 } });
        const calls = {
          put: [() => cache.set({ key, value }), () => cache.touch({ key: touched })],
          delete: [() => cache.delete({ key }), () => cache.deleteMany({ keys: [key] })],
          getWithMetadata: [() => cache.get({ key }), () => cache.getMany({ keys: [key] })],
        }[method];
        for (const call of calls) await assert.rejects(call(), refused(Code.Unavailable, /429.*Durable Object/));
        assert.deepEqual((await observed()).pauses, [200, 400, 800, 1000, 1000, 200, 400, 800, 1000, 1000]);
      });
    }

    it("tries again after a failure of KV's own", async () => {
      await inject({ refuse: { method: "getWithMetadata", status: 503, times: 1 } });
      assert.equal((await cache.get({ key: fresh() })).found, false);
      await inject({ refuse: { method: "getWithMetadata", status: 500, times: 100 } });
      await assert.rejects(cache.get({ key: fresh() }), refused(Code.Unavailable, /did not answer/));
    });

    it("does not try again what cannot succeed", async () => {
      for (const [status, code, text] of [
        [401, Code.FailedPrecondition, /binding/],
        [403, Code.FailedPrecondition, /binding/],
        [404, Code.FailedPrecondition, /namespace/],
        [413, Code.ResourceExhausted, /too large/],
        [400, Code.Internal, /refused/],
      ] as const) {
        await inject({ refuse: { method: "put", status, times: 100 } });
        await assert.rejects(cache.set({ key: fresh(), value }), refused(code, text));
        assert.deepEqual((await observed()).pauses, []);
      }
    });
  });

  describe("when a location has not seen an entry yet", () => {
    it("deletes it all the same", async () => {
      const keys = [fresh(), fresh(), fresh()] as const;
      await cache.setMany({ entries: keys.map((key) => ({ key, value })) });
      await inject({ blind: true });
      assert.equal((await cache.delete({ key: keys[0] })).deleted, false);
      assert.equal((await cache.deleteMany({ keys: keys.slice(1) })).deleted, 0n);
      await inject({});
      for (const key of keys) assert.equal((await cache.get({ key })).found, false);
    });

    it("does not make it by Touch", async () => {
      const key = fresh();
      await cache.set({ key, value });
      await inject({ blind: true });
      assert.equal((await cache.touch({ key, ttl: duration(5) })).touched, false);
      await inject({});
      await caches.advance(5);
      assert.equal(await readValue(key), "v");
    });
  });

  describe("KV's own expiry", () => {
    const optionsOf = async (ttl: { seconds: bigint; nanos: number } | undefined) => {
      await inject({});
      await cache.set({ key: fresh(), value, ...(ttl && { ttl }) });
      const [options] = (await observed()).kv.options as [{ expirationTtl?: number; metadata: { deadline?: number } }];
      return options;
    };

    it("is never before the deadline and never under a minute", async () => {
      assert.equal((await optionsOf(duration(1))).expirationTtl, 60);
      assert.equal((await optionsOf(duration(59_000))).expirationTtl, 60);
      assert.equal((await optionsOf(duration(60_001))).expirationTtl, 62);
      assert.equal((await optionsOf(duration(3_600_000))).expirationTtl, 3601);
    });

    it("is left out for entries without a lifetime and for lifetimes KV cannot count", async () => {
      assert.deepEqual(await optionsOf(undefined), { metadata: { form: "text" } });
      const { expirationTtl, metadata } = await optionsOf({ seconds: 10_000_000_000n, nanos: 0 });
      assert.equal(expirationTtl, undefined);
      assert.ok(Number(metadata.deadline) > 10_000_000_000_000);
    });

    it("is set anew by Touch", async () => {
      const key = fresh();
      await cache.set({ key, value });
      await inject({});
      await cache.touch({ key, ttl: duration(120_000) });
      const options = (await observed()).kv.options.at(-1) as { expirationTtl?: number };
      assert.equal(options.expirationTtl, 121);
    });
  });

  describe("operations", () => {
    it("read with the shortest cache time KV allows", async () => {
      await cache.get({ key: fresh() });
      await cache.getMany({ keys: [fresh()] });
      await cache.delete({ key: fresh() });
      const reads = (await observed()).kv.options.filter((each) => typeof each === "object") as { cacheTtl: number }[];
      assert.deepEqual(
        reads.map(({ cacheTtl }) => cacheTtl),
        [30, 30, 30],
      );
    });

    it("of GetMany are one for a hundred small values, and one more for each large one", async () => {
      const keys = Array.from({ length: 201 }, fresh);
      await cache.setMany({ entries: keys.map((key, at) => ({ key, value: new Uint8Array(at < 2 ? 70_000 : 7) })) });
      await inject({});
      const { entries } = await cache.getMany({ keys });
      assert.deepEqual(
        entries.map((entry) => entry.value.byteLength),
        keys.map((_, at) => (at < 2 ? 70_000 : 7)),
      );
      assert.deepEqual((await observed()).kv.operations, { bulk: 3, getWithMetadata: 2 });
    });

    it("are at most six at a time", async () => {
      const keys = Array.from({ length: 30 }, fresh);
      await cache.setMany({ entries: keys.map((key) => ({ key, value })) });
      await cache.deleteMany({ keys });
      assert.equal((await observed()).kv.mostAtOnce, 6);
    });

    it("that a Worker may not do in one call are refused before the first", async () => {
      const keys = Array.from({ length: 1001 }, fresh);
      const entries = keys.map((key) => ({ key, value }));
      await assert.rejects(
        cache.setMany({ entries }),
        refused(Code.ResourceExhausted, /more than 1000 operations.*fewer/),
      );
      await assert.rejects(cache.deleteMany({ keys: keys.slice(10) }), refused(Code.ResourceExhausted, /fewer/));
      assert.deepEqual((await observed()).kv.operations, {});
      assert.equal((await cache.deleteMany({ keys: keys.slice(11) })).deleted, 0n);
      assert.deepEqual((await observed()).kv.operations, { bulk: 10, delete: 990 });
    });

    it("split a bulk read that brings too much", async () => {
      const keys = [fresh(), fresh(), fresh(), fresh()];
      await cache.setMany({ entries: keys.slice(1).map((key) => ({ key, value: bytes(key) })) });
      // All four, then the first two, then the first alone: each is too much.
      await inject({ refuse: { method: "getWithMetadata", status: 413, times: 3 } });
      const { entries } = await cache.getMany({ keys });
      assert.deepEqual(
        entries.map((entry) => new TextDecoder().decode(entry.value)),
        ["", ...keys.slice(1)],
      );
      await inject({ refuse: { method: "getWithMetadata", status: 413, times: 3 } });
      assert.equal((await cache.deleteMany({ keys })).deleted, 3n);
    });
  });

  describe("names", () => {
    const namesUnder = async (prefix: string) =>
      (await caches.control<{ name: string }[]>("names", prefix)).map(({ name }) => name).sort();

    it("show the key where KV allows it, and a hash where not", async () => {
      const [long, spaced] = ["x".repeat(600), "a b"];
      const named = caches.client("kv", { prefix: "names" });
      for (const key of ["", ".", "plugin:é/%2f", "x".repeat(504), long, spaced]) await named.set({ key, value });
      const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
      assert.deepEqual(
        await namesUnder("names:"),
        [
          ...["names:k:", "names:k:.", "names:k:plugin:é/%2f", `names:k:${"x".repeat(504)}`],
          ...[`names:h:${sha256(long)}`, `names:h:${sha256(spaced)}`],
        ].sort(),
      );
    });

    it("that are hashes hold only their own key's value", async () => {
      const key = "x".repeat(600);
      const name = `strangers:h:${createHash("sha256").update(key).digest("hex")}`;
      const strangers = caches.client("kv", { prefix: "strangers" });
      for (const stored of ["\0\0\0\u0001xvalue", "short", ""]) {
        await caches.control("put", [name, stored]);
        assert.equal((await strangers.get({ key })).found, false);
        assert.equal((await strangers.getMany({ keys: [key] })).entries[0]?.found, false);
        assert.equal((await strangers.touch({ key })).touched, false);
      }
    });

    it("written by hand are entries without a lifetime", async () => {
      const hand = caches.client("kv", { prefix: "hand" });
      await caches.control("put", ["hand:k:greeting", "grüß"]);
      await caches.advance(1_000_000);
      assert.deepEqual((await hand.get({ key: "greeting" })).value, bytes("grüß"));
      assert.deepEqual((await hand.getMany({ keys: ["greeting"] })).entries[0]?.value, bytes("grüß"));
      assert.equal((await hand.touch({ key: "greeting", ttl: duration(10) })).touched, true);
      await caches.advance(10);
      assert.equal((await hand.get({ key: "greeting" })).found, false);
    });
  });
});
