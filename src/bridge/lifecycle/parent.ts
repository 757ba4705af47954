// Notices that gestaltd is gone.

/** How often the parent is looked for, in milliseconds; one system call each time. */
const PARENT_POLL_MS = 250;

/**
 * Calls `gone` once, when the process `pid` is no more. It is usually our parent; a wrapper between the two makes our
 * parent's id say nothing, and then the process itself is asked for.
 */
export function watchParent(pid: number, gone: () => void): void {
  const direct = process.ppid === pid;
  const timer = setInterval(() => {
    if (direct ? process.ppid === pid : isAlive(pid)) return;
    clearInterval(timer);
    gone();
  }, PARENT_POLL_MS);
  timer.unref();
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
