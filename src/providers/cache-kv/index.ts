// Cache on Workers KV: cheap, everywhere, and eventually consistent. docs/cache.md says when to choose it.
import { type BackoffSources, defineCacheProvider, type Provider } from "../../worker/index.ts";
import { type KvCacheConfig, kvBinding, kvCacheConfig } from "./config.ts";
import { type KvCall, kvCacheHandlers } from "./handlers.ts";
import { Namespace } from "./namespace.ts";

export type { KvCacheConfig } from "./config.ts";

export interface KvCacheOptions {
  /** Name of the KV binding; `CACHE` when left out. A session's config may name another. */
  readonly binding?: string;
  /** Prefix of all names in the namespace; `cache` when left out. A session's config may name another. */
  readonly prefix?: string;
  /** Milliseconds since the epoch; `Date.now` when left out. */
  readonly now?: () => number;
  /** Chance and pauses between tries when KV is busy. */
  readonly backoff?: BackoffSources;
}

/** Makes a cache provider that keeps its entries in a KV namespace. */
export function kvCache(options: KvCacheOptions = {}): Provider {
  const { binding = "CACHE", prefix = "cache", now = Date.now, backoff } = options;
  return defineCacheProvider<KvCacheConfig>({
    displayName: "Cache on Workers KV",
    description: "Key-value cache in a Workers KV namespace.",
    config: kvCacheConfig,
    configure: ({ bindings, config }) => void kvBinding(bindings, config.binding ?? binding),
    ...kvCacheHandlers(
      (request): KvCall => ({
        kv: new Namespace(kvBinding(request.bindings, request.config.binding ?? binding), request, backoff),
        prefix: request.config.prefix ?? prefix,
        now,
      }),
    ),
  });
}
