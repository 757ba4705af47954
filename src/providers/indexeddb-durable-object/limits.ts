// What a SQLite-backed Durable Object allows (Cloudflare docs, Durable Objects "Limits"), and what we chose within it.

/** Bytes of a record in one row: a row takes 2 MB, its key included, so a record of 4 MiB lies in four pieces. */
export const PIECE_BYTES = 1024 * 1024;

/**
 * Bytes that one transaction may have written and not committed, keys and indexes with them. They are held in the
 * object's memory, which has 128 MB and may be shared with other objects.
 */
export const TRANSACTION_BYTES = 16 * 1024 * 1024;

/** The same for all transactions of one object together. */
export const ALL_TRANSACTIONS_BYTES = 48 * 1024 * 1024;

/** Counted for each record written in a transaction beside its bytes: what it costs to keep one in order. */
export const WRITE_OVERHEAD_BYTES = 256;

/**
 * Writers that wait for the transactions before them. At more than these, the ones at the end could not be served in
 * time anyway.
 */
export const MAX_WAITING = 1_000;

/**
 * Longest wait for a turn when the caller set no deadline, in milliseconds. gestaltd's unary calls have one, of 30 s.
 */
export const LONGEST_WAIT_MS = 60_000;

/** Cursors and readonly transactions of one object at a time. Each write looks through them. */
export const MAX_SNAPSHOTS = 1_000;

/**
 * How much longer than its caller an object waits before it ends a transaction or a cursor, in milliseconds: only when
 * that one is gone.
 */
export const LEASE_MARGIN_MS = 10_000;

/**
 * Records that get their keys in a new index before waiting calls are let in: some 50 ms of the object's one thread.
 */
export const BUILD_ROWS = 2_000;

/** The same in bytes, for large records. */
export const BUILD_BYTES = 8 * 1024 * 1024;

/** Rows that are removed at a time, where many are to be: a few milliseconds. */
export const REMOVE_ROWS = 1_000;

/** From one portion of sweeping to the next, in milliseconds: waiting calls come in between. */
export const NEXT_SWEEP_MS = 20;

/** Pauses after an object's infrastructure failed: it is back within a second or two, or for long not. */
export const BACKOFF = { attempts: 4, firstMs: 100, maxMs: 1_000 } as const;
