// Serves one project in workerd until a signal comes: starts it when its sources are sound, and tells a screen what happens.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type EmbeddedNode, type EmbeddedWorker, startEmbeddedNode } from "../bridge/embedded/node.ts";
import { watchFiles } from "../bridge/embedded/watch-files.ts";
import { BridgeError } from "../bridge/errors.ts";
import { WorkerService } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { GrpcCode } from "../wire/codes.ts";
import { channelWarning } from "./channel-warning.ts";
import type { DevScreen } from "./dev-screen.ts";
import { CliError } from "./errors.ts";
import { targetOf } from "./temporary-worker.ts";
import { workerClient } from "./worker-client.ts";

export interface ServeOptions {
  readonly project: string;
  readonly port: number | undefined;
  readonly state: string | undefined;
  readonly signal: AbortSignal;
  readonly screen: DevScreen;
}

/** Resolves when the signal has come and the worker has ended. */
export async function serveProject(options: ServeOptions): Promise<void> {
  const node = await startWhenSound(options);
  if (node === undefined) return;
  try {
    await Promise.race([aborted(options.signal), node.ended]);
  } finally {
    await node.close();
  }
  if (!options.signal.aborted)
    throw new CliError({ what: "The worker has ended", where: options.project, fix: `Read ${node.logFile}` });
}

/** Starts the node; sources with an error are shown, and tried again when they have changed. */
async function startWhenSound(options: ServeOptions): Promise<EmbeddedNode | undefined> {
  while (!options.signal.aborted) {
    // Watched from before the attempt: a change made while it runs must not be missed.
    const change = await watchProject(options.project);
    try {
      return await startNode(options);
    } catch (error) {
      if (!(error instanceof BridgeError && error.code === GrpcCode.failedPrecondition)) throw error;
      options.screen.failed(options.project, error.message);
      await Promise.race([change.happened, aborted(options.signal)]);
    } finally {
      change.close();
    }
  }
  return undefined;
}

async function startNode({ project, port, state, screen }: ServeOptions): Promise<EmbeddedNode> {
  let shown: EmbeddedWorker | undefined;
  let showing = Promise.resolve();
  const show = async (worker: EmbeddedWorker) => {
    const first = shown === undefined;
    shown = worker;
    const target = await targetOf(worker, project);
    try {
      const described = await workerClient(target, WorkerService).describe({});
      const { providers } = described;
      const served = { project, worker, providers, warning: channelWarning(described) };
      if (first) screen.ready(served);
      else screen.reloaded(served);
    } finally {
      await target.close();
    }
  };
  return startEmbeddedNode({
    ...{ project, port, state, callLog: true, watch: true },
    hooks: {
      log: (line) => screen.log(line),
      bridges: (count) => screen.bridges(project, count),
      state: (next) => {
        if (next.type === "ready") {
          showing = showing
            .then(() => show(next.worker))
            .catch((error: unknown) => screen.failed(project, String(error)));
        } else if (next.type === "reload-failed") screen.failed(project, next.message);
        else if (next.type === "restarting") screen.restarting(project);
      },
    },
  });
}

const NOT_SOURCES = new Set(["node_modules", ".gestalt-edge", ".wrangler", ".git", "dist"]);

/** `happened` resolves at the first change of a source in the project, and when one is added. */
async function watchProject(project: string): Promise<{ readonly happened: Promise<void>; close(): void }> {
  const { promise: happened, resolve } = Promise.withResolvers<void>();
  const watch = watchFiles(resolve);
  watch.update([], await foldersOf(project));
  return { happened, close: () => watch.close() };
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !NOT_SOURCES.has(entry.name));
  const below = await Promise.all(folders.map(({ name }) => foldersOf(join(folder, name))));
  return [folder, ...below.flat()];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
