// Cache on Durable Objects: one truth for each key, read at once by everyone. docs/cache.md says when to choose it.
import { type BackoffSources, defineCacheProvider, type Provider } from "../../worker/index.ts";
import { type DurableObjectCacheConfig, durableObjectCacheConfig, objectBinding } from "./config.ts";
import { durableObjectCacheHandlers, type Shards } from "./handlers.ts";
import { DEFAULT_SHARDS } from "./limits.ts";
import { objectName } from "./shards.ts";

export { CacheObject } from "./cache-object.ts";
export type { DurableObjectCacheConfig } from "./config.ts";

export interface DurableObjectCacheOptions {
  /** Name of the Durable Object binding; `CACHE_OBJECT` when left out. A session's config may name another. */
  readonly binding?: string;
  /** Start of the objects' names; `cache` when left out. A session's config may name another. */
  readonly prefix?: string;
  /** Objects the keys are spread over, 1 to 64; 4 when left out. A session's config may say otherwise. */
  readonly shards?: number;
  /** Chance and pauses between tries when an object's infrastructure fails. */
  readonly backoff?: BackoffSources;
}

/** Makes a cache provider that keeps its entries in {@link CacheObject}s. */
export function durableObjectCache(options: DurableObjectCacheOptions = {}): Provider {
  const { binding = "CACHE_OBJECT", prefix = "cache", shards = DEFAULT_SHARDS, backoff } = options;
  return defineCacheProvider<DurableObjectCacheConfig>({
    displayName: "Cache on Durable Objects",
    description: "Key-value cache in SQLite-backed Durable Objects.",
    config: durableObjectCacheConfig,
    configure: ({ bindings, config }) => void objectBinding(bindings, config.binding ?? binding),
    ...durableObjectCacheHandlers(({ bindings, config }): Shards => {
      const namespace = objectBinding(bindings, config.binding ?? binding);
      const count = config.shards ?? shards;
      const placement = config.location === undefined ? {} : { locationHint: config.location };
      const object = (shard: number) =>
        namespace.getByName(objectName(config.prefix ?? prefix, count, shard), placement);
      return { count, object };
    }, backoff),
  });
}
