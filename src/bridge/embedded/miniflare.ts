// The one file that knows Miniflare: runs a bundle in workerd, swaps it, hears of workerd's death. Other versions of
// Miniflare take other options; nothing outside this file sees either.
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import type { GatePaths } from "../egress/node-egress.ts";
import type { WorkerBundle } from "./bundle.ts";
import { guardOrphan } from "./orphan-guard.ts";
import type { WorkerProject } from "./project.ts";
import { workerServices } from "./worker-services.ts";
import { readWorkerdOutput, type WorkerdLine } from "./workerd-output.ts";

export interface WorkerdSpec {
  readonly project: WorkerProject;
  readonly bundle: WorkerBundle;
  /** Variables set over the project's own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Folder for the bindings' data. */
  readonly data: string;
  /** Port on 127.0.0.1; 0 for any. */
  readonly port: number;
  /** Gates of the guarded services; undefined when there are none. */
  readonly gates: GatePaths | undefined;
}

/** `http://127.0.0.1:<port>`, straight to a service: Miniflare's own entry worker would halve the throughput. */
export interface WorkerdOrigins {
  /** For sessions without an egress policy. */
  readonly open: string;
  /** Guarded services, in the order of their gates. */
  readonly guarded: readonly string[];
  /** All ports of 127.0.0.1 that lead to the project, or to Miniflare itself. */
  readonly ports: readonly number[];
}

export interface WorkerdHooks {
  log(line: WorkerdLine): void;
  /** workerd has ended although nobody asked it to. It is being started again. */
  died(): void;
  /** It runs again, at these origins. */
  revived(origins: WorkerdOrigins): void;
  /** It cannot be brought back. */
  lost(error: Error): void;
}

export interface Workerd {
  readonly origins: WorkerdOrigins;
  /** Ends the running worker and starts another; data stays. */
  replace(spec: WorkerdSpec): Promise<WorkerdOrigins>;
  close(): Promise<void>;
}

/** Waits between attempts to bring workerd back, in milliseconds; after the last one it is lost. */
const REVIVAL_WAITS_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];
/** workerd may die this often … */
const MAX_DEATHS = 10;
/** … within this time, in milliseconds, before it counts as lost: a worker that kills its runtime would spin for ever. */
const DEATHS_WINDOW_MS = 30_000;

/** Longest wait for the end of a workerd that did not start, in milliseconds: Miniflare may know before Node has told of it. */
const END_MS = 500;

/** workerd was killed by somebody else while it started, which says nothing about the worker. */
export class WorkerdKilled extends Error {
  override readonly name = "WorkerdKilled";
}

/**
 * Starts workerd.
 *
 * @throws WorkerdKilled, or whatever Miniflare throws; {@link isAddressInUse} recognises a taken port.
 */
export async function startWorkerd(spec: WorkerdSpec, hooks: WorkerdHooks): Promise<Workerd> {
  let current = spec;
  let expected = true;
  let closed = false;
  let deaths: number[] = [];
  let firstEnd: "itself" | "signal" | undefined;
  const ended = Promise.withResolvers<void>();
  const watch = watchProcesses((by) => {
    firstEnd ??= by;
    ended.resolve();
    if (expected || closed) return;
    void revive();
  });
  const withoutSignals = rememberSignalListeners();
  const foreign = new Set(listeningPorts());
  const miniflare = new Miniflare(options(spec, hooks));
  withoutSignals();

  const origin = async (name: string) => (await miniflare.unsafeGetDirectURL(name)).origin;
  /** Of Miniflare's own server, which it shows to nobody, and which would do much for whoever asks. */
  let own: readonly number[] | undefined;
  const origins = async (): Promise<WorkerdOrigins> => {
    const services = workerServices(current);
    const [open, ...guarded] = await Promise.all([services.open, ...services.guarded].map(origin));
    if (open === undefined) throw new Error("no service is there");
    const direct = [open, ...guarded, (await miniflare.ready).origin].map((address) => Number(new URL(address).port));
    own ??= listeningPorts().filter((port) => !foreign.has(port));
    return { open, guarded, ports: [...direct, ...own] };
  };

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
        return hooks.revived(await origins());
      } catch (error) {
        failure = error as Error;
      }
    }
    if (!closed) hooks.lost(failure);
  };

  try {
    const first = await origins();
    expected = false;
    // It was already there, and is gone again.
    if (firstEnd !== undefined) void revive();
    return {
      origins: first,
      async replace(next) {
        expected = true;
        try {
          await miniflare.setOptions(options(next, hooks));
          current = next;
          return await origins();
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
    await Promise.race([ended.promise, sleep(END_MS, undefined, { ref: false })]);
    const text = "workerd was killed while it started";
    const cause = firstEnd === "signal" ? new WorkerdKilled(text, { cause: error }) : error;
    await miniflare.dispose().catch(() => undefined);
    watch.end();
    throw cause;
  }
}

/** Whether starting failed because the wanted port is taken. */
export function isAddressInUse(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_ADDRESS_IN_USE";
}

function options(spec: WorkerdSpec, hooks: WorkerdHooks): MiniflareOptions {
  return {
    workers: [...workerServices(spec).workers],
    defaultPersistRoot: spec.data,
    host: "127.0.0.1",
    // Both would call home.
    cf: false,
    telemetry: { enabled: false },
    logRequests: false,
    log: new HookLog(hooks),
    structuredWorkerdLogs: true,
    // Miniflare's own reader of these does not tell whose line it is.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      readWorkerdOutput(stdout, "stdout", hooks.log);
      readWorkerdOutput(stderr, "stderr", hooks.log);
    },
  };
}

/** Where this process listens. */
function listeningPorts(): number[] {
  // Without it names of hosts are looked up.
  Object.assign(process.report, { excludeNetwork: true });
  const { libuv = [] } = process.report.getReport() as { libuv?: readonly Handle[] };
  return libuv.flatMap(({ type, localEndpoint, remoteEndpoint }) =>
    type === "tcp" && remoteEndpoint === null && localEndpoint?.port ? [localEndpoint.port] : [],
  );
}

interface Handle {
  readonly type: string;
  readonly localEndpoint?: { readonly port?: number } | null;
  readonly remoteEndpoint?: unknown;
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
    this.#hooks.log({ from: "workerd", level: level === LogLevel.WARN ? "warn" : "error", message, time: Date.now() });
  }
}

/**
 * Calls `ended` whenever a workerd of this process ends, by its own or by a signal, and guards each against outliving it. Miniflare
 * shows its child to nobody, but Node announces every child process.
 */
function watchProcesses(ended: (by: "itself" | "signal") => void): { end(): void } {
  const listener = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (!child.spawnargs.includes("--control-fd=3") || child.pid === undefined) return;
      const guard = guardOrphan(child.pid);
      child.once("exit", (_code, signal) => {
        guard.dismiss();
        ended(signal === null ? "itself" : "signal");
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
