// Times and sizes of the worker's side of the channel, each with its unit and reason. The frames' own are in src/wire/channel.

/** Times of an object's connections, in milliseconds. Tests have shorter ones. */
export interface ConnectionTimes {
  /**
   * How long calls wait for a channel since there was none. The bridge comes back within a second after a redeploy or a lost
   * connection; a call that fails meanwhile fails for nothing.
   */
  readonly reconnectWait: number;
  /** How long calls may still run on a channel that a newer one took over: as long as a bridge drains. */
  readonly supersededLinger: number;
  /** Silence of a channel with calls in flight, before the other side is asked for a sign of life. */
  readonly silence: number;
  /** How long that may take. */
  readonly pingWait: number;
  /** Between two looks for silence. Under the 10 s after which the platform lets an idle object sleep: a timer keeps it awake. */
  readonly watchInterval: number;
}

export const CONNECTION_TIMES: ConnectionTimes = {
  reconnectWait: 3_000,
  supersededLinger: 30_000,
  silence: 20_000,
  pingWait: 10_000,
  watchInterval: 5_000,
};

/**
 * How long after its expiry a session token still stands for its session, in seconds. Whoever shows it here was let in while it
 * was alive: a request may outlast the minutes its token lives, and its calls must not fail for that.
 */
export const TOKEN_AFTERLIFE_SECONDS = 3_600;

/**
 * How long a handler's request keeps its hold on the session's object after a host call, in milliseconds: for the next call of a
 * handler that makes several, yet far less than the 10 s after which an object that nobody holds goes to sleep.
 */
export const HOLD_IDLE_MS = 1_000;

/** Tokens an object remembers: those of its own session alone, and a bridge uses one for minutes. */
export const TOKENS_KEPT = 4;

/**
 * Messages that cross between a request and the object at a time, in bytes, or one message if that is larger. Each crossing costs
 * a round trip, so small messages share one; what is under way is held twice.
 */
export const BATCH_BYTES = 256 * 1024;
