// Starts a program of the bench and finds the processes whose CPU and memory are measured.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, then closed: for what must not stand in the arguments. */
  readonly input?: string;
  /** Resolves when the program can be called. */
  readonly ready: (child: ChildProcess) => Promise<unknown>;
}

/** Starts a Node program and waits until it is ready; throws when it ends before. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const child = spawn(process.execPath, options.args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  child.stdin.end(options.input ?? "");
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const exited = once(child, "exit");
  const failed = exited.then(([code]) =>
    Promise.reject(new Error(`${options.args[0]} ended with ${String(code)}: ${complaint}`)),
  );
  await Promise.race([options.ready(child), failed]);
  failed.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Resolves with the first output of a program. */
export function firstOutput(child: ChildProcess): Promise<unknown> {
  return child.stdout === null ? Promise.reject(new Error("no output to wait for")) : once(child.stdout, "data");
}

/** Processes that `parent` started itself; none where there is no /proc. */
export function childrenOf(parent: number): number[] {
  try {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Processes named `name` below `parent`, at any depth; none where there is no /proc. */
export function descendants(parent: number, name: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  } catch {
    return [];
  }
  const stats = entries.flatMap((entry) => {
    try {
      const [, pid, command, fields] = /^(\d+) \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${entry}/stat`, "utf8")) ?? [];
      return [{ pid: Number(pid), command, parent: Number(fields?.split(" ")[1]) }];
    } catch {
      return [];
    }
  });
  const below = (pid: number): number[] =>
    stats
      .filter((process) => process.parent === pid)
      .flatMap((process) => [...(process.command === name ? [process.pid] : []), ...below(process.pid)]);
  return below(parent);
}
