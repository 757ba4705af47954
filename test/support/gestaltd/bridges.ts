// The bridges that a gestaltd has started, seen from outside.
import { readFileSync } from "node:fs";
import type { Gestaltd } from "./gestaltd.ts";

export interface RunningBridge {
  readonly pid: number;
  /** The Unix socket gestaltd gave it. */
  readonly socket: string;
}

/** Those of a kind. gestaltd starts several of some kinds (reference §1.5). */
export function bridgesOf(gestaltd: Gestaltd, kind: string): RunningBridge[] {
  return gestaltd.children().flatMap((pid) => {
    const [, file = "", argument] = read(pid, "cmdline");
    if (!file.endsWith("gestalt-edge-bridge.mjs") || argument !== kind) return [];
    const socket = read(pid, "environ").find((variable) => variable.startsWith("GESTALT_PLUGIN_SOCKET="));
    return socket === undefined ? [] : [{ pid, socket: socket.slice(socket.indexOf("=") + 1) }];
  });
}

/** The texts of a file of /proc; none of a process that has just ended. */
function read(pid: number, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    return [];
  }
}
