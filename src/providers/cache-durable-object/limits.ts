// What a SQLite-backed Durable Object allows (Cloudflare docs, Durable Objects "Limits"), and what we chose within it.

/**
 * Bytes of a value in one row: a row takes 2 MB, key and numbers included, so a 4 MiB value lies in four pieces.
 */
export const PIECE_BYTES = 1024 * 1024;

/**
 * Objects the keys of one cache are spread over. One object does about 1,000 requests per second and holds 10 GB; four
 * make that 4,000 and 40 GB, and stay under the six connections a call may have.
 */
export const DEFAULT_SHARDS = 4;

/** Above this a batch touches so many objects that it costs more than it spreads. */
export const MAX_SHARDS = 64;

/**
 * Shortest time between two sweeps, in milliseconds. Each sweep is billed as a request and each alarm as a row written;
 * an expired entry is invisible anyway, so sweeping later costs only storage.
 */
export const SWEEP_INTERVAL_MS = 60_000;

/** Entries one sweep removes before it lets waiting calls in: a few milliseconds of the object's one thread. */
export const SWEEP_ENTRIES = 1_000;

/**
 * Farthest alarm, in milliseconds: 30 days. A lifetime may be 10,000 years, and workerd counts time in 64-bit
 * nanoseconds, of which there are 292 years.
 */
export const FARTHEST_ALARM_MS = 30 * 24 * 60 * 60 * 1000;

/** From one portion of a sweep to the next, in milliseconds: waiting calls come in between. */
export const NEXT_PORTION_MS = 1;

/** Pauses after an object's infrastructure failed: it is back within a second or two, or for long not. */
export const BACKOFF = { attempts: 4, firstMs: 100, maxMs: 1_000 } as const;
