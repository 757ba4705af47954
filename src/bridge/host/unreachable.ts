// Tells the operator that gestaltd's host services cannot be reached: each address once in a while, not once a call.
import type { Log } from "../log.ts";

/** Between two lines about one address, in milliseconds. */
const QUIET_MS = 60_000;

export function unreachableLog(log: Log, now: () => number = Date.now): (address: string, reason: string) => void {
  const told = new Map<string, number>();
  return (address, reason) => {
    const last = told.get(address);
    if (last !== undefined && now() - last < QUIET_MS) return;
    told.set(address, now());
    log.warn("cannot reach gestaltd's host services", { address, reason });
  };
}
