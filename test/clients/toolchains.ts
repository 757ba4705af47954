// Finds out which foreign clients this machine can run. What it cannot is skipped with the reason.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How to start a client, or why it cannot be started. */
export type Toolchain = { readonly command: string; readonly args: readonly string[] } | { readonly missing: string };

/** Longest a build may take on a machine that has never compiled grpc-go, in milliseconds. */
const BUILD_TIMEOUT_MS = 90_000;

const folder = (name: string) => new URL(`./${name}/`, import.meta.url).pathname;

export function nodeClient(): Toolchain {
  return { command: process.execPath, args: [`${folder("node")}client.ts`] };
}

/** `GRPC_PYTHON` names a Python with grpcio; otherwise `python3` on PATH is asked. */
export async function pythonClient(): Promise<Toolchain> {
  const python = process.env.GRPC_PYTHON ?? "python3";
  try {
    await run(python, ["-c", "import grpc"]);
  } catch (error) {
    return { missing: `${python} with grpcio (set GRPC_PYTHON to one): ${lastLine(error)}` };
  }
  return { command: python, args: [`${folder("python")}client.py`] };
}

/** Builds the client into `output`, a file. */
export async function goClient(output: string): Promise<Toolchain> {
  try {
    await run("go", ["build", "-o", output, "."], { cwd: folder("go"), timeout: BUILD_TIMEOUT_MS });
  } catch (error) {
    return { missing: `go with google.golang.org/grpc: ${lastLine(error)}` };
  }
  return { command: output, args: [] };
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr?.trim() || message).split("\n").at(-1) ?? "";
}
