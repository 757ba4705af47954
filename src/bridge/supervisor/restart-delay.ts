// How long the supervisor waits before it starts another working process.

/** Wait before the second restart in a row, in milliseconds; the first one is at once. Doubles from there … */
const FIRST_DELAY_MS = 500;
/** … to this, in milliseconds: a fault that comes back at each start must not keep a core busy. */
const LONGEST_DELAY_MS = 30_000;
/** A process that has served this long, in milliseconds, was no part of a row of crashes. */
export const STABLE_MS = 60_000;

/** Milliseconds before restart number `restart` of a row, counted from 0. */
export function restartDelay(restart: number): number {
  return restart === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (restart - 1), LONGEST_DELAY_MS);
}
