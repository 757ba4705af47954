// Everything that needs no running worker: types, lint and format, the import rule (biome.json), the protocol and its
// generated code, the lock file, one workerd, what the package publishes. Prints one line per check; exits 1 if any fails.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Check {
  readonly name: string;
  readonly run: () => Promise<string | undefined>;
}

const checks: readonly Check[] = [
  { name: "types (worker)", run: () => command("tsc", ["-p", "tsconfig.worker.json"]) },
  { name: "types (node)", run: () => command("tsc", ["-p", "tsconfig.node.json"]) },
  { name: "lint, format, imports", run: () => command("biome", ["check", "--error-on-warnings", "."]) },
  { name: "buf lint", run: () => command("buf", ["lint"]) },
  { name: "buf format", run: () => command("buf", ["format", "--diff", "--exit-code"]) },
  // The baseline is the wire of the last release; a release makes it anew with `buf build --exclude-source-info`.
  { name: "buf breaking", run: () => command("buf", ["breaking", "--against", "proto/baseline.binpb"]) },
  { name: "wire table", run: () => command("node", ["scripts/wire.ts"]) },
  { name: "generated code", run: () => generatedCodeIsCurrent(".", "src/gen") },
  { name: "generated code (tests)", run: () => generatedCodeIsCurrent("test/conformance", "gen") },
  { name: "lock file", run: lockFileIsClean },
];

if (import.meta.main) process.exitCode = (await runChecks(checks)) ? 0 : 1;

async function runChecks(list: readonly Check[]): Promise<boolean> {
  let ok = true;
  for (const check of list) {
    const fault = await check.run();
    process.stdout.write(
      `${fault === undefined ? "ok  " : "FAIL"}  ${check.name}\n${fault === undefined ? "" : `${fault}\n`}`,
    );
    ok &&= fault === undefined;
  }
  return ok;
}

/** Generates into a scratch copy and compares, so that a check never changes the tree it checks. */
async function generatedCodeIsCurrent(module: string, output: string): Promise<string | undefined> {
  const scratch = await mkdtemp(join(tmpdir(), "gestalt-edge-gen-"));
  try {
    const fault = await command("buf", ["generate", "--output", scratch], module);
    if (fault !== undefined) return fault;
    const difference = await command("diff", ["-r", join(module, output), join(scratch, output)]);
    return difference === undefined ? undefined : `${difference}\nRun: buf generate (in ${module})`;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** The lock file names no download address, and there is one workerd, one miniflare and one wrangler in the tree. */
async function lockFileIsClean(): Promise<string | undefined> {
  const text = await readFile("package-lock.json", "utf8");
  if (/"resolved": "https?:/.test(text))
    return "package-lock.json records download addresses; see .npmrc, then npm install";
  const packages = Object.keys((JSON.parse(text) as { packages: Record<string, unknown> }).packages);
  for (const name of ["workerd", "miniflare", "wrangler", "esbuild"]) {
    const copies = packages.filter((path) => path.endsWith(`node_modules/${name}`));
    if (copies.length !== 1) return `expected one ${name} in the tree, found: ${copies.join(", ") || "none"}`;
  }
  return undefined;
}

/** Runs a program of node_modules/.bin or PATH; undefined when it exits 0, else what it printed. */
function command(program: string, args: readonly string[], folder = "."): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0 ? undefined : output.trim() || `${program} exited with ${code}`));
  });
}
