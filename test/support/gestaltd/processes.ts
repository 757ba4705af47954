// All processes of one gestaltd, down to workerd: what it starts gets its HOME, and hands it on.
import { readdirSync, readFileSync } from "node:fs";

/** `pid command line` of each process with that home, other than the test's own. */
export function processesAt(home: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || !read(pid, "environ").includes(`HOME=${home}`)) return [];
    const command = read(pid, "cmdline").join(" ").trim();
    return command === "" ? [] : [`${pid} ${command}`];
  });
}

/** The texts of a file of /proc; none of a process that has just ended. */
function read(pid: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    return [];
  }
}
