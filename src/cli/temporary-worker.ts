// A worker that runs just long enough to be asked what it serves; its data goes to a folder that is removed again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { type EmbeddedWorker, startEmbeddedNode, type WorkerLogLine } from "../bridge/embedded/node.ts";
import { parseSigningKey } from "../bridge/session/signing-key.ts";
import { openPool } from "../bridge/target/pool.ts";
import type { Endpoint, Target } from "../bridge/target/target.ts";
import { CliError } from "./errors.ts";

export async function withTemporaryWorker<T>(project: string, use: (target: Target) => Promise<T>): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), "gestalt-edge-build-"));
  try {
    const printed: string[] = [];
    const log = ({ level, message }: WorkerLogLine) => void (level === "error" && printed.push(message));
    const node = await startEmbeddedNode({ project, state, hooks: { log } });
    const target = await targetOf(node.worker, project);
    try {
      return await use(target);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      throw new CliError({
        what: `The worker does not say what it serves: ${[error.rawMessage, ...printed].join("\n")}`,
        where: project,
        fix: "Correct what it printed; `gestalt-edge dev` shows more",
      });
    } finally {
      await target.close();
      await node.close();
    }
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

/** A target for a worker that runs in this very process. */
export async function targetOf({ origin, name, key }: EmbeddedWorker, description: string): Promise<Target> {
  const endpoint: Endpoint = {
    ...{ origin, basePath: "", headers: {}, audience: name },
    dispatcher: openPool({ origin, env: {} }),
    key: await parseSigningKey(JSON.stringify(key), "worker.key"),
  };
  return {
    description,
    endpoint: () => endpoint,
    connectFailed: () => undefined,
    close: () => endpoint.dispatcher.close(),
  };
}
