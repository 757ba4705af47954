// The worker under measurement and the bridge in front of it, both as users run them: workerd through Miniflare, and the
// built bridge file started with the environment gestaltd gives it.
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ProviderLifecycle } from "../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PRESIGN_SECRET_BINDING } from "../src/wire/bindings.ts";
import { type StartWorkerOptions, startWorker, type TestWorker, WORKER_NAME } from "../test/support/worker-harness.ts";
import { childrenOf, descendants, type Program, startProgram } from "./processes.ts";

export const BRIDGE = join(import.meta.dirname, "..", "dist", "gestalt-edge-bridge.mjs");

export interface Subject extends AsyncDisposable {
  readonly worker: TestWorker;
  /** The workerd process. */
  readonly workerPids: readonly number[];
  /** A folder of the bench's own, for sockets. */
  readonly folder: string;
  /** Starts a bridge of a kind for a provider of the worker, and configures it. */
  startBridge(kind: "cache" | "s3" | "runtime", provider: string): Promise<RunningBridge>;
}

export interface RunningBridge extends Program {
  /** The process that works; the one that supervises it does nothing. */
  readonly pid: number;
  readonly socket: string;
}

export async function startSubject(
  entry = "subject",
  options: Pick<StartWorkerOptions, "durableObjects"> = {},
): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "ge-bench-"));
  const before = new Set(descendants(process.pid, "workerd"));
  const worker = await startWorker({
    entry: new URL(`./workers/${entry}.worker.ts`, import.meta.url),
    vars: { [PRESIGN_SECRET_BINDING]: "a secret that only the bench uses, long enough" },
    r2Buckets: ["BENCH"],
    provider: "cache",
    ...options,
  });
  const bridges: Program[] = [];
  return {
    worker,
    folder,
    workerPids: descendants(process.pid, "workerd").filter((pid) => !before.has(pid)),
    async startBridge(kind, provider) {
      const socket = join(folder, `${kind}-${bridges.length}.sock`);
      const bridge = await startProgram({
        args: [BRIDGE, kind],
        env: bridgeEnvironment(socket),
        ready: () => connectable(socket),
      });
      bridges.push(bridge);
      const place = { url: worker.url, name: WORKER_NAME, provider, key: worker.privateKey };
      await configure(socket, kind === "runtime" ? { workers: { [provider]: place } } : { worker: place });
      const [pid = bridge.pid] = childrenOf(bridge.pid);
      return { ...bridge, pid, socket };
    },
    async [Symbol.asyncDispose]() {
      for (const bridge of bridges) await bridge.stop();
      await worker.dispose();
      await rm(folder, { recursive: true });
    },
  };
}

export function bridgeEnvironment(socket: string): Record<string, string> {
  return {
    GESTALT_PLUGIN_SOCKET: socket,
    GESTALT_PLUGIN_PARENT_PID: String(process.pid),
    GESTALT_PLUGIN_NAME: "bench",
  };
}

/** Resolves once something accepts connections on the socket. */
export async function connectable(socket: string): Promise<void> {
  for (;;) {
    const accepted = await new Promise<boolean>((resolve) => {
      const connection = net.connect(socket);
      connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
      connection.once("close", () => undefined);
      connection.once("connect", () => connection.destroy());
    });
    if (accepted) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** As gestaltd configures a provider. */
export async function configure(socket: string, config: JsonObject): Promise<void> {
  const transport = createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => net.connect(socket) },
    idleConnectionTimeoutMs: 0,
  });
  await createClient(ProviderLifecycle, transport).configureProvider({ name: "bench", config, protocolVersion: 3 });
}
