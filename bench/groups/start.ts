// Time from exec of the built bridge to the moment its socket accepts a connection.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "../processes.ts";
import { BRIDGE, bridgeEnvironment, connectable } from "../subject.ts";
import { printTable } from "../table.ts";
import type { Reached } from "../targets.ts";

// The first start fills the file cache and is shown by the maximum; the median is what gestaltd sees.
const STARTS = 15;

export async function startGroup(): Promise<Reached[]> {
  const folder = await mkdtemp(join(tmpdir(), "ge-bench-"));
  try {
    const bridge = await startTimes(folder, [BRIDGE, "cache"]);
    const bare = await startTimes(folder, ["-e", BARE]);
    printTable("time from exec to listening, ms", [
      { program: "bridge", ...summary(bridge) },
      { program: "bare Node that listens (the floor)", ...summary(bare) },
    ]);
    return [
      { what: "seconds from exec of the bridge to listening, median", value: median(bridge) / 1000, atMost: 0.25 },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

const BARE = `
  require("node:http2").createServer().listen(process.env.GESTALT_PLUGIN_SOCKET);
  process.on("SIGTERM", () => process.exit(0));
`;

async function startTimes(folder: string, args: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const socket = join(folder, `${round}-${times.length}-${args.length}.sock`);
    const began = performance.now();
    const program = await startProgram({ args, env: bridgeEnvironment(socket), ready: () => connectable(socket) });
    times.push(performance.now() - began);
    await program.stop();
    await rm(socket, { force: true });
  }
  return times.sort((a, b) => a - b);
}

const median = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;

const summary = (sorted: readonly number[]) => ({
  median: median(sorted),
  min: sorted[0] ?? Number.NaN,
  max: sorted.at(-1) ?? Number.NaN,
});
