// The batch methods of a cache for authors who wrote only the single ones.
import type { CacheHandlers } from "./define.ts";
import { inParallel } from "./in-parallel.ts";
import { ReplyBudget } from "./sizes.ts";

/** Handlers without gaps. Bound to the author's object, so that handlers may use `this`. */
export type CompleteCacheHandlers<Config> = Required<CacheHandlers<Config>>;

/** Fills in the batch methods an author left out, each as single calls of bounded concurrency. */
export function withBatches<Config>(handlers: CacheHandlers<Config>): CompleteCacheHandlers<Config> {
  return {
    get: (input, request) => handlers.get(input, request),
    set: (input, request) => handlers.set(input, request),
    delete: (input, request) => handlers.delete(input, request),
    touch: (input, request) => handlers.touch(input, request),
    getMany: handlers.getMany?.bind(handlers) ?? getEach(handlers),
    setMany: handlers.setMany?.bind(handlers) ?? setEach(handlers),
    deleteMany: handlers.deleteMany?.bind(handlers) ?? deleteEach(handlers),
  };
}

function getEach<Config>(handlers: CacheHandlers<Config>): CompleteCacheHandlers<Config>["getMany"] {
  return async ({ keys }, request) => {
    const found = new Map<string, Uint8Array>();
    const budget = new ReplyBudget(keys.length);
    await inParallel(keys, async (key) => {
      const value = await handlers.get({ key }, request);
      if (value === null || value === undefined) return;
      budget.add(key, value.byteLength);
      found.set(key, value);
    });
    return found;
  };
}

function setEach<Config>(handlers: CacheHandlers<Config>): CompleteCacheHandlers<Config>["setMany"] {
  return ({ entries, ttl }, request) => inParallel(entries, async (entry) => handlers.set({ ...entry, ttl }, request));
}

function deleteEach<Config>(handlers: CacheHandlers<Config>): CompleteCacheHandlers<Config>["deleteMany"] {
  return async ({ keys }, request) => {
    let deleted = 0;
    await inParallel(keys, async (key) => {
      if (await handlers.delete({ key }, request)) deleted++;
    });
    return deleted;
  };
}
