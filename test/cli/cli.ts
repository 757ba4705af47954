// Runs the built `gestalt-edge` command as a user does: a process of its own, judged by exit code and output.
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export const repository = join(import.meta.dirname, "../..");
const COMMAND = join(repository, "dist/lib/cli/main.js");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Flags for Node. */
  readonly flags?: readonly string[];
}

/** Runs the command to its end. */
export async function cli(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const running = startCli(args, options);
  running.child.stdin?.end(options.input ?? "");
  return running.finished;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves with the first line of stdout that matches and has not been returned before. */
  line(pattern: RegExp): Promise<string>;
}

/** Starts the command and leaves it running. */
export function startCli(
  args: readonly string[],
  { cwd = repository, env = {}, flags = [] }: RunOptions = {},
): Running {
  const child = spawn(process.execPath, [...flags, COMMAND, ...args], {
    cwd,
    env: {
      PATH: `${join(repository, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
      TMPDIR: tmpdir(),
      // Wrangler keeps logs and settings there; without its own answer it would ask for the newest version.
      HOME: cwd,
      WRANGLER_SEND_METRICS: "false",
      ...marks(),
      ...env,
    },
  });
  let stdout = "";
  let stderr = "";
  let seen = 0;
  const changed = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const check of changed) check();
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const lines = stdout.slice(0, stdout.lastIndexOf("\n") + 1).split("\n");
        const at = lines.findIndex((candidate, index) => index >= seen && pattern.test(candidate));
        if (at < 0) return;
        seen = at + 1;
        changed.delete(check);
        resolve(lines[at] ?? "");
      };
      changed.add(check);
      finished.then(() => reject(new Error(`ended before ${pattern} was printed:\n${stdout}${stderr}`)), reject);
      check();
    });
  return { child, finished, line };
}

/** Flags that make a Node say it is another one. */
export function pretendNode(version: string): string[] {
  return ["--import", `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"${version}"})`];
}

/** The marks of the test run, by which processes that outlive it are found. */
function marks(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[0].startsWith("GESTALT_EDGE_TEST") && entry[1] !== undefined,
    ),
  );
}

/** A copy of an example, where its dependencies resolve. */
export async function copyExample(name: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "cli-"));
  await cp(join(repository, "examples", name), folder, {
    recursive: true,
    filter: (path) => !/\/(dist|\.gestalt-edge)$/.test(path),
  });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) };
}

export async function temporaryFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "cli-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A minimal project with the given main module. */
export async function writeProject(folder: string, source: string): Promise<void> {
  await writeFile(
    join(folder, "wrangler.toml"),
    'name = "small"\nmain = "index.ts"\ncompatibility_date = "2026-07-01"\ncompatibility_flags = ["enable_request_signal"]\n',
  );
  await writeFile(join(folder, "index.ts"), source);
}
