// Tries again what a busy store refused, after random and growing pauses.

/** Where chance and time come from; tests give their own. */
export interface BackoffSources {
  /** From 0 to below 1. */
  random(): number;
  /** Resolves after so many milliseconds, or rejects with the signal's reason as soon as it aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Who waits. Its signal is asked for only before a pause, because a signal costs and most calls need none. */
export interface Caller {
  readonly signal: AbortSignal;
}

export interface BackoffLimits {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Upper bound of the first pause, in milliseconds; doubles with each further one. */
  readonly firstMs: number;
  /** No pause is longer, in milliseconds. */
  readonly maxMs: number;
}

/**
 * Runs `attempt` until it succeeds, fails in a way `retryable` refuses, or was tried often enough; then throws what it
 * last threw. Full jitter: each pause is a random part of its bound, so that callers refused together do not come back
 * together.
 */
export async function withBackoff<Result>(
  attempt: () => Promise<Result>,
  retryable: (failure: unknown) => boolean,
  limits: BackoffLimits,
  caller: Caller,
  sources: BackoffSources = REAL_SOURCES,
): Promise<Result> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (failure) {
      if (tried >= limits.attempts || !retryable(failure)) throw failure;
      const bound = Math.min(limits.maxMs, limits.firstMs * 2 ** (tried - 1));
      await sources.sleep(sources.random() * bound, caller.signal);
    }
  }
}

const REAL_SOURCES: BackoffSources = { random: Math.random, sleep };

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", aborted, { once: true });
  });
}
