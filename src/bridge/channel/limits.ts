// Times and sizes of the bridge's side of a channel, each with its unit and reason. What both sides share is in src/wire/channel.
import { MAX_PACKET_BYTES } from "../../wire/channel/limits.ts";

/** Time a connection has to come up, the upgrade and the worker's hello included, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Time the first connection of a session has, with all its tries, in milliseconds: gestaltd waits 30,000 for ConfigureProvider. */
export const OPEN_TIMEOUT_MS = 20_000;

/**
 * Waits between tries: a random part of this, doubled with each failure up to the largest, in milliseconds. Small at first,
 * because a redeployed worker is there at once; small at last, because a plugin's calls fail until the channel is back.
 */
export const FIRST_BACKOFF_MS = 100;
export const LARGEST_BACKOFF_MS = 5_000;

/** A connection that has lasted for this long was a good one, and tries count from the beginning again, in milliseconds. */
export const STABLE_MS = 10_000;

/** Time calls in flight have to end when their session does, in milliseconds. gestaltd waits 3,000 for StopSession in all. */
export const LEAVE_GRACE_MS = 200;

/** Time the other side has to answer the closing of a WebSocket before its socket is destroyed, in milliseconds. */
export const CLOSE_FLUSH_MS = 200;

/** What one call has received from gestaltd and not yet sent on before its stream is paused, in bytes. */
export const READ_AHEAD_BYTES = 256 * 1024;

/**
 * The same for all calls of a channel, in bytes; a message counts whole from its beginning. Twice what the worker takes
 * before its own window is full, so that a few slow readers do not stop the others.
 */
export const CHANNEL_READ_AHEAD_BYTES = 32 * 1024 * 1024;

/** Largest request that is kept for a second try, in bytes: a thousand calls in flight must not keep gigabytes. */
export const MAX_REPEATED_BYTES = 64 * 1024;

/** Most of a worker's refusal that is read, in bytes: an error of ours is far shorter, and a foreign page says nothing. */
export const MAX_REFUSAL_BYTES = 4 * 1024;

/**
 * A larger WebSocket message ends the connection before room is made for it, in bytes. The channel itself complains of what is over
 * its own limit, half of this.
 */
export const MAX_WEB_SOCKET_MESSAGE_BYTES = 2 * MAX_PACKET_BYTES;
