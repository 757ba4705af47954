// Finds processes that a test run started and did not end, by a mark that every child inherits in its environment.
import { readdir, readFile } from "node:fs/promises";

/** Environment variable that carries the mark. */
export const RUN_MARK = "GESTALT_EDGE_TEST_RUN";

/** `pid command line` of each process with the mark, other than this one. Only Linux tells; elsewhere it prints a notice. */
export async function leftoverProcesses(mark: string): Promise<string[]> {
  if (process.platform !== "linux") {
    process.stdout.write("leftover processes: not checked, this platform has no /proc\n");
    return [];
  }
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (!environment.split("\0").includes(`${RUN_MARK}=${mark}`)) continue;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (commandLine !== "") found.push(`${pid} ${commandLine.replaceAll("\0", " ").trim()}`);
  }
  return found;
}
