// What a failed call to a Durable Object means to gestaltd.
import { Code, ConnectError } from "@connectrpc/connect";

/** What the platform sets on errors of its own making (Durable Objects docs, "Error handling"). */
interface PlatformError {
  readonly retryable?: boolean;
  readonly overloaded?: boolean;
}

/**
 * Whether the platform failed in a way that passes. An overloaded object must not be asked again: that is what it has
 * too much of.
 */
export function isRetryable(failure: unknown): boolean {
  const { retryable, overloaded } = platformError(failure);
  return retryable === true && overloaded !== true;
}

export function asConnectError(failure: unknown): unknown {
  if (!(failure instanceof Error) || failure instanceof ConnectError) return failure;
  const { retryable, overloaded } = platformError(failure);
  if (overloaded === true) {
    const text = "The cache's Durable Object has more requests than it can do. Spread the cache over more shards.";
    return new ConnectError(text, Code.Unavailable, undefined, undefined, failure);
  }
  if (failure.message.includes("SQLITE_FULL")) {
    const text = "The cache's Durable Object is full (10 GB). Set lifetimes, or spread the cache over more shards.";
    return new ConnectError(text, Code.ResourceExhausted, undefined, undefined, failure);
  }
  if (retryable !== true) return failure;
  const text = "The cache's Durable Object did not answer. Try again.";
  return new ConnectError(text, Code.Unavailable, undefined, undefined, failure);
}

function platformError(failure: unknown): PlatformError {
  return typeof failure === "object" && failure !== null ? failure : {};
}
