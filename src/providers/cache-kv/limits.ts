// What Workers KV allows (Cloudflare docs, KV "Limits" and "Write key-value pairs"), and what we chose within it.

/** Longest key, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 512;

/** Shortest `expirationTtl`, in seconds. Shorter lifetimes are ours to keep: see entry.ts. */
export const MIN_EXPIRATION_TTL_SECONDS = 60;

/**
 * Longest `expirationTtl` the binding takes, in seconds: a signed 32-bit number (workerd). Longer ones are left to us.
 */
export const MAX_EXPIRATION_TTL_SECONDS = 2 ** 31 - 1;

/**
 * How long a location may answer from its own copy, in seconds, misses included. The least KV takes: a cache wants
 * fresh answers more than cheap ones.
 */
export const CACHE_TTL_SECONDS = 30;

/** Most keys of one bulk read. */
export const MAX_BULK_KEYS = 100;

/** Operations one Worker invocation may do against KV; a bulk read counts once. */
export const MAX_OPERATIONS = 1_000;

/**
 * Largest value, in bytes, stored as text. A bulk read answers only text, so up to here GetMany needs one operation per
 * hundred keys; above, base64 would cost more CPU than a single binary read.
 */
export const MAX_TEXT_BYTES = 64 * 1024;

/** KV takes one write per second for a key: the pauses in all average 3 s, and the caller waits 30 s at most. */
export const BACKOFF = { attempts: 6, firstMs: 400, maxMs: 2_000 } as const;
