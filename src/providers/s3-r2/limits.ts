// What R2 and this provider put limits to, each with its unit and source.

/** Longest key, in bytes of UTF-8 (R2 platform limits). */
export const MAX_KEY_BYTES = 1024;

/** Names and values of an object's metadata together, in bytes of UTF-8 (R2 platform limits). */
export const MAX_METADATA_BYTES = 8192;

/** Most keys one list operation takes (R2 Workers API). */
export const MAX_LIST_KEYS = 1000;

/**
 * Bytes of one list answer, estimated. A thousand keys with full metadata would be 9 MiB, and gestaltd takes 4 MiB; the
 * distance pays for what the estimate leaves out.
 */
export const MAX_LIST_BYTES = 3 * 1024 * 1024;

/**
 * A copy larger than this many bytes is made of parts of this size: a part that fails is copied again, the whole is not.
 * Far below the 4.995 GiB one R2 operation takes.
 */
export const COPY_PART_BYTES = 32 * 1024 * 1024;

/** Largest object, in bytes, that one CopyObject of the S3 API takes (5 GiB less 5 MiB, R2 platform limits). */
export const MAX_S3_COPY_BYTES = 5 * 1024 * 1024 * 1024 - 5 * 1024 * 1024;

/**
 * Parts copied at a time. Each reads and writes, so two are four of the six connections a Worker may have waiting (Workers
 * platform limits).
 */
export const PARALLEL_COPY_PARTS = 2;

/** Bytes read at a time from a simulated R2. One part of an upload, so that the simulation holds at most two. */
export const PIECE_BYTES = 8 * 1024 * 1024;

/** Tries of an operation that R2 refused or failed, and the bounds of the pauses between them, in milliseconds. */
export const BACKOFF = { attempts: 4, firstMs: 100, maxMs: 1000 } as const;
