// The Node process the command runs in: once more with flags where it needs them, and without Node's notes to developers.
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Runs the same command line with flags, and gives its exit code. Signals are passed on. */
export function runWithFlags(flags: readonly string[]): Promise<number> {
  const args = [...process.execArgv, ...flags, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/**
 * Node's remarks on its own experimental modules, and on what dependencies should no longer use: the user of the command
 * can do nothing about either. Other warnings are printed as ever.
 */
export function quietWarnings(): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "ExperimentalWarning" || warning.name === "DeprecationWarning") return;
    for (const listener of listeners) listener(warning);
  });
}
