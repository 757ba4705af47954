// CPU time and memory of other processes, read from /proc; on other systems every figure is NaN and prints as such.
import { readFileSync, writeFileSync } from "node:fs";

// Ticks per second of the times in /proc/<pid>/stat: USER_HZ, 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system) that the processes have used since they started. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    // The command name, in parentheses, may hold spaces; the fields after it are fixed (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  });
}

/** Resident memory of the process now, in MiB. */
export function residentMebibytes(pid: number): number {
  return status(pid, "VmRSS");
}

/** Memory that only this process holds, in MiB: what it costs beside others that run the same program. */
export function privateMebibytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const fields = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)];
    return fields.reduce((total, [, kibibytes]) => total + Number(kibibytes), 0) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** Highest resident memory since the last {@link resetPeak}, in MiB. */
export function peakMebibytes(pid: number): number {
  return status(pid, "VmHWM");
}

/** Starts the peak of a process anew (proc(5), clear_refs 5). */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Without the right or without /proc the peak counts from the start of the process.
  }
}

function status(pid: number, field: string): number {
  try {
    const line = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"));
    return Number(line?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  try {
    return pids.reduce((total, pid) => total + of(pid), 0);
  } catch {
    return Number.NaN;
  }
}
