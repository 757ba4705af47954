// `npm start`: runs the examples in workerd on this machine and plays gestaltd to them, through the bridge that gestaltd
// would start. Then it stays up as `gestalt-edge dev`. With --exit (`npm run demo`) it ends after the play.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTerminal } from "../src/cli/terminal.ts";
import { milliseconds } from "../src/cli/units.ts";
import { type BridgeProcess, startBridge } from "./demo/bridge-process.ts";
import { playBriefing } from "./demo/briefing.ts";
import { playCache } from "./demo/cache.ts";
import { type Examples, startExamples } from "./demo/examples.ts";
import { playObjects } from "./demo/objects.ts";
import { playPlugin } from "./demo/plugin.ts";
import { createReport, outcome, type Report } from "./demo/report.ts";
import { type Site, startSite } from "./demo/site.ts";

/** Exit code of a program that SIGINT ended, by the shell's convention. */
const INTERRUPTED = 130;

const stays = !process.argv.includes("--exit");
const terminal = createTerminal();
const stop = new AbortController();
/** Ended in reverse order, whatever happens. */
const cleanUps: (() => Promise<void>)[] = [];

process.on("SIGINT", () => stop.abort()).on("SIGTERM", () => stop.abort());
try {
  await main();
} catch (error) {
  process.exitCode = stop.signal.aborted ? INTERRUPTED : 1;
  const reason = error instanceof Error ? error.message : String(error);
  if (!stop.signal.aborted) terminal.note(`\n${terminal.paint("red", "The demo failed.")} ${reason}`);
} finally {
  for (const cleanUp of cleanUps.reverse())
    await cleanUp().catch((error: Error) => {
      terminal.note(`Cleaning up failed: ${error.message}`);
      process.exitCode = 1;
    });
}

async function main(): Promise<void> {
  const started = performance.now();
  const report = createReport(terminal, stop.signal);
  const { site, examples } = await setUp(report);
  await play(report, site, examples);
  terminal.print();
  terminal.print(`Everything above worked, in ${milliseconds(performance.now() - started)}.`);
  if (!stays) return;
  examples.showCalls();
  printNext(site);
  await Promise.race([examples.ended, new Promise((resolve) => stop.signal.addEventListener("abort", resolve))]);
}

async function setUp(report: Report): Promise<{ site: Site; examples: Examples }> {
  report.section("Setting up");
  await report.step("build the bridge and the package", async () => {
    await run("node", ["scripts/build.ts"]);
    return outcome("dist/");
  });
  const site = await report.step("a web site for the plugin to read", async () => {
    const site = await startSite();
    cleanUps.push(site.close);
    return outcome(site.origin, site);
  });
  const state = stays ? undefined : await mkdtemp(join(tmpdir(), "gestalt-edge-demo-"));
  if (state !== undefined) cleanUps.push(() => rm(state, { recursive: true, force: true }));
  const examples = await report.step("the examples in workerd", async () => {
    const examples = await startExamples(terminal, state);
    cleanUps.push(examples.close);
    return outcome(examples.summary, examples);
  });
  return { site, examples };
}

async function play(report: Report, site: Site, { worker }: Examples): Promise<void> {
  const bridges: BridgeProcess[] = [];
  const bridge = async (kind: string, name: string) => {
    const started = await startBridge(kind, name);
    bridges.push(started);
    cleanUps.push(started.stop);
    return started;
  };
  const runtime = await bridge("runtime", "edge");
  const workers = { search: worker("search"), briefing: worker("briefing") };
  await playPlugin(report, { bridge: runtime, workers, baseUrl: site.origin });
  const kv = await bridge("cache", "cache");
  await playCache(report, {
    bridge: kv,
    title: "A cache on Workers KV: the cache kind with examples/cache",
    worker: { ...worker("cache"), provider: "cache" },
  });
  await playCache(report, {
    bridge: await bridge("cache", "exact"),
    title: "A cache on Durable Objects: the cache kind with examples/cache",
    worker: { ...worker("cache"), provider: "exact" },
  });
  const blobs = await bridge("s3", "blobs");
  await playObjects(report, { bridge: blobs, worker: worker("blobs"), bucket: "blobs" });
  await playBriefing(report, { runtime, cache: kv, objects: blobs, bucket: "blobs", baseUrl: site.origin });
  report.section("Ending");
  await report.step("SIGTERM to the bridges", async () => {
    for (const { stop } of bridges) await stop();
    return outcome(`${bridges.length} bridges ended with 0, their sockets are gone`);
  });
}

function printNext(site: Site): void {
  const config = JSON.stringify({ baseUrl: site.origin });
  terminal.print();
  terminal.print(
    "The examples stay up, as in `gestalt-edge dev`; their calls are shown below. Try, in another terminal:",
  );
  terminal.print();
  terminal.print(
    `  npx gestalt-edge invoke search.find '{"query": "pier"}' --project examples/search --config '${config}'`,
  );
  terminal.print();
  terminal.print("Ctrl-C ends everything.");
  terminal.print();
}

/** Runs a program of this repository; what it prints is shown only when it fails. */
function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], signal: stop.signal });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")} failed:\n${output}`))));
  });
}
