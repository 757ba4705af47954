// What a SQLite-backed Durable Object allows (Cloudflare docs, Durable Objects "Limits"), and what we chose within it.

/**
 * Bytes that the entries of one page may have, so that the answer stays well under the 4 MiB gestaltd takes. A page that would have
 * more ends earlier.
 */
export const PAGE_BYTES = 3 * 1024 * 1024;

/**
 * How much longer than its JSON a value can be in the protocol's binary form. The worst is a list of digits: `1,` becomes a tag, a
 * length, a tag and a double, 11 bytes.
 */
export const BINARY_PER_JSON = 6;

/** Pauses after an object's infrastructure failed: it is back within a second or two, or for long not. */
export const BACKOFF = { attempts: 4, firstMs: 100, maxMs: 1_000 } as const;
