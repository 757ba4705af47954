// Sizes and counts of the channel, each with its unit and reason. Both sides must be built with the same ones.
// The largest message is MAX_MESSAGE_BYTES of src/wire/limits.ts, as everywhere.

/** Version of the frames. The acceptor refuses any other in HELLO, so a change of layout or of a limit raises it. */
export const CHANNEL_VERSION = 1;

/**
 * Largest piece of a message in one frame, in bytes. Each message but its last piece is cut at exactly this size, so that
 * one of 4 MiB is some 60 pieces with room for other calls between them, and never millions. A little over 64 KiB: gestaltd's
 * messages of object data are that with a few bytes around it (reference §4.2), and each is to be one piece, which nobody has
 * to put together.
 */
export const CHUNK_BYTES = 65 * 1024;

/** Largest frame, in bytes: a piece and the fields around it. */
export const MAX_FRAME_BYTES = CHUNK_BYTES + 64;

/** Before each frame, in bytes: its length. */
export const FRAME_PREFIX_BYTES = 3;

/**
 * Largest WebSocket message, in bytes: four full frames. Each is an event to a Durable Object, which costs far more than
 * its bytes, and twenty are billed as a request. Yet far below the 32 MiB that Workers take (platform limits), because it
 * must be received whole before its first frame counts, and is what another call waits for.
 */
export const MAX_PACKET_BYTES = 4 * (FRAME_PREFIX_BYTES + MAX_FRAME_BYTES);

/** Calls in flight on one channel. The issue asks for 1,000; gRPC servers commonly refuse at fewer. */
export const MAX_CALLS = 1_024;

/**
 * Unread bytes of one call before its sender stops; a message is begun while any of it is left. At a round trip of 50 ms
 * to the edge it carries 20 MB/s, and it is four packets, of which one is being written and one read.
 */
export const CALL_WINDOW_BYTES = 1024 * 1024;

/**
 * Unread bytes of a channel before its sender stops. With one message of 4 MiB over it, what a side buffers stays at 20 MiB
 * of the 128 MB an isolate has; 16 calls whose readers stand still fill it.
 */
export const CHANNEL_WINDOW_BYTES = 16 * 1024 * 1024;

/** Counted for each message on top of its bytes: what it costs to hold one, so that empty ones do not come for nothing. */
export const MESSAGE_OVERHEAD_BYTES = 128;

/**
 * Bytes handed to the socket before it is asked for its time: about a packet. Neither workerd nor a browser's WebSocket
 * pushes back, and what lies in the socket's buffer can no longer be overtaken by another call.
 */
export const BURST_BYTES = 256 * 1024;

/** Metadata of one call or status, in bytes as encoded. Half of what the bridge takes as headers of a gRPC call. */
export const MAX_METADATA_BYTES = 32 * 1024;

/** Pairs of metadata. Node's own limit of header pairs (`maxHeaderListPairs`). */
export const MAX_METADATA_PAIRS = 128;

/** Name of a host service, in bytes: an environment variable's name, with room. */
export const MAX_SERVICE_BYTES = 256;

/** Method path, in bytes: `/package.Service/Method`, with room. */
export const MAX_PATH_BYTES = 512;

/** Status message, in bytes; as much as the bridge sends on to gestaltd. What is over is cut off. */
export const MAX_STATUS_MESSAGE_BYTES = 4 * 1024;

/** Longest timeout, in milliseconds: what timers take (2^31 - 1), 24.8 days. A longer one is shortened to it. */
export const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** Longest reason of a WebSocket close, in bytes (RFC 6455 §5.5: 125 less the code). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** What a message of this size costs its window. */
export function costOf(bytes: number): number {
  return bytes + MESSAGE_OVERHEAD_BYTES;
}
