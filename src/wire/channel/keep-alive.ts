// How the bridge finds out that a channel is dead: text messages beside the frames, so that the worker's object answers in its sleep.
//
// The platform replies for a hibernating object, without waking or billing it, but only to one fixed text (`setWebSocketAutoResponse`).
// Frames are binary, so neither side takes one for the other.

/** What the bridge sends; exactly this is answered. */
export const KEEP_ALIVE_PING = "ping";

/** What it gets back. Any other text is to be passed over. */
export const KEEP_ALIVE_PONG = "pong";

/** Milliseconds from one answer to the next question. Below the minute after which proxies commonly drop a silent connection. */
export const KEEP_ALIVE_INTERVAL_MS = 20_000;

/** Milliseconds without an answer after which the socket is taken for lost. */
export const KEEP_ALIVE_TIMEOUT_MS = 10_000;
