// Sizes and counts of the gRPC server, each with its unit and reason. What both sides of the wire share is in src/wire.

/**
 * Flow-control window of one stream, in bytes. Node's default of 64 KiB held an upload over a Unix socket at
 * 372 MiB/s where 4 MiB reached 1,197 MiB/s; it also lets a whole message of the largest size arrive without a stop.
 */
export const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;

/** Flow-control window of one connection, in bytes: gestaltd has a single one, so several streams must fit in it. */
export const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;

/** Largest HTTP/2 frame we take, in bytes (RFC 9113 allows up to 16 MiB - 1). Fewer frames, fewer events. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/**
 * Node's ceiling for what one session may hold, in megabytes. Its default of 10 ends the session, not the stream: of
 * 300 concurrent replies of 1 MiB on one connection 11 arrived. What a stream may hold is bounded by back-pressure.
 */
export const MAX_SESSION_MEMORY_MEGABYTES = 4096;

/**
 * Streams that one connection may have open. Calls re-enter (gestaltd calls a provider that waits on gestaltd), so a
 * tight limit would be a deadlock; without any, a caller that never reads costs unbounded memory.
 */
export const MAX_CONCURRENT_STREAMS = 4096;

/** Headers of one call, pseudo-headers included. Node's default is 128; gRPC metadata with tracing stays far below. */
export const MAX_HEADER_LIST_PAIRS = 256;

/** Headers of one call, in bytes; what a worker takes is 128 KB, with the session token in it (DESIGN §12). */
export const MAX_HEADER_LIST_BYTES = 64 * 1024;

/**
 * Resets that a connection may send before Node ends it: at once, and then per second. A cancelled call is a reset, and
 * a storm of them on the only connection is gestaltd going down or a caller in a hurry, not an attack.
 */
export const STREAM_RESET_BURST = 20_000;
export const STREAM_RESETS_PER_SECOND = 5_000;

/** Frames that break the protocol before Node ends the connection; its default of 1,000 only burns time. */
export const MAX_INVALID_FRAMES = 100;

/** What a read-ahead may hold before the HTTP/2 stream is paused, in bytes and messages. */
export const READ_AHEAD_BYTES = 256 * 1024;
export const READ_AHEAD_MESSAGES = 64;

/**
 * Longest `grpc-message` as it is sent, in bytes. gRPC's C core refuses metadata over 16 KiB in all, and the message
 * shares that with the details.
 */
export const MAX_STATUS_MESSAGE_BYTES = 4 * 1024;

/** Largest `google.rpc.Status` sent along, in bytes before base64; same reason. */
export const MAX_STATUS_DETAILS_BYTES = 6 * 1024;

/** Largest metadata sent with a reply or its trailers, in bytes; what is over is left out, as the status matters more. */
export const MAX_REPLY_METADATA_BYTES = 32 * 1024;

/** Longest time a Node timer takes, in milliseconds (2^31 - 1), 24.8 days. A later deadline is left to the other side. */
export const MAX_TIMER_MS = 0x7fff_ffff;

/** Shorter replies are not worth compressing, in bytes. */
export const MIN_COMPRESS_BYTES = 1024;

/** Time a caller gets to read what comes before its status when the call is ended for it, in milliseconds. */
export const STATUS_FLUSH_MS = 500;

/** Time calls in flight have to finish when the server closes, in milliseconds. gestaltd kills after 2,000. */
export const CLOSE_GRACE_MS = 1_000;

/** Time the last statuses have to reach the caller before the sockets are destroyed, in milliseconds. */
export const CLOSE_FLUSH_MS = 200;
