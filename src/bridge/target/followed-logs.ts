// The sessions whose lines a bridge wants from the node of its embedded worker, and where they go.
import type { BridgeMessage, FollowMessage, NodeMessage, WorkerState } from "../embedded/control-protocol.ts";
import type { SessionLog } from "../runtime-logs/session-log.ts";

type Line = Extract<NodeMessage, { type: "line" }>;
type State = Extract<NodeMessage, { type: "state" }>;

export class FollowedLogs {
  readonly #send: (message: BridgeMessage) => void;
  readonly #logs = new Map<string, SessionLog>();
  #faults: FollowMessage["faults"] = "each";
  /** Whether the node is there and understands. */
  #joined = false;
  #state: WorkerState["type"] | undefined;

  constructor(send: (message: BridgeMessage) => void) {
    this.#send = send;
  }

  /** Returns what ends it. */
  follow(session: string, log: SessionLog, faults: FollowMessage["faults"]): () => void {
    this.#logs.set(session, log);
    this.#faults = faults;
    this.#ask();
    return () => {
      if (this.#logs.get(session) !== log) return;
      this.#logs.delete(session);
      this.#ask();
    };
  }

  /** Told of each of the worker's states. */
  heard({ state, follows = false }: State): void {
    const before = this.#joined;
    this.#joined = follows;
    if (!before && this.#logs.size > 0) this.#ask();
    const news = newsOf(this.#state, state);
    this.#state = state.type;
    // Bridges that print in the same place would all say it.
    if (news === undefined || this.#faults === "shared") return;
    for (const log of this.#logs.values()) log.write("runtime", news);
  }

  left(): void {
    this.#joined = false;
  }

  receive({ session, level, message, time, dropped = 0 }: Line): void {
    const logs = session === undefined ? this.#logs.values() : [this.#logs.get(session)];
    for (const log of logs) {
      log?.dropped(dropped);
      log?.write(streamOf(session, level), message, new Date(time));
    }
  }

  #ask(): void {
    if (this.#joined) this.#send({ type: "follow", sessions: [...this.#logs.keys()], faults: this.#faults });
  }
}

function streamOf(session: string | undefined, level: Line["level"]): "stdout" | "stderr" | "runtime" {
  if (session === undefined) return "runtime";
  return level === "warn" || level === "error" ? "stderr" : "stdout";
}

/** What whoever reads a session's log should know of its worker. */
function newsOf(before: WorkerState["type"] | undefined, state: WorkerState): string | undefined {
  if (state.type === "restarting") return "the worker's process has ended; it is being started again";
  if (state.type === "ready" && before === "restarting") return "the worker runs again";
  if (state.type === "reload-failed" || state.type === "failed") return state.message;
  return undefined;
}
