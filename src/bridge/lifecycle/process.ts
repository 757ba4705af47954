// The bridge as a process: ends on signals and when its parent is gone, and on nothing else.
import type { Log } from "../log.ts";

export interface ProcessOptions {
  readonly log: Log;
  /** gestaltd's process id; undefined when the bridge was started by hand. */
  readonly parentPid: number | undefined;
  /** Ends everything; called once. */
  readonly stop: () => Promise<void>;
  /** Called after that when the parent is gone, for what it would have done. May throw. */
  readonly orphaned: () => void;
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
/** gestaltd kills 2,000 ms after SIGTERM; by then everything is over, whatever `stop` waits for. In milliseconds. */
const STOP_MS = 1_800;
/** How often the parent is looked for, in milliseconds; one system call each time. */
const PARENT_POLL_MS = 250;

/** Installs the handlers. The process exits with 0 whatever ended it, since gestaltd reports any other code as an error. */
export function superviseProcess({ log, parentPid, stop, orphaned }: ProcessOptions): void {
  let stopping = false;
  const end = (reason: string, atLast?: () => void) => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { reason });
    setTimeout(() => process.exit(0), STOP_MS);
    stop()
      .then(atLast)
      .catch((error: unknown) => log.error("stopping failed", { error }))
      .finally(() => process.exit(0));
  };
  for (const signal of SIGNALS) process.on(signal, () => end(signal));
  if (parentPid !== undefined) watchParent(parentPid, () => end("gestaltd is gone", orphaned));
  survive(log);
}

/** The parent is usually gestaltd itself; a wrapper between the two makes its id say nothing, and gestaltd is asked for. */
function watchParent(pid: number, gone: () => void): void {
  const direct = process.ppid === pid;
  const timer = setInterval(() => {
    if (direct ? process.ppid === pid : isAlive(pid)) return;
    clearInterval(timer);
    gone();
  }, PARENT_POLL_MS);
  timer.unref();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * gestaltd never restarts a provider, so one call's fault must not end all others: it is logged and the process goes on.
 * State shared between calls is small (tokens, pools) and replaced whole, never changed in place.
 */
function survive(log: Log): void {
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
