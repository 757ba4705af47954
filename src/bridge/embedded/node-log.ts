// The node's own log file in the state folder: what the worker printed, and what happened to the node.
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface WorkerLogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface NodeLog {
  write(line: WorkerLogLine): void;
  close(): void;
}

/** The file of the last run is kept as `.1` from this size on, in bytes; below it the new run is appended. */
const ROTATE_BYTES = 1024 * 1024;
/** A run stops writing here, in bytes: a worker that prints without end must not fill the disk. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Opens `file`, readable by its owner only: a provider may print what it likes. */
export function openNodeLog(file: string): NodeLog {
  rotate(file);
  let descriptor: number | undefined = openSync(file, "a", 0o600);
  let written = 0;
  return {
    write({ time, level, message }) {
      if (descriptor === undefined || written > MAX_BYTES) return;
      const line = `${JSON.stringify({ time: new Date(time).toISOString(), level, message })}\n`;
      written += line.length;
      writeSync(descriptor, line);
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > ROTATE_BYTES) renameSync(file, `${file}.1`);
}
