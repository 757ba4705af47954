// `npm test`: the checks, the build, every test, then what the tests left behind. Arguments name test files to run instead
// of all of them, and skip the checks: `npm test -- test/cache/*.test.ts`.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftoverProcesses, RUN_MARK } from "./test-leftovers.ts";

const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : globSync("test/**/*.test.ts").sort();

// A folder of this run's own, so that what is left in it is known to be ours. Its name is short: socket paths have 107 bytes.
const scratch = await mkdtemp(join(tmpdir(), "ge-"));
const mark = `${process.pid}-${Date.now()}`;
const environment = { ...process.env, TMPDIR: scratch, [RUN_MARK]: mark };

try {
  if (chosen.length === 0) await step("checks", "node", ["scripts/check.ts"]);
  await step("build", "node", ["scripts/build.ts"]);
  if (chosen.length === 0) await step("package", "node", ["scripts/check-package.ts"]);
  await step("tests", "node", ["--test", "--test-concurrency=2", "--test-timeout=120000", ...files]);
  await nothingIsLeft();
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function step(name: string, program: string, args: readonly string[]): Promise<void> {
  process.stdout.write(`\n── ${name}\n`);
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], env: environment });
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code === 0) return;
  process.stderr.write(`${name} failed\n`);
  await rm(scratch, { recursive: true, force: true });
  process.exit(1);
}

async function nothingIsLeft(): Promise<void> {
  const left = [
    ...(await readdir(scratch)).filter((name) => !isCache(name)).map((name) => `temporary file ${name}`),
    ...(await leftoverProcesses(mark)).map((line) => `process ${line}`),
  ];
  if (left.length === 0) return;
  process.stderr.write(`The tests left something behind:\n  ${left.join("\n  ")}\n`);
  process.exitCode = 1;
}

/** Caches that tools keep in the temporary folder on purpose, to be found again by a later process. */
function isCache(name: string): boolean {
  // Node's own, and wrangler's memory of when it last looked for a newer version.
  return name === "node-compile-cache" || name === "update-check";
}
