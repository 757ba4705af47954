// The cache's handlers on Durable Objects: each batch is one call to each object it concerns.
import {
  type BackoffSources,
  type CacheHandlers,
  inParallel,
  type ProviderRequest,
  ReplyBudget,
  withBackoff,
} from "../../worker/index.ts";
import { durableObjectError, type FailingObject, isRetryable } from "../durable-object-errors.ts";
import type { CacheObject } from "./cache-object.ts";
import type { DurableObjectCacheConfig } from "./config.ts";
import { BACKOFF } from "./limits.ts";
import { byShard, shardOf } from "./shards.ts";

const CACHE: FailingObject = {
  name: "The cache",
  whenOverloaded: "Spread it over more shards.",
  whenFull: "Set lifetimes, or spread it over more shards.",
};

type Request = ProviderRequest<DurableObjectCacheConfig>;
export type Stub = DurableObjectStub<CacheObject>;

/** The objects of one session's cache. */
export interface Shards {
  readonly count: number;
  object(shard: number): Stub;
}

/**
 * Failed reads and writes are tried again when the platform says so. Removals are not: the first try may have been
 * carried out, and the second would then say that nothing was there.
 */
export function durableObjectCacheHandlers(
  open: (request: Request) => Shards,
  sources: BackoffSources | undefined,
): Required<CacheHandlers<DurableObjectCacheConfig>> {
  const again = <R>(request: Request, shards: Shards, shard: number, call: (object: Stub) => Promise<R>) =>
    // A stub that has failed stays broken, so each try takes a new one.
    translated(() => withBackoff(() => call(shards.object(shard)), isRetryable, BACKOFF, request, sources));
  const once = <R>(shards: Shards, shard: number, call: (object: Stub) => Promise<R>) =>
    translated(() => call(shards.object(shard)));

  return {
    async get({ key }, request) {
      const shards = open(request);
      const read = (object: Stub) => object.read([key], Number.POSITIVE_INFINITY);
      const { values } = await again(request, shards, shardOf(key, shards.count), read);
      return values?.[0];
    },

    async getMany({ keys }, request) {
      const shards = open(request);
      const found = new Map<string, Uint8Array>();
      const budget = new ReplyBudget(keys.length);
      await inParallel(
        byShard(keys, (key) => key, shards.count),
        async ([shard, part]) => {
          const read = (object: Stub) => object.read(part, ReplyBudget.limit);
          const { bytes, values } = await again(request, shards, shard, read);
          budget.add("", bytes);
          part.forEach((key, at) => {
            const value = values?.[at];
            if (value) found.set(key, value);
          });
        },
      );
      return found;
    },

    async set({ key, value, ttl }, request) {
      const shards = open(request);
      await again(request, shards, shardOf(key, shards.count), (object) => object.write([[key, value]], ttl));
    },

    async setMany({ entries, ttl }, request) {
      const shards = open(request);
      await inParallel(
        byShard(entries, ({ key }) => key, shards.count),
        ([shard, part]) => {
          const pairs = part.map(({ key, value }) => [key, value] as const);
          return again(request, shards, shard, (object) => object.write(pairs, ttl));
        },
      );
    },

    async delete({ key }, request) {
      const shards = open(request);
      return (await once(shards, shardOf(key, shards.count), (object) => object.remove([key]))) > 0;
    },

    async deleteMany({ keys }, request) {
      const shards = open(request);
      let removed = 0;
      await inParallel(
        byShard(keys, (key) => key, shards.count),
        async ([shard, part]) => {
          const ofShard = await once(shards, shard, (object) => object.remove(part));
          removed += ofShard; // Not `+= await`: that would read `removed` before the others have added to it.
        },
      );
      return removed;
    },

    async touch({ key, ttl }, request) {
      const shards = open(request);
      return again(request, shards, shardOf(key, shards.count), (object) => object.touch(key, ttl));
    },
  };
}

async function translated<R>(call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (failure) {
    throw durableObjectError(failure, CACHE);
  }
}
