// A cache bound to the session.
import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Cache as CacheService } from "../../../gen/gestalt/provider/v1/cache_pb.ts";
import { asBytes } from "../bytes.ts";
import { hostCalls } from "../calls.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { assertFits } from "../message-size.ts";

/**
 * Keys are this plugin's own: others bound to the same cache do not see them. Expired entries are as if never written. A request
 * or an answer of more than 4 MiB is RESOURCE_EXHAUSTED.
 */
export interface Cache {
  /** Undefined for a miss; an empty value is a hit. */
  get(key: string, options?: HostCallOptions): Promise<Uint8Array | undefined>;
  /** The hits, by key. */
  getMany(keys: Iterable<string>, options?: HostCallOptions): Promise<Map<string, Uint8Array>>;
  /** Replaces value and lifetime together: without `ttlMs` an earlier lifetime is gone. */
  set(key: string, value: CacheValue, options?: CacheSetOptions): Promise<void>;
  /** All with one lifetime. Not atomic: after a failure some may have been written. */
  setMany(entries: Iterable<CacheSetEntry>, options?: CacheSetOptions): Promise<void>;
  /** Answers whether the key existed. */
  delete(key: string, options?: HostCallOptions): Promise<boolean>;
  /** Answers how many of the keys existed; one that is named twice counts once. */
  deleteMany(keys: Iterable<string>, options?: HostCallOptions): Promise<number>;
  /** Gives an existing entry a new lifetime, without `ttlMs` none. Answers whether there was one; never creates it. */
  touch(key: string, options?: CacheSetOptions): Promise<boolean>;
}

/** A text is stored as UTF-8. */
export type CacheValue = string | Uint8Array | ArrayBuffer;

export interface CacheSetEntry {
  readonly key: string;
  readonly value: CacheValue;
}

export interface CacheSetOptions extends HostCallOptions {
  /**
   * Milliseconds until expiry, more than 0; left out, the entry does not expire. Fractions count. 0 is refused: gestaltd would
   * take it for "never".
   */
  readonly ttlMs?: number | undefined;
}

export function cacheClient(link: HostLink): Cache {
  const calls = hostCalls(CacheService, "cache", link);
  return {
    async get(key, options) {
      const { found, value } = await calls.get({ key }, link.options(options));
      return found ? value : undefined;
    },
    async getMany(keys, options) {
      const wanted = [...keys];
      if (wanted.length === 0) return new Map();
      const { entries } = await calls.getMany({ keys: wanted }, link.options(options));
      return new Map(entries.filter(({ found }) => found).map(({ key, value }) => [key, value]));
    },
    async set(key, value, options = {}) {
      const entry = wireEntry(key, value);
      assertFits("cache", "This key and value have", sizeOf(entry), "Keep large values in an object store.");
      await calls.set({ ...entry, ...lifetimeOf(options) }, link.options(options));
    },
    async setMany(given, options = {}) {
      const entries = Array.from(given, ({ key, value }) => wireEntry(key, value));
      if (entries.length === 0) return;
      const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      assertFits("cache", `These ${entries.length} entries have`, bytes, "Write fewer at a time.");
      await calls.setMany({ entries, ...lifetimeOf(options) }, link.options(options));
    },
    async delete(key, options) {
      return (await calls.delete({ key }, link.options(options))).deleted;
    },
    async deleteMany(keys, options) {
      const wanted = [...keys];
      if (wanted.length === 0) return 0;
      // At most as many as were named.
      return Number((await calls.deleteMany({ keys: wanted }, link.options(options))).deleted);
    },
    async touch(key, options = {}) {
      return (await calls.touch({ key, ...lifetimeOf(options) }, link.options(options))).touched;
    },
  };
}

interface WireEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

const encoder = new TextEncoder();

function wireEntry(key: string, value: CacheValue): WireEntry {
  const bytes = asBytes(value);
  if (bytes !== undefined) return { key, value: bytes };
  const text = `A value is a text or bytes, not ${value === null ? value : typeof value}; write others as JSON.`;
  throw new InvalidArgumentError("cache", Code.InvalidArgument, text);
}

/** Bytes of an entry beside key and value, at most: its own tag and length, and those of the two, and a lifetime. */
const ENTRY_OVERHEAD_BYTES = 1 + 4 + 2 * (1 + 4) + 16;

function sizeOf({ key, value }: WireEntry): number {
  return ENTRY_OVERHEAD_BYTES + encoder.encode(key).byteLength + value.byteLength;
}

/** 10,000 years, in milliseconds: the most a Duration may have (google/protobuf/duration.proto). */
const MAX_TTL_MS = 315_576_000_000_000;

function lifetimeOf({ ttlMs }: CacheSetOptions): { readonly ttl?: Duration } {
  if (ttlMs === undefined) return {};
  if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
    const text = `ttlMs is ${ttlMs}: it must be more than 0 and at most ${MAX_TTL_MS}. Leave it out for no expiry.`;
    throw new InvalidArgumentError("cache", Code.InvalidArgument, text);
  }
  const seconds = Math.floor(ttlMs / 1000);
  // Rounded up to whole nanoseconds, or the shortest lifetimes would become none.
  const nanos = Math.ceil((ttlMs - seconds * 1000) * 1e6);
  const carry = nanos === 1e9;
  return { ttl: create(DurationSchema, { seconds: BigInt(carry ? seconds + 1 : seconds), nanos: carry ? 0 : nanos }) };
}
