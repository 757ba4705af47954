// The process gestaltd starts: it looks after the one that works. gestaltd never restarts a provider, so this one must not
// have faults: it holds what has to survive a crash (sockets, configuration in memory), loads next to nothing and does no work.
import { rmSync } from "node:fs";
import type { BridgeError } from "../errors.ts";
import { watchParent } from "../lifecycle/parent.ts";
import { END_SIGNALS, survive } from "../lifecycle/process.ts";
import type { Log } from "../log.ts";
import { removeSocketFolder } from "../socket-folder.ts";
import { Doors } from "./doors.ts";
import { restartDelay, STABLE_MS } from "./restart-delay.ts";
import { describeEnd, type End, type Report, startWorkingProcess, type WorkingProcess } from "./working-process.ts";

export interface SupervisorOptions {
  readonly log: Log;
  /** The bridge's own socket. */
  readonly socket: string;
  /** gestaltd's process id; undefined when the bridge was started by hand. */
  readonly parentPid: number | undefined;
}

/** gestaltd kills 2,000 ms after SIGTERM; the working process gives up before this. In milliseconds. */
const STOP_MS = 1_900;
/** Longest wait, in milliseconds, that connections are kept waiting for; during a longer one callers hear UNAVAILABLE. */
const HOLD_MS = 1_000;
const EXIT_FAILED = 1;

type State =
  | { readonly type: "starting"; readonly working: WorkingProcess }
  | { readonly type: "serving"; readonly working: WorkingProcess; readonly since: number }
  | { readonly type: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly type: "stopping" };

/** Starts the working process, and another one whenever it ends by itself. Ends this process with it. */
export function supervise(options: SupervisorOptions): void {
  new Supervisor(options).start();
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #doors = new Doors((visitor) => this.#working?.offer(visitor));
  readonly #kept = new Map<string, string>();
  readonly #folders = new Set<string>();
  #state: State | undefined;
  /** Restarts in a row; undefined until a working process has served for the first time. */
  #restarts: number | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(): void {
    const { log, parentPid, socket } = this.#options;
    for (const signal of END_SIGNALS) process.on(signal, () => this.#stop(() => undefined));
    if (parentPid !== undefined) watchParent(parentPid, () => this.#stop(() => removeSocketFolder(socket)));
    survive(log);
    this.#startProcess();
  }

  get #working(): WorkingProcess | undefined {
    return this.#state !== undefined && "working" in this.#state ? this.#state.working : undefined;
  }

  #startProcess(): void {
    this.#doors.whileUnattended("wait");
    const working = startWorkingProcess((message) => this.#receive(message, working));
    this.#state = { type: "starting", working };
    working.send({ type: "begin", kept: [...this.#kept] });
    void working.ended.then((end) => this.#ended(end));
  }

  #receive(message: Report, working: WorkingProcess): void {
    switch (message.type) {
      case "keep":
        this.#kept.set(message.key, message.value);
        break;
      case "forget":
        this.#kept.delete(message.key);
        break;
      case "open":
        void this.#open(message.path, working);
        break;
      case "close":
        this.#doors.close(message.path);
        break;
      case "taken":
        this.#doors.taken(message.path, message.id);
        break;
      case "folder":
        this.#folders.add(message.path);
        break;
      case "serving":
        this.#doors.closeUnattended();
        this.#restarts ??= 0;
        if (this.#state?.type === "starting") this.#state = { type: "serving", working, since: performance.now() };
    }
  }

  async #open(path: string, working: WorkingProcess): Promise<void> {
    try {
      await this.#doors.open(path);
      working.send({ type: "opened", path });
    } catch (error) {
      const { code, message } = error as BridgeError;
      working.send({ type: "refused", path, code, message });
    }
  }

  #ended(end: End): void {
    this.#doors.leave();
    const state = this.#state;
    if (state?.type === "stopping") return;
    // As if there were one process only: gestaltd reports the code, and the process itself has said why.
    if (this.#restarts === undefined) this.#exit(end.type === "exit" && end.code !== 0 ? end.code : EXIT_FAILED);
    if (state?.type === "serving" && performance.now() - state.since > STABLE_MS) this.#restarts = 0;
    const delay = restartDelay(this.#restarts);
    this.#restarts += 1;
    this.#doors.whileUnattended(delay > HOLD_MS ? "refused" : "wait");
    const fields = { cause: describeEnd(end), restart: this.#restarts, delayMs: delay };
    this.#options.log.error("the working process of the bridge has ended by itself; another one is started", fields);
    this.#state = { type: "waiting", timer: setTimeout(() => this.#startProcess(), delay) };
  }

  /** Ends the working process and then this one, with 0: gestaltd reports any other code as an error. */
  #stop(atLast: () => void): void {
    const state = this.#state;
    if (state?.type === "stopping") return;
    this.#state = { type: "stopping" };
    const exit = () => {
      try {
        atLast();
      } finally {
        this.#exit(0);
      }
    };
    if (state === undefined || state.type === "waiting") {
      clearTimeout(state?.timer);
      exit();
      return;
    }
    const { working } = state;
    working.kill("SIGTERM");
    setTimeout(() => working.kill("SIGKILL"), STOP_MS);
    void working.ended.then(exit);
  }

  #exit(code: number): never {
    this.#doors.closeAll();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  }
}
