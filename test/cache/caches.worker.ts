// The worker under test: each ready-made cache, and one made of single handlers, around real KV and Durable Objects.
// The clock is set from outside, and a layer over the KV binding counts operations and injects faults.
import { CacheObject, durableObjectCache } from "../../src/providers/cache-durable-object/index.ts";
import { kvCache } from "../../src/providers/cache-kv/index.ts";
import { type BackoffSources, defineCacheProvider, serve } from "../../src/worker/index.ts";
import { FaultyKv, type KvFaults } from "./faulty-kv.worker.ts";
import { FaultyObjects, type ObjectFaults } from "./faulty-objects.worker.ts";

interface Env {
  readonly CACHE: KVNamespace;
  readonly OTHER: KVNamespace;
  readonly CACHE_OBJECT: DurableObjectNamespace<ClockedCacheObject>;
}

// Stands still unless moved, so that a lifetime ends exactly where a test says. Alarms alone ring by real time.
let clock = Date.now();
const now = () => clock;

let pauses: number[] = [];
const backoff: BackoffSources = {
  random: () => 0.5,
  async sleep(milliseconds) {
    pauses.push(milliseconds);
  },
};

const kv = new FaultyKv();
const objects = new FaultyObjects();

/** Soon enough to wait for; far enough apart that a sweep which finds nothing to do costs nothing. */
const TEST_SWEEP_MS = 20;

/** With the tests' clock, sweeping soon, and with a look at what is stored. */
export class ClockedCacheObject extends CacheObject {
  stored(): { entries: number; pieces: number } {
    const count = (table: string) => {
      const { n } = this.ctx.storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one();
      return n;
    };
    return { entries: count("entries"), pieces: count("pieces") };
  }

  protected override now(): number {
    return clock;
  }

  protected override sweepIntervalMs(): number {
    return TEST_SWEEP_MS;
  }
}

const app = serve({
  kv: kvCache({ now, backoff }),
  objects: durableObjectCache({ backoff }),
  single: inMemory(),
  batches: countingBatches(),
});

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/test/")) return Response.json(await control(pathname, request, env));
    return app.fetch(
      request,
      { ...env, CACHE: kv.around(env.CACHE), CACHE_OBJECT: objects.around(env.CACHE_OBJECT) },
      context,
    );
  },
};

/** What tests do to the worker from outside. */
async function control(pathname: string, request: Request, env: Env): Promise<unknown> {
  switch (pathname) {
    case "/test/advance":
      clock += await request.json<number>();
      return clock;
    case "/test/kv-faults":
      kv.inject(await request.json<KvFaults>());
      pauses = [];
      return null;
    case "/test/object-faults":
      objects.inject(await request.json<ObjectFaults>());
      pauses = [];
      return null;
    case "/test/observed":
      return { kv: kv.observed(), objectCalls: objects.calls(), pauses };
    case "/test/names":
      return (await env.CACHE.list({ prefix: await request.json<string>() })).keys;
    case "/test/put":
      await env.CACHE.put(...(await request.json<[string, string]>()));
      return null;
    case "/test/stored":
      return env.CACHE_OBJECT.getByName(await request.json<string>()).stored();
    default:
      throw new Error(`no such control: ${pathname}`);
  }
}

/**
 * Only the single handlers, so that the batch methods are the ones made of them; misses are null and undefined in turn.
 */
function inMemory() {
  const entries = new Map<string, { value: Uint8Array; deadline: number }>();
  const deadlineOf = (ttl: number | undefined) => (ttl === undefined ? Number.POSITIVE_INFINITY : now() + ttl);
  const live = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.deadline > now() ? entry : undefined;
  };
  let misses = 0;
  return defineCacheProvider({
    get: ({ key }) => live(key)?.value ?? (misses++ % 2 === 0 ? null : undefined),
    set: ({ key, value, ttl }) => void entries.set(key, { value, deadline: deadlineOf(ttl) }),
    delete: ({ key }) => live(key) !== undefined && entries.delete(key),
    touch: ({ key, ttl }) => {
      const entry = live(key);
      if (entry !== undefined) entry.deadline = deadlineOf(ttl);
      return entry !== undefined;
    },
  });
}

/** Answers each batch with the number of keys it was given. */
function countingBatches() {
  const unused = () => {
    throw new Error("a single handler was called for a batch");
  };
  return defineCacheProvider({
    ...{ get: unused, set: unused, delete: unused, touch: unused },
    getMany: ({ keys }) => new Map(keys.map((key) => [key, Uint8Array.of(keys.length)])),
    deleteMany: ({ keys }) => keys.length,
    setMany({ entries }) {
      if (entries.length !== 2) throw new Error(`${entries.length} entries`);
    },
  });
}
