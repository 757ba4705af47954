// Many clients at one database while its processes are killed; then everything is looked at.
import { join } from "node:path";
import type { TestContext } from "node:test";
import { atEnd, stateFolder, until } from "../../support/bridge-process.ts";
import { Seeded } from "../../support/seeded.ts";
import { Stalls } from "../../support/stalls.ts";
import { CallLog } from "./call-log.ts";
import { budget, type Client, work } from "./client.ts";
import { Connection } from "./connection.ts";
import { Ledger } from "./ledger.ts";
import { report } from "./report.ts";
import { lookAtTheEnd, makeStores } from "./stores.ts";
import { type Victim, Victims } from "./victims.ts";

export interface CrashesOptions {
  readonly seed: number;
  readonly kills: number;
  /** Calls that are answered between two kills. */
  readonly answersBetween: readonly [least: number, most: number];
}

/** Issue 4 §5. */
const CLIENTS = 50;
/** gestaltd starts a process for itself and further ones for each plugin; here they have one database. */
const BRIDGES = 2;
/** One client in so many leaves it to the bridge to keep deadlines. */
const PATIENT = 5;

const PROJECT = join(import.meta.dirname, "../app");

/** Fails with everything that was wrong, the seed, and how to have the same plan again. */
export async function runCrashes(t: TestContext, options: CrashesOptions): Promise<void> {
  const { seed } = options;
  t.diagnostic(`SEED=${seed}`);
  try {
    await new Run(t, options).run();
  } catch (error) {
    throw new Error(`with SEED=${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

class Run {
  readonly #t: TestContext;
  readonly #options: CrashesOptions;
  readonly #random: Seeded;
  readonly #ledger = new Ledger();
  readonly #log: CallLog;

  constructor(t: TestContext, options: CrashesOptions) {
    this.#t = t;
    this.#options = options;
    this.#random = new Seeded(options.seed);
    const stalls = new Stalls();
    atEnd(t, () => stalls.end());
    this.#log = new CallLog(stalls);
  }

  async run(): Promise<void> {
    const connections = new Map<number, Connection>();
    atEnd(this.#t, () => {
      for (const connection of connections.values()) connection.close();
    });
    const bridges = await this.#startBridges(connections);
    const clients = Array.from({ length: CLIENTS }, (_, at) => this.#client(at, connections));
    const [first] = clients as [Client, ...Client[]];
    await makeStores(first);
    await this.#crashUnder(clients, bridges);
    await lookAtTheEnd(first, this.#ledger);
    report(this.#t, this.#log, this.#ledger);
  }

  /** Each has its share of the clients, who are connected anew when it is started again. */
  #startBridges(connections: Map<number, Connection>): Promise<Victims[]> {
    const state = stateFolder(this.#t);
    const start = (bridge: number) => {
      const moved = (target: string) => {
        for (let client = bridge; client < CLIENTS; client += BRIDGES) {
          connections.get(client)?.close();
          connections.set(client, new Connection(target, this.#log));
        }
      };
      return Victims.start(this.#t, { project: PROJECT, state, table: "crashing", moved });
    };
    return Promise.all(Array.from({ length: BRIDGES }, (_, bridge) => start(bridge)));
  }

  #client(at: number, connections: ReadonlyMap<number, Connection>): Client {
    const random = this.#random.fork();
    const keptBy = at % PATIENT === 0 ? "bridge" : "client";
    return {
      name: `c${String(at).padStart(2, "0")}`,
      random,
      ledger: this.#ledger,
      log: this.#log,
      get connection() {
        return connections.get(at) as Connection;
      },
      budget: () => budget(random, keptBy),
    };
  }

  async #crashUnder(clients: readonly Client[], bridges: readonly Victims[]): Promise<void> {
    let over = false;
    const working = Promise.all(clients.map((client) => work(client, () => over)));
    // Whatever fails first ends the other, too.
    try {
      await Promise.race([this.#crash(bridges), working]);
    } finally {
      over = true;
      await working;
    }
  }

  async #crash(bridges: readonly Victims[]): Promise<void> {
    for (let kill = 0; kill < this.#options.kills; kill++) {
      await this.#answered();
      const bridge = this.#random.pick(bridges as [Victims, ...Victims[]]);
      const victim = this.#victim(kill, bridge);
      this.#log.disturbed(victim);
      await bridge.kill(victim);
    }
    await this.#answered();
  }

  /** Now and then the next one dies before the last one is back. */
  async #answered(): Promise<void> {
    const soon = this.#random.chance(SOON);
    const goal = this.#log.answered + (soon ? 1 : this.#random.integer(...this.#options.answersBetween));
    await until(() => this.#log.answered >= goal, `another ${goal - this.#log.answered} calls are answered`);
  }

  /** Each kind at first, then by chance. Not so often that a bridge or a node takes it for a crash that will come back. */
  #victim(kill: number, { workingKills }: Victims): Victim {
    const victim = EACH[kill] ?? this.#random.weighted(WEIGHTS);
    const since = performance.now() - WORKERD_WINDOW_MS;
    const workerdKills = this.#log.disturbances.filter(({ by, at }) => by === "workerd" && at > since).length;
    if (victim === "workerd" && workerdKills >= MAX_WORKERD_KILLS) return "node";
    return victim === "working process" && workingKills >= MAX_WORKING_KILLS ? "bridge" : victim;
  }
}

const EACH: readonly Victim[] = ["workerd", "working process", "node", "bridge", "supervisor"];
const WEIGHTS: Readonly<Record<Victim, number>> = {
  workerd: 6,
  "working process": 4,
  node: 2,
  bridge: 1,
  supervisor: 1,
};
/** After so many, the next restart is 1 s away, and later ones ever longer (restart-delay.ts). */
const MAX_WORKING_KILLS = 3;
/** A node gives workerd up at more than 10 deaths within 30 s (miniflare.ts), and says so: FAILED_PRECONDITION. */
const MAX_WORKERD_KILLS = 8;
const WORKERD_WINDOW_MS = 30_000;
const SOON = 0.2;
