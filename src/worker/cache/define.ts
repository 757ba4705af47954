// What the author of a cache provider writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import { withBatches } from "./batches.ts";
import { cacheSurface } from "./surface.ts";

/**
 * A key as the provider sees it: valid Unicode, at most 64 KiB in UTF-8, possibly empty. gestaltd puts `<plugin>:`
 * before it.
 */
export type CacheKey = string;

/** Milliseconds until expiry, a whole number from 1; undefined for an entry that never expires. */
export type CacheTtl = number | undefined;

export interface CacheEntry {
  readonly key: CacheKey;
  readonly value: Uint8Array;
}

/**
 * The handlers of a cache. An expired entry must behave as one that was never written. Keys and sizes are checked
 * before a handler runs; in batches each key occurs once. A `ConnectError` thrown goes out as it is, anything else as
 * INTERNAL.
 */
export interface CacheHandlers<Config = unknown> {
  /** Null and undefined are both a miss; an empty value is a hit. */
  get(
    input: { readonly key: CacheKey },
    request: ProviderRequest<Config>,
  ): Promise<Uint8Array | null | undefined> | Uint8Array | null | undefined;
  /** Replaces value and lifetime together: without `ttl` an earlier lifetime is gone. */
  set(input: CacheEntry & { readonly ttl: CacheTtl }, request: ProviderRequest<Config>): Promise<void> | void;
  /** Answers whether the key existed. */
  delete(input: { readonly key: CacheKey }, request: ProviderRequest<Config>): Promise<boolean> | boolean;
  /** Gives an existing entry a new lifetime, keeps its value, answers whether there was one. Never creates. */
  touch(
    input: { readonly key: CacheKey; readonly ttl: CacheTtl },
    request: ProviderRequest<Config>,
  ): Promise<boolean> | boolean;
  /** The hits by key; misses may be left out. Made of `get` when left out. */
  getMany?(
    input: { readonly keys: readonly CacheKey[] },
    request: ProviderRequest<Config>,
  ):
    | Promise<ReadonlyMap<CacheKey, Uint8Array | null | undefined>>
    | ReadonlyMap<CacheKey, Uint8Array | null | undefined>;
  /** Made of `set` when left out. Need not be atomic. */
  setMany?(
    input: { readonly entries: readonly CacheEntry[]; readonly ttl: CacheTtl },
    request: ProviderRequest<Config>,
  ): Promise<void> | void;
  /** Answers how many of the keys existed. Made of `delete` when left out. */
  deleteMany?(
    input: { readonly keys: readonly CacheKey[] },
    request: ProviderRequest<Config>,
  ): Promise<number> | number;
}

export interface CacheProviderOptions<Config = unknown> extends ProviderOptions<Config>, CacheHandlers<Config> {}

/** Makes a cache provider for `serve({ … })`. */
export function defineCacheProvider<Config = Record<string, unknown>>(options: CacheProviderOptions<Config>): Provider {
  return { kind: "cache", ...providerBase(options), surfaces: [cacheSurface(withBatches(options))] };
}
