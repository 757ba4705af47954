// Sizes and times of a session's log on its way out of the worker, each with its unit and reason.

/** Longest line, in characters; what is longer is cut. gestaltd keeps 4,096 lines per session in memory (reference §2.12). */
export const MAX_LINE_CHARACTERS = 8_192;

/** A line waits at most this long for others, in milliseconds: short for someone who watches, long enough to share a call. */
export const LINE_AGE_MS = 150;

/** A batch that has so many characters goes at once, and takes no more; a message may have 4 MiB (`MAX_MESSAGE_BYTES`). */
export const BATCH_CHARACTERS = 64 * 1024;

/** Most lines of one batch. */
export const BATCH_LINES = 500;

/**
 * Characters that wait per session, at most: one call's burst of some thousand lines. With {@link SESSIONS_KEPT} sessions 16 MB of the
 * isolate's 128.
 */
export const MAX_PENDING_CHARACTERS = 256 * 1024;

/** Lines that wait per session, at most: short ones cost more than their characters. */
export const MAX_PENDING_LINES = 4_096;

/** Sessions whose lines are kept apart in one isolate; the least recently used one is forgotten, with what it had waiting. */
export const SESSIONS_KEPT = 32;

/** The bridge answers without asking anybody. In milliseconds. */
export const SEND_TIMEOUT_MS = 5_000;

/** At its end a session looks so often whether another call is done sending, in milliseconds. */
export const LAST_LINES_POLL_MS = 20;

/** Waits between attempts to send, in milliseconds, while the channel is away. What is left then waits for the session's next call. */
export const RETRY_WAITS_MS = [250, 1_000, 3_000];
