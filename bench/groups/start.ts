// What starting costs: time from exec of the built bridge to the moment its socket accepts a connection, time from the death
// of its working process to the next answer, and what each of its two processes holds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { connectGrpc } from "../grpc-client.ts";
import { privateMebibytes, residentMebibytes } from "../process-usage.ts";
import { childrenOf, startProgram } from "../processes.ts";
import { BRIDGE, bridgeEnvironment, connectable } from "../subject.ts";
import { printTable } from "../table.ts";
import type { Reached } from "../targets.ts";

// The first start fills the file cache and is shown by the maximum; the median is what gestaltd sees.
const STARTS = 15;
const CRASHES = 5;

export async function startGroup(): Promise<Reached[]> {
  const folder = await mkdtemp(join(tmpdir(), "ge-bench-"));
  try {
    const bridge = await startTimes(folder, "bridge", [BRIDGE, "cache"]);
    const single = await startTimes(folder, "single", [BRIDGE, "cache"], { GESTALT_EDGE_SUPERVISOR: "off" });
    const bare = await startTimes(folder, "bare", ["-e", BARE]);
    printTable("time from exec to listening, ms", [
      { program: "bridge", ...summary(bridge) },
      { program: "bridge without its supervisor", ...summary(single) },
      { program: "bare Node that listens (the floor)", ...summary(bare) },
    ]);
    const restarts = await restartTimes(folder);
    printTable("time from kill -9 of the working process to the next answer, ms", [summary(restarts)]);
    return [
      { what: "seconds from exec of the bridge to listening, median", value: median(bridge) / 1000, atMost: 0.25 },
      { what: "seconds from a crash to the next answer, largest", value: (restarts.at(-1) ?? NaN) / 1000, atMost: 1 },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each crash is the first of its bridge: later ones are waited for on purpose. */
async function restartTimes(folder: string): Promise<number[]> {
  const request = toBinary(EmptySchema, { $typeName: EmptySchema.typeName });
  const identity = `/${ProviderLifecycle.typeName}/${ProviderLifecycle.method.getProviderIdentity.name}`;
  const times: number[] = [];
  for (let round = 0; round < CRASHES; round++) {
    const socket = join(folder, `crash-${round}.sock`);
    const env = bridgeEnvironment(socket);
    const bridge = await startProgram({ args: [BRIDGE, "cache"], env, ready: () => connectable(socket) });
    const [working = 0] = childrenOf(bridge.pid);
    if (round === 0) printMemory(bridge.pid, working);
    process.kill(working, "SIGKILL");
    const began = performance.now();
    times.push(await untilAnswered(socket, identity, request).then(() => performance.now() - began));
    await bridge.stop();
  }
  return times.sort((a, b) => a - b);
}

async function untilAnswered(socket: string, path: string, request: Uint8Array): Promise<void> {
  for (;;) {
    const client = await connectGrpc(socket);
    try {
      await client.unary(path, request);
      return;
    } catch {
      // The connection may have been the last that the dead process had taken.
    } finally {
      await client.close();
    }
  }
}

function printMemory(supervisor: number, working: number): void {
  const row = (name: string, pid: number) => ({
    process: name,
    resident: residentMebibytes(pid),
    private: privateMebibytes(pid),
  });
  printTable("memory after the start, MiB", [row("supervisor", supervisor), row("working process", working)]);
}

const BARE = `
  require("node:http2").createServer().listen(process.env.GESTALT_PLUGIN_SOCKET);
  process.on("SIGTERM", () => process.exit(0));
`;

async function startTimes(
  folder: string,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const socket = join(folder, `${name}-${round}.sock`);
    const began = performance.now();
    const program = await startProgram({
      args,
      env: { ...bridgeEnvironment(socket), ...env },
      ready: () => connectable(socket),
    });
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
