// The process that serves: ends on signals and when it is told to, and on nothing else.
import type { Log } from "../log.ts";

export interface ProcessOptions {
  readonly log: Log;
  /** Ends everything; called once. */
  readonly stop: () => Promise<void>;
}

export const END_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
/** gestaltd kills 2,000 ms after SIGTERM; by then everything is over, whatever `stop` waits for. In milliseconds. */
const STOP_MS = 1_800;

/** Ends the process with 0, whatever the reason, since gestaltd reports any other code as an error. `atLast` may throw. */
export type EndProcess = (reason: string, atLast?: () => void) => void;

/** Installs the handlers of a process that serves. Returns what ends it for a reason other than a signal. */
export function runProcess({ log, stop }: ProcessOptions): EndProcess {
  let stopping = false;
  const end: EndProcess = (reason, atLast) => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { reason });
    setTimeout(() => process.exit(0), STOP_MS);
    stop()
      .catch((error: unknown) => log.error("stopping failed", { error }))
      .then(atLast)
      .catch((error: unknown) => log.error("stopping failed", { error }))
      .finally(() => process.exit(0));
  };
  for (const signal of END_SIGNALS) process.on(signal, () => end(signal));
  survive(log);
  return end;
}

/**
 * gestaltd never restarts a provider, so one call's fault must not end all others: it is logged and the process goes on.
 * State shared between calls is small (tokens, pools) and replaced whole, never changed in place.
 */
export function survive(log: Log): void {
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error }));
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
  // Node would print several lines of its own; what it says of its experimental modules is of no use to an operator.
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning") log.warn(warning.message, { warning: warning.name });
  });
  // gestaltd's end of the pipe may be closed.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", () => undefined);
}
