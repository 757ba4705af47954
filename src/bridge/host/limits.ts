// Sizes and times of the gRPC client towards gestaltd, each with its unit and reason.

/**
 * Flow-control window of one stream, in bytes: all that a reader who has stopped reading costs, times the streams it has
 * open. Messages are gathered while they arrive, so a window smaller than the largest one stops nothing. Node's default
 * of 64 KiB makes every object wait for round trips.
 */
export const HOST_STREAM_WINDOW_BYTES = 512 * 1024;

/** Time a connection has to come up, TLS and HTTP/2 settings included, in milliseconds. Calls may have less. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A connection without calls is closed after this time, in milliseconds: before gestaltd does it (120,000, reference §3),
 * so that no call meets a connection that is being closed.
 */
export const IDLE_MS = 60_000;

/** A connection with calls that has been silent for this long is asked whether it still lives, in milliseconds. */
export const PING_AFTER_MS = 20_000;

/** Time a living peer takes to answer a ping, in milliseconds. */
export const PING_TIMEOUT_MS = 10_000;

/** Time a connection that was closed in good order has to close its socket, in milliseconds. */
export const CLOSE_FLUSH_MS = 200;

/**
 * Connections to one address. There is one, until as many calls are open on it as the peer allows: Go's HTTP/2 server, which
 * the relay is, allows 250. A call that waited for a slot held by the calls it serves (a tool that calls a tool) would
 * wait for ever.
 */
export const MAX_SESSIONS_PER_ADDRESS = 16;
