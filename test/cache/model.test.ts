// Random calls against each cache and against the simplest thing that could be one: a Map with deadlines.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { BACKENDS, type CacheClient, type Caches, duration, print, startCaches } from "./caches.ts";

const RUNS = 60;

const KEYS = ["", "a", "__proto__", "with space", "k".repeat(600)];

const key = fc.constantFrom(...KEYS);
const value = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
  },
  // Around where the ready-made caches change how they store a value.
  {
    weight: 1,
    arbitrary: fc.constantFrom(65_535, 65_537, 1_048_577).map((length) => new Uint8Array(length).fill(0xee)),
  },
);
const ttl = fc.option(fc.constantFrom(0, 0.001, 1, 999.5, 30_000, 90_000), { nil: undefined });

const step = fc.oneof(
  fc.record({ call: fc.constant("get"), key }),
  fc.record({ call: fc.constant("getMany"), keys: fc.array(key, { maxLength: 8 }) }),
  fc.record({ call: fc.constant("set"), key, value, ttl }),
  fc.record({ call: fc.constant("setMany"), entries: fc.array(fc.record({ key, value }), { maxLength: 4 }), ttl }),
  fc.record({ call: fc.constant("delete"), key }),
  fc.record({ call: fc.constant("deleteMany"), keys: fc.array(key, { maxLength: 8 }) }),
  fc.record({ call: fc.constant("touch"), key, ttl }),
  fc.record({ call: fc.constant("advance"), milliseconds: fc.constantFrom(0, 1, 999, 30_000, 60_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** More than fits into one message, each way. */
const MIB = new Uint8Array(1_048_577).fill(0xee);
const TOO_LARGE: Step[] = [
  { call: "setMany", entries: Array.from({ length: 4 }, () => ({ key: "a", value: MIB })), ttl: undefined },
  { call: "set", key: "a", value: MIB, ttl: undefined },
  { call: "getMany", keys: ["a", "a", "a", "a"] },
];

/** The specification, as code. */
class Model {
  now = 0;
  readonly #entries = new Map<string, { value: Uint8Array; deadline: number }>();

  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.deadline > this.now ? entry.value : undefined;
  }

  set(key: string, value: Uint8Array, ttl: number | undefined): void {
    this.#entries.set(key, { value, deadline: ttl ? this.now + Math.ceil(ttl) : Number.POSITIVE_INFINITY });
  }

  delete(key: string): boolean {
    const existed = this.get(key) !== undefined;
    this.#entries.delete(key);
    return existed;
  }

  touch(key: string, ttl: number | undefined): boolean {
    const value = this.get(key);
    if (value !== undefined) this.set(key, value, ttl);
    return value !== undefined;
  }
}

for (const backend of BACKENDS) {
  describe(`cache model: ${backend}`, () => {
    let caches: Caches;
    let run = 0;
    before(async () => {
      caches = await startCaches();
    });
    after(() => caches?.stop());

    it(`behaves as a map with deadlines in ${RUNS} random runs`, async () => {
      const client = caches.client(backend);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), async (steps) => {
          const model = new Model();
          model.now = await caches.control("advance", 0);
          const own = `run-${run++}:`; // Instead of emptying the cache between runs.
          for (const each of steps) await compare(each, model, client, own);
          for (const rest of KEYS) await compare({ call: "get", key: rest }, model, client, own);
        }),
        { numRuns: RUNS, examples: [[TOO_LARGE]] },
      );
    });

    async function compare(step: Step, model: Model, client: CacheClient, own: string): Promise<void> {
      const lifetime = "ttl" in step && step.ttl !== undefined ? { ttl: duration(step.ttl) } : {};
      switch (step.call) {
        case "get": {
          const { found, value } = await client.get({ key: own + step.key });
          return assert.equal(found ? print(value) : undefined, print(model.get(step.key)));
        }
        case "getMany": {
          const call = client.getMany({ keys: step.keys.map((each) => own + each) });
          const bytes = step.keys.reduce((sum, each) => sum + (model.get(each)?.byteLength ?? 0), 0);
          // The values' sizes leave no sum so near the limit that the keys beside them would matter.
          if (bytes > MAX_MESSAGE_BYTES) return assert.rejects(call, { code: Code.ResourceExhausted });
          const { entries } = await call;
          return assert.deepEqual(
            entries.map(({ key, found, value }) => [key, found ? print(value) : undefined]),
            step.keys.map((each) => [own + each, print(model.get(each))]),
          );
        }
        case "set":
          await client.set({ key: own + step.key, value: step.value, ...lifetime });
          return model.set(step.key, step.value, step.ttl);
        case "setMany": {
          const entries = step.entries.map(({ key, value }) => ({ key: own + key, value }));
          const call = client.setMany({ entries, ...lifetime });
          const bytes = entries.reduce((sum, { value }) => sum + value.byteLength, 0);
          if (bytes > MAX_MESSAGE_BYTES) return assert.rejects(call, { code: Code.ResourceExhausted });
          await call;
          for (const entry of step.entries) model.set(entry.key, entry.value, step.ttl);
          return;
        }
        case "delete":
          return assert.equal((await client.delete({ key: own + step.key })).deleted, model.delete(step.key));
        case "deleteMany": {
          const { deleted } = await client.deleteMany({ keys: step.keys.map((each) => own + each) });
          const existed = step.keys.filter((each) => model.delete(each));
          return assert.equal(Number(deleted), existed.length);
        }
        case "touch":
          return assert.equal(
            (await client.touch({ key: own + step.key, ...lifetime })).touched,
            model.touch(step.key, step.ttl),
          );
        case "advance":
          model.now = await caches.control("advance", step.milliseconds);
      }
    }
  });
}
