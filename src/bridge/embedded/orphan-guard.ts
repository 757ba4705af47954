// Ends workerd when the process that looks after it was killed with SIGKILL and could not do so itself.
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * A shell that waits for the end of its input and then kills `pid`. The only writing end of that pipe is in this
 * process, so the kernel closes it however this process ends. POSIX only; elsewhere nothing is guarded.
 */
export function guardOrphan(pid: number): { dismiss(): void } {
  if (process.platform === "win32") return { dismiss: () => undefined };
  const guard: ChildProcess = spawn("/bin/sh", ["-c", 'read -r _; kill -9 "$0" 2>/dev/null', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => undefined);
  const pipe = guard.stdin as Socket | null;
  pipe?.on("error", () => undefined);
  pipe?.unref();
  guard.unref();
  return { dismiss: () => void guard.kill("SIGKILL") };
}
