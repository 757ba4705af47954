// Sizes and times of runtime logs on their way to gestaltd, each with its unit and reason.

/** Longest message, in characters; what is longer is cut. The worker and its node cut at half of that already. */
export const MAX_MESSAGE_CHARACTERS = 16_384;

/** A line waits at most this long for others, in milliseconds: short for someone who watches the log. */
export const LINE_AGE_MS = 100;

/** Most lines of one AppendLogs, and the number that goes at once. */
export const BATCH_LINES = 512;

/** Most bytes of messages in one AppendLogs: far below the 4 MiB gestaltd takes, and each relayed call costs it a GetSession. */
export const BATCH_BYTES = 256 * 1024;

/** Lines kept per session while gestaltd takes none: it keeps no more itself (reference §2.12). */
export const QUEUE_LINES = 4_096;

/** Bytes of messages kept per session while gestaltd takes none. */
export const QUEUE_BYTES = 1024 * 1024;

/** Time gestaltd has for one AppendLogs, in milliseconds; it only appends to a list. */
export const APPEND_TIMEOUT_MS = 5_000;

/** Wait after the first failure, in milliseconds; doubled with each one after that … */
export const FIRST_RETRY_MS = 250;
/** … up to this, in milliseconds. */
export const LONGEST_RETRY_MS = 5_000;

/**
 * So many times in a row gestaltd may refuse a session's lines before its log ends. It registers a session a moment after
 * StartSession has returned; a gestaltd that was started anew never knows it. Some 20 s in all.
 */
export const MAX_HOPELESS = 8;

/** The end of a session waits so long for its last lines, in milliseconds; gestaltd kills a bridge after 2,000. */
export const FLUSH_MS = 400;

/** Isolates of a worker whose batches are told apart, per session; beyond them the longest silent one is forgotten. */
export const WRITERS_KEPT = 64;
