// A bridge of kind indexeddb, its working process, and the embedded worker's two processes: each to be killed, and to come back as it
// does beside gestaltd.
import type { TestContext } from "node:test";
import {
  atEnd,
  type BridgeProcess,
  childrenOf,
  isAlive,
  nodeOf,
  startBridgeProcess,
  until,
  workerdsOf,
} from "../../support/bridge-process.ts";

/**
 * - `workerd`: the runtime, which its node starts again.
 * - `node`: what looks after workerd; the bridges start another.
 * - `working process`: what works in the bridge; the supervisor starts another.
 * - `supervisor`: the process that gestaltd started; the working process has to follow it.
 * - `bridge`: both at once.
 */
export type Victim = "workerd" | "node" | "working process" | "supervisor" | "bridge";

export interface VictimsOptions {
  readonly project: string;
  readonly state: string;
  readonly table: string;
  /** A bridge was started, also in place of one that was killed, and is configured: its socket, as gRPC clients take it. */
  readonly moved: (target: string) => void;
}

export class Victims {
  readonly #t: TestContext;
  readonly #options: VictimsOptions;
  #bridge: BridgeProcess;
  /** Working processes that were killed under this supervisor, which waits longer for each further one. */
  workingKills = 0;

  private constructor(t: TestContext, options: VictimsOptions, bridge: BridgeProcess) {
    this.#t = t;
    this.#options = options;
    this.#bridge = bridge;
  }

  static async start(t: TestContext, options: VictimsOptions): Promise<Victims> {
    return new Victims(t, options, await startConfigured(t, options));
  }

  /** Kills it, as soon as it is there. A supervisor is then replaced, as an operator would by starting gestaltd again. */
  async kill(victim: Victim): Promise<void> {
    const { child } = this.#bridge;
    switch (victim) {
      case "workerd":
        return killed("workerd", () => workerdsOf(nodeOf(this.#options.state)?.pid ?? 0));
      case "node":
        return killed("a node", () => [nodeOf(this.#options.state)?.pid ?? 0]);
      case "working process":
        this.workingKills += 1;
        return killed("a working process", () => childrenOf(child.pid ?? 0));
      case "bridge":
        for (const pid of alive(() => childrenOf(child.pid ?? 0))) process.kill(pid, "SIGKILL");
        return this.#replace();
      case "supervisor":
        return this.#replace();
    }
  }

  async #replace(): Promise<void> {
    const { child, exited } = this.#bridge;
    child.kill("SIGKILL");
    // The output is closed when the last of its processes is gone, too.
    atEnd(this.#t, () => exited);
    this.#bridge = await startConfigured(this.#t, this.#options);
    this.workingKills = 0;
  }
}

async function startConfigured(t: TestContext, options: VictimsOptions): Promise<BridgeProcess> {
  const { moved, project, state, table } = options;
  const bridge = await startBridgeProcess(t, "indexeddb", { name: "main" });
  await bridge.configure({ table, worker: { project, state } });
  moved(`unix:${bridge.socket}`);
  return bridge;
}

async function killed(what: string, find: () => readonly number[]): Promise<void> {
  let found: readonly number[] = [];
  await until(() => {
    found = alive(find);
    return found.length > 0;
  }, `there is ${what} to kill`);
  for (const pid of found) process.kill(pid, "SIGKILL");
}

/** None while whoever started them is gone. */
function alive(find: () => readonly number[]): readonly number[] {
  try {
    return find().filter((pid) => pid > 0 && isAlive(pid));
  } catch {
    return [];
  }
}
