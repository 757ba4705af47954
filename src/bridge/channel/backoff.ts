// How long to wait before the next try: exponential, with full jitter, so that the sessions of a worker that was away do not come back in step.
import { FIRST_BACKOFF_MS, LARGEST_BACKOFF_MS } from "./limits.ts";

/** Milliseconds before a try that follows so many failures; `random` gives a number from 0 up to 1. */
export function backoff(failures: number, random: () => number): number {
  const longest = Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1), LARGEST_BACKOFF_MS);
  return random() * longest;
}
