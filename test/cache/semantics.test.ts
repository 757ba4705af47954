// What every cache must do (gestaltd's cache contract), row by row, for each ready-made one and for the default
// batches.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { GRPC_CLIENTS } from "../support/bridged-clients.ts";
import { refused } from "../support/refused.ts";
import { BACKENDS, bytes, type CacheClient, type Caches, duration, print, startCaches } from "./caches.ts";

const MINUTE = 60_000;

/** With a key's bytes, a value of which a Set still fits into a message and a Get's answer does not. */
const ALMOST_A_MESSAGE = MAX_MESSAGE_BYTES - 10;

/** Keys that some store would refuse, shorten or confuse with another. */
const ODD_KEYS = {
  "the empty key": "",
  "a dot": ".",
  "two dots": "..",
  "a slash and an escape": "a/b%2fc?d#e",
  "white space": " a\tb\nc ",
  "a NUL": "a\u0000b",
  "a NUL more": "a\u0000b\u0000",
  "other scripts": "ключ-鍵-🔑",
  "a name of Object": "__proto__",
  "another name of Object": "constructor",
  "512 bytes": "k".repeat(512),
  "513 bytes": "k".repeat(513),
  "multi-byte characters over the limit": "é".repeat(300),
  "64 KiB": "k".repeat(64 * 1024),
  "a byte order mark first": "\ufeffmarked",
  "what stands behind it": "marked",
  "what looks like another prefix": "h:0000",
};

const ODD_VALUES = {
  "no bytes": new Uint8Array(),
  "every byte": Uint8Array.from({ length: 256 }, (_, byte) => byte),
  "text with a byte order mark": bytes("\ufeffmarked"),
  "text that reads like base64": bytes("aGVsbG8="),
  "text with a NUL": bytes("a\u0000b"),
  "64 KiB of text": bytes("x".repeat(64 * 1024)),
  "64 KiB and a byte": bytes("x".repeat(64 * 1024 + 1)),
  "1 MiB, which is one row": new Uint8Array(1024 * 1024).fill(0xff),
  "1 MiB and a byte": new Uint8Array(1024 * 1024 + 1).fill(0xfe),
  "nearly 4 MiB": new Uint8Array(MAX_MESSAGE_BYTES - 1024).fill(7),
};

/** Each cache over HTTP, and one of them by way of the bridge with each gRPC client. */
const WAYS = [
  ...BACKENDS.map((backend) => ({ backend, through: undefined })),
  ...GRPC_CLIENTS.map((through) => ({ backend: "kv" as const, through })),
];

for (const { backend, through } of WAYS) {
  describe(`cache: ${backend}, ${through === undefined ? "over HTTP" : `through the bridge with ${through}`}`, () => {
    let caches: Caches;
    let cache: CacheClient;
    let tests = 0;
    /** A key no other test uses. */
    const fresh = (name = "key") => `plugin:${name}-${tests++}`;

    before(async () => {
      caches = await startCaches(through);
      cache = caches.client(backend);
    });
    after(() => caches?.stop());

    const readValue = async (key: string) => {
      const { found, value } = await cache.get({ key });
      return found ? value : undefined;
    };
    const assertLives = async (key: string, value = bytes("v")) =>
      assert.equal(print(await readValue(key)), print(value));
    const assertGone = async (key: string) => assert.equal(await readValue(key), undefined);

    describe("Get", () => {
      it("answers a miss as not found, not as an error", async () => {
        const { found, value } = await cache.get({ key: fresh() });
        assert.equal(found, false);
        assert.equal(value.byteLength, 0);
      });

      for (const [name, value] of Object.entries(ODD_VALUES)) {
        it(`returns the value that was set: ${name}`, async () => {
          const key = fresh();
          await cache.set({ key, value });
          await assertLives(key, value);
          const { entries } = await cache.getMany({ keys: [key] });
          assert.equal(print(entries[0]?.value), print(value));
        });
      }

      it("keeps odd keys apart, in single calls and in batches", async () => {
        const keys = Object.values(ODD_KEYS);
        for (const [index, key] of keys.entries()) await cache.set({ key, value: bytes(`value ${index}`) });
        for (const [index, key] of keys.entries()) await assertLives(key, bytes(`value ${index}`));
        const { entries } = await cache.getMany({ keys });
        assert.deepEqual(
          entries.map(({ key }) => key),
          keys,
        );
        assert.deepEqual(
          entries.map(({ value }) => value),
          keys.map((_, index) => bytes(`value ${index}`)),
        );
        for (const key of keys) assert.equal((await cache.touch({ key, ttl: duration(1000) })).touched, true, key);
        for (const key of keys.slice(4)) assert.equal((await cache.delete({ key })).deleted, true, key);
        assert.equal((await cache.deleteMany({ keys })).deleted, 4n);
      });
    });

    describe("GetMany", () => {
      it("answers every key in the order asked, with misses and duplicates", async () => {
        const [a, b, missing] = [fresh("a"), fresh("b"), fresh("missing")];
        await cache.setMany({
          entries: [
            { key: a, value: bytes("A") },
            { key: b, value: new Uint8Array() },
          ],
        });
        const keys = [b, missing, a, b, "__proto__", a];
        const { entries } = await cache.getMany({ keys });
        assert.deepEqual(
          entries.map(({ key, found, value }) => [key, found, new TextDecoder().decode(value)]),
          [
            [b, true, ""],
            [missing, false, ""],
            [a, true, "A"],
            [b, true, ""],
            ["__proto__", false, ""],
            [a, true, "A"],
          ],
        );
      });

      it("answers nothing for no keys", async () => {
        assert.deepEqual((await cache.getMany({ keys: [] })).entries, []);
      });

      it("reads more keys than one bulk read takes", async () => {
        const keys = Array.from({ length: 250 }, (_, index) => fresh(`many-${index}`));
        const value = Uint8Array.of(0, 255);
        await cache.setMany({ entries: keys.map((key) => ({ key, value })) });
        const { entries } = await cache.getMany({ keys });
        assert.deepEqual(
          entries.map((entry) => [entry.key, ...entry.value]),
          keys.map((key) => [key, 0, 255]),
        );
      });

      it("refuses an answer gestaltd could not take, and says what to do", async () => {
        const keys = [fresh(), fresh(), fresh()];
        const value = new Uint8Array(1_500_000);
        for (const key of keys) await cache.set({ key, value });
        assert.equal((await cache.getMany({ keys: keys.slice(0, 2) })).entries.length, 2);
        await assert.rejects(cache.getMany({ keys }), refused(Code.ResourceExhausted, /fewer keys/));
        const twice = [keys[0] ?? "", keys[0] ?? "", keys[0] ?? ""];
        await assert.rejects(cache.getMany({ keys: twice }), refused(Code.ResourceExhausted, /fewer keys/));
      });
    });

    describe("Set", () => {
      it("replaces value and lifetime together", async () => {
        const key = fresh();
        await cache.set({ key, value: bytes("old"), ttl: duration(1000) });
        await cache.set({ key, value: bytes("v") });
        await caches.advance(10 * MINUTE);
        await assertLives(key);
        await cache.set({ key, value: bytes("v"), ttl: duration(1000) });
        await caches.advance(1000);
        await assertGone(key);
      });

      it("replaces a large value by a small one and back", async () => {
        const key = fresh();
        const large = new Uint8Array(3_000_000).fill(1);
        await cache.set({ key, value: large });
        await cache.set({ key, value: bytes("v") });
        await assertLives(key);
        await cache.set({ key, value: large.fill(2) });
        await assertLives(key, large);
      });

      it("ends an entry at its deadline and not before, also under a minute", async () => {
        for (const ttl of [1, 999, 59_999, 61_000]) {
          const key = fresh();
          await cache.set({ key, value: bytes("v"), ttl: duration(ttl) });
          await caches.advance(ttl - 1);
          await assertLives(key);
          await caches.advance(1);
          await assertGone(key);
          assert.equal((await cache.getMany({ keys: [key] })).entries[0]?.found, false);
        }
      });

      it("rounds a fraction of a millisecond up to one, not down to none", async () => {
        const key = fresh();
        await cache.set({ key, value: bytes("v"), ttl: { seconds: 0n, nanos: 1 } });
        await caches.advance(1);
        await assertGone(key);
      });

      it("takes a lifetime of zero as none", async () => {
        const key = fresh();
        await cache.set({ key, value: bytes("v"), ttl: duration(0) });
        await caches.advance(100 * MINUTE);
        await assertLives(key);
      });

      it("takes the longest lifetime a Duration can have", async () => {
        const key = fresh();
        await cache.set({ key, value: bytes("v"), ttl: { seconds: 315_576_000_000n, nanos: 999_999_999 } });
        await assertLives(key);
      });

      it("refuses lifetimes that are negative or no Duration", async () => {
        for (const ttl of [
          { seconds: -1n, nanos: 0 },
          { seconds: 0n, nanos: -1 },
          { seconds: 315_576_000_001n, nanos: 0 },
          { seconds: 0n, nanos: 1_000_000_000 },
        ]) {
          const key = fresh();
          await assert.rejects(cache.set({ key, value: bytes("v"), ttl }), refused(Code.InvalidArgument, /lifetime/));
          await assert.rejects(cache.touch({ key, ttl }), refused(Code.InvalidArgument, /lifetime/));
          const entries = [{ key, value: bytes("v") }];
          await assert.rejects(cache.setMany({ entries, ttl }), refused(Code.InvalidArgument, /lifetime/));
          await assertGone(key);
        }
      });

      it("refuses a value whose answer would be too large, naming size and limit", async () => {
        const key = fresh();
        const value = new Uint8Array(ALMOST_A_MESSAGE - key.length);
        const names = refused(Code.ResourceExhausted, /4,194,\d{3} bytes.*at most 4,194,\d{3} fit.*4,194,304 bytes/);
        await assert.rejects(cache.set({ key, value }), names);
        await assertGone(key);
        const tooLarge = { key, value: new Uint8Array(MAX_MESSAGE_BYTES) };
        await assert.rejects(cache.set(tooLarge), refused(Code.ResourceExhausted, /4194304 bytes/));
        await assert.rejects(cache.setMany({ entries: [tooLarge] }), refused(Code.ResourceExhausted, /4194304 bytes/));
      });

      it("takes the largest value that can be answered", async () => {
        const key = fresh();
        const refusal = await cache.set({ key, value: new Uint8Array(ALMOST_A_MESSAGE - key.length) }).catch(String);
        const room = Number(/at most ([\d,]+)/.exec(String(refusal))?.[1]?.replaceAll(",", ""));
        await cache.set({ key, value: new Uint8Array(room) });
        assert.equal((await cache.get({ key })).value.byteLength, room);
        assert.equal((await cache.getMany({ keys: [key] })).entries[0]?.value.byteLength, room);
        await assert.rejects(cache.set({ key, value: new Uint8Array(room + 1) }), refused(Code.ResourceExhausted));
      });

      it("keeps one of several values set at the same time, whole", async () => {
        const key = fresh();
        const values = Array.from({ length: 8 }, (_, index) => new Uint8Array(1_200_000).fill(index));
        await Promise.all(values.map((value) => cache.set({ key, value })));
        const value = await readValue(key);
        assert.equal(print(value), print(values[value?.[0] ?? -1]));
      });
    });

    describe("SetMany", () => {
      it("gives every entry the lifetime", async () => {
        const keys = [fresh(), fresh()];
        const entries = keys.map((key) => ({ key, value: bytes("v") }));
        await cache.setMany({ entries, ttl: duration(30_000) });
        for (const key of keys) await assertLives(key);
        await caches.advance(30_000);
        for (const key of keys) await assertGone(key);
      });

      it("lets the last of several values for one key win", async () => {
        const key = fresh();
        await cache.setMany({ entries: ["a", "b", "v"].map((text) => ({ key, value: bytes(text) })) });
        await assertLives(key);
      });

      it("takes no entries", async () => {
        await cache.setMany({ entries: [] });
      });
    });

    describe("Delete and DeleteMany", () => {
      it("tell whether the key existed", async () => {
        const key = fresh();
        await cache.set({ key, value: new Uint8Array() });
        assert.equal((await cache.delete({ key })).deleted, true);
        assert.equal((await cache.delete({ key })).deleted, false);
        await assertGone(key);
      });

      it("do not count what has expired", async () => {
        const [expired, live] = [fresh(), fresh()];
        await cache.setMany({ entries: [{ key: expired, value: bytes("v") }], ttl: duration(500) });
        await cache.set({ key: live, value: bytes("v"), ttl: duration(MINUTE) });
        await caches.advance(500);
        assert.equal((await cache.delete({ key: expired })).deleted, false);
        assert.equal((await cache.deleteMany({ keys: [expired, live] })).deleted, 1n);
      });

      it("count distinct existing keys", async () => {
        const [a, b, missing] = [fresh(), fresh(), fresh()];
        await cache.setMany({ entries: [a, b].map((key) => ({ key, value: bytes("v") })) });
        assert.equal((await cache.deleteMany({ keys: [a, a, missing, b, a, missing] })).deleted, 2n);
        assert.equal((await cache.deleteMany({ keys: [a, b] })).deleted, 0n);
        assert.equal((await cache.deleteMany({ keys: [] })).deleted, 0n);
      });
    });

    describe("Touch", () => {
      it("gives a new lifetime and keeps the value", async () => {
        const values = [bytes("v"), Uint8Array.of(0xff), new Uint8Array(2_500_000).fill(3)];
        for (const value of values) {
          const key = fresh();
          await cache.set({ key, value, ttl: duration(MINUTE) });
          assert.equal((await cache.touch({ key, ttl: duration(10 * MINUTE) })).touched, true);
          await caches.advance(9 * MINUTE);
          await assertLives(key, value);
          await caches.advance(MINUTE);
          await assertGone(key);
        }
      });

      it("shortens a lifetime and gives one to an entry without", async () => {
        const [long, endless] = [fresh(), fresh()];
        await cache.set({ key: long, value: bytes("v"), ttl: duration(10 * MINUTE) });
        await cache.set({ key: endless, value: bytes("v") });
        for (const key of [long, endless]) await cache.touch({ key, ttl: duration(700) });
        await caches.advance(700);
        for (const key of [long, endless]) await assertGone(key);
      });

      it("without a lifetime removes the expiry", async () => {
        const [absent, zero] = [fresh(), fresh()];
        for (const key of [absent, zero]) await cache.set({ key, value: bytes("v"), ttl: duration(MINUTE) });
        assert.equal((await cache.touch({ key: absent })).touched, true);
        assert.equal((await cache.touch({ key: zero, ttl: duration(0) })).touched, true);
        await caches.advance(1000 * MINUTE);
        for (const key of [absent, zero]) await assertLives(key);
      });

      it("makes nothing of a missing or an expired key", async () => {
        const [missing, expired] = [fresh(), fresh()];
        await cache.set({ key: expired, value: bytes("v"), ttl: duration(100) });
        await caches.advance(100);
        for (const key of [missing, expired]) {
          assert.equal((await cache.touch({ key, ttl: duration(MINUTE) })).touched, false);
          await assertGone(key);
        }
      });
    });

    describe("keys", () => {
      it("over 64 KiB are refused by every method", async () => {
        const key = `${"é".repeat(32 * 1024)}x`;
        const tooLong = refused(Code.InvalidArgument, /65,537 bytes.*65,536/);
        await assert.rejects(cache.get({ key }), tooLong);
        await assert.rejects(cache.getMany({ keys: ["a", key] }), tooLong);
        await assert.rejects(cache.set({ key }), tooLong);
        await assert.rejects(cache.setMany({ entries: [{ key }] }), tooLong);
        await assert.rejects(cache.delete({ key }), tooLong);
        await assert.rejects(cache.deleteMany({ keys: [key] }), tooLong);
        await assert.rejects(cache.touch({ key }), tooLong);
      });

      it("that are not Unicode are refused", async () => {
        const response = await caches.postJson(backend, "Get", String.raw`{"key": "\ud800"}`);
        assert.equal(response.status, 400);
        assert.match(await response.text(), /invalid_argument/);
      });
    });
  });
}
