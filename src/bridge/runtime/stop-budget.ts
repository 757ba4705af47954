// How the time that gestaltd waits for StopSession is shared between calls in flight and the worker's goodbye.

/** gestaltd waits so long for most kinds, in milliseconds (`pluginRuntimeStopTimeout`); workflows say in the call's deadline. */
const STOP_SESSION_MS = 3_000;
/** Kept for what comes after the goodbye, in milliseconds: the channel's last packets (400), the log's last lines (450), the answer. */
const LAST_MS = 1_000;
/** The least that is left for the worker to hear of the end, in milliseconds. */
const GOODBYE_MS = 500;

export interface StopBudget {
  /** For calls in flight, from now on; in milliseconds, 0 at the least. */
  graceMs(): number;
  /** For the goodbye, from now on; all that is left, in milliseconds. */
  goodbyeMs(): number;
}

/** `deadline`: when the caller stops waiting, in milliseconds since the epoch. */
export function stopBudget(deadline: number | undefined): StopBudget {
  const end = (deadline ?? Date.now() + STOP_SESSION_MS) - LAST_MS;
  const left = () => end - Date.now();
  return {
    graceMs: () => Math.max(left() - GOODBYE_MS, 0),
    goodbyeMs: () => Math.max(left(), GOODBYE_MS),
  };
}
