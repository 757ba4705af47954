// `npm run conformance`: the official Connect conformance runner against the bridge (gRPC) and the worker (Connect), when
// `connectconformance` is on PATH; then, or in its place, our own matrix over the same categories.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { delimiter, join } from "node:path";

const RUNNER = "connectconformance";
const here = import.meta.dirname;
const repository = join(here, "..", "..");

interface Side {
  readonly name: "bridge" | "worker";
  readonly title: string;
}

const sides: readonly Side[] = [
  { name: "bridge", title: "the bridge as a gRPC server" },
  { name: "worker", title: "the worker as a Connect server" },
];

let failed = false;
if (await isInstalled()) {
  for (const side of sides) {
    process.stdout.write(`\n── ${side.title}, official runner\n`);
    failed = (await run(RUNNER, runnerArguments(side))) !== 0 || failed;
  }
} else {
  process.stdout.write(
    `\n── official runner: skipped, ${RUNNER} is not on PATH (docs/conformance.md says how to get it)\n`,
  );
}
process.stdout.write("\n── our own matrix\n");
const tests = globSync("*.test.ts", { cwd: here }).map((file) => join(here, file));
failed = (await run("node", ["--test", "--test-concurrency=2", ...tests])) !== 0 || failed;
process.exitCode = failed ? 1 : 0;

/** A known failure that passes is an error too, so the lists cannot grow stale. */
function runnerArguments({ name }: Side): string[] {
  const file = (suffix: string) => join(here, "runner", `${name}${suffix}`);
  return [
    ...["--mode", "server", "--conf", file(".yaml"), "--known-failing", `@${file("-known-failing.txt")}`],
    ...["--verbose", "--", "node", join(here, "server.ts"), name],
  ];
}

async function isInstalled(): Promise<boolean> {
  return run(RUNNER, ["--version"], "ignore").then(
    (code) => code === 0,
    () => false,
  );
}

/** Runs a program of node_modules/.bin or PATH; resolves with its exit code. */
function run(
  program: string,
  args: readonly string[],
  output: "inherit" | "ignore" = "inherit",
): Promise<number | null> {
  const path = `${join(repository, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", output, output],
      cwd: repository,
      env: { ...process.env, PATH: path },
    });
    child.on("error", reject);
    child.on("close", resolve);
  });
}
