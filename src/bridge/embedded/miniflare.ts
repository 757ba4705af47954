// The one file that knows Miniflare: runs a bundle in workerd, swaps it, hears of workerd's death. Other versions of
// Miniflare take other options; nothing outside this file sees either.
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import type { WorkerBundle } from "./bundle.ts";
import type { WorkerLogLine } from "./node-log.ts";
import { guardOrphan } from "./orphan-guard.ts";
import type { WorkerProject } from "./project.ts";

export interface WorkerdSpec {
  readonly project: WorkerProject;
  readonly bundle: WorkerBundle;
  /** Variables set over the project's own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Folder for the bindings' data. */
  readonly data: string;
  /** Port on 127.0.0.1; 0 for any. */
  readonly port: number;
}

export interface WorkerdHooks {
  log(line: WorkerLogLine): void;
  /** workerd has ended although nobody asked it to. It is being started again. */
  died(): void;
  /** It runs again, at this origin. */
  revived(origin: string): void;
  /** It cannot be brought back. */
  lost(error: Error): void;
}

export interface Workerd {
  /** `http://127.0.0.1:<port>`, straight to the worker: Miniflare's own entry worker would halve the throughput. */
  readonly origin: string;
  /** Ends the running worker and starts another; data stays. Resolves to the new origin. */
  replace(spec: WorkerdSpec): Promise<string>;
  close(): Promise<void>;
}

/** Waits between attempts to bring workerd back, in milliseconds; after the last one it is lost. */
const REVIVAL_WAITS_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];
/** workerd may die this often … */
const MAX_DEATHS = 10;
/** … within this time, in milliseconds, before it counts as lost: a worker that kills its runtime would spin for ever. */
const DEATHS_WINDOW_MS = 30_000;

/**
 * Starts workerd.
 *
 * @throws whatever Miniflare throws; {@link isAddressInUse} recognises a taken port.
 */
export async function startWorkerd(spec: WorkerdSpec, hooks: WorkerdHooks): Promise<Workerd> {
  let current = spec;
  let expected = true;
  let closed = false;
  let deaths: number[] = [];
  const watch = watchProcesses(() => {
    if (expected || closed) return;
    void revive();
  });
  const withoutSignals = rememberSignalListeners();
  const miniflare = new Miniflare(options(spec, hooks));
  withoutSignals();

  const origin = async () => (await miniflare.unsafeGetDirectURL()).origin;

  const revive = async () => {
    hooks.died();
    const now = Date.now();
    deaths = [...deaths.filter((time) => now - time < DEATHS_WINDOW_MS), now];
    let failure = new Error(`workerd ended ${deaths.length} times within ${DEATHS_WINDOW_MS / 1000} s`);
    for (const [attempt, wait] of (deaths.length > MAX_DEATHS ? [] : REVIVAL_WAITS_MS).entries()) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (closed) return;
      try {
        // Miniflare itself starts workerd again, once; the later attempts are ours.
        if (attempt > 0) await miniflare.setOptions(options({ ...current, port: 0 }, hooks));
        return hooks.revived(await origin());
      } catch (error) {
        failure = error as Error;
      }
    }
    if (!closed) hooks.lost(failure);
  };

  try {
    const first = await origin();
    expected = false;
    return {
      origin: first,
      async replace(next) {
        expected = true;
        try {
          await miniflare.setOptions(options(next, hooks));
          current = next;
          return await origin();
        } finally {
          expected = false;
        }
      },
      async close() {
        if (closed) return;
        closed = true;
        await miniflare.dispose();
        watch.end();
      },
    };
  } catch (error) {
    closed = true;
    await miniflare.dispose().catch(() => undefined);
    watch.end();
    throw error;
  }
}

/** Whether starting failed because the wanted port is taken. */
export function isAddressInUse(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_ADDRESS_IN_USE";
}

function options({ project, bundle, variables, data, port }: WorkerdSpec, hooks: WorkerdHooks): MiniflareOptions {
  const { workerOptions, externalWorkers } = project.miniflare;
  const { modulesRules: _rules, ...bindings } = workerOptions;
  const map = Buffer.from(bundle.sourceMap).toString("base64");
  const worker = {
    ...bindings,
    name: project.name,
    modules: [
      {
        type: "ESModule" as const,
        path: "worker.js",
        contents: `${bundle.code}\n//# sourceMappingURL=data:application/json;base64,${map}`,
      },
      ...bundle.modules.map(({ name, type, contents }) => ({ type, path: name.replace("./", ""), contents })),
    ],
    bindings: { ...workerOptions.bindings, ...variables },
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
  return {
    workers: [worker, ...externalWorkers],
    defaultPersistRoot: data,
    host: "127.0.0.1",
    // Both would call home.
    cf: false,
    telemetry: { enabled: false },
    logRequests: false,
    log: new HookLog(hooks),
    structuredWorkerdLogs: true,
    handleStructuredLogs: ({ level, message, timestamp }: StructuredLog) =>
      hooks.log({ level: toLevel(level), message, time: timestamp }),
  };
}

interface StructuredLog {
  readonly level: string;
  readonly message: string;
  readonly timestamp: number;
}

/** Miniflare's own messages, as lines of the node's log. */
class HookLog extends Log {
  readonly #hooks: WorkerdHooks;

  constructor(hooks: WorkerdHooks) {
    super(LogLevel.WARN);
    this.#hooks = hooks;
  }

  override logWithLevel(level: LogLevel, message: string): void {
    if (level > LogLevel.WARN) return;
    this.#hooks.log({ level: level === LogLevel.WARN ? "warn" : "error", message, time: Date.now() });
  }
}

function toLevel(level: string): WorkerLogLine["level"] {
  return level === "debug" || level === "warn" || level === "error" ? level : "info";
}

/**
 * Calls `ended` whenever a workerd of this process ends, and guards each against outliving it. Miniflare shows its child
 * to nobody, but Node announces every child process.
 */
function watchProcesses(ended: () => void): { end(): void } {
  const listener = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (!child.spawnargs.includes("--control-fd=3") || child.pid === undefined) return;
      const guard = guardOrphan(child.pid);
      child.once("exit", () => {
        guard.dismiss();
        ended();
      });
    });
  };
  subscribe("child_process", listener);
  return { end: () => unsubscribe("child_process", listener) };
}

/** Miniflare ends the process itself on signals, before a node could tell its bridges; the function takes that back. */
function rememberSignalListeners(): () => void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  return () => {
    for (const signal of signals) {
      for (const listener of process.listeners(signal)) {
        if (!before.has(listener)) process.removeListener(signal, listener);
      }
    }
  };
}
