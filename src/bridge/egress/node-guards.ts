// The guards a bridge holds on an embedded node, across nodes that end and come back, workers that are restarted and move.
import { randomUUID } from "node:crypto";
import { GrpcCode } from "../../wire/codes.ts";
import type { BridgeMessage, NodeMessage } from "../embedded/control-protocol.ts";
import { BridgeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { openPool } from "../target/pool.ts";
import type { Endpoint } from "../target/target.ts";
import type { SessionEgress } from "./session-egress.ts";

/** One session's guard. */
export interface NodeGuard {
  /** Where the session's calls go; undefined until the node says so. */
  readonly endpoint: Endpoint | undefined;
  /** Why there is no guard, and will be none. */
  readonly refusal: BridgeError | undefined;
}

class Guard implements NodeGuard {
  readonly id = randomUUID();
  readonly egress: SessionEgress;
  readonly log: Log;
  endpoint: Endpoint | undefined;
  refusal: BridgeError | undefined;

  constructor(egress: SessionEgress, log: Log) {
    this.egress = egress;
    this.log = log;
  }
}

export class NodeGuards {
  readonly #send: (message: BridgeMessage) => void;
  readonly #guards = new Map<string, Guard>();
  /** `unable`: a node of an older gestalt-edge, which would not understand. */
  #node: "none" | "able" | "unable" = "none";

  /** `send` does nothing while there is no node. */
  constructor(send: (message: BridgeMessage) => void) {
    this.#send = send;
  }

  add(egress: SessionEgress, log: Log): NodeGuard {
    const guard = new Guard(egress, log);
    this.#guards.set(guard.id, guard);
    this.#ask(guard);
    return guard;
  }

  remove(guard: NodeGuard): void {
    for (const [id, one] of this.#guards) {
      if (one !== guard) continue;
      this.#guards.delete(id);
      if (this.#node === "able") this.#send({ type: "release", id });
      one.refusal ??= new BridgeError(GrpcCode.failedPrecondition, "the session has ended");
      void one.endpoint?.dispatcher.close();
      one.endpoint = undefined;
    }
  }

  has(endpoint: Endpoint): boolean {
    return [...this.#guards.values()].some((guard) => guard.endpoint === endpoint);
  }

  /** A node has spoken; `able` tells whether it can guard. Every node is asked for everything once. */
  joined(able: boolean): void {
    if (this.#node !== "none") return;
    this.#node = able ? "able" : "unable";
    for (const guard of this.#guards.values()) this.#ask(guard);
  }

  /** The node has gone, and with it what it granted. */
  left(): void {
    this.#node = "none";
    for (const guard of this.#guards.values()) this.#move(guard, undefined);
  }

  /** What the node has granted by now. `open` is the worker without a guard: name and key are the same. */
  update(origins: Readonly<Record<string, string>>, open: Endpoint): void {
    for (const [id, guard] of this.#guards) {
      const origin = origins[id];
      const { endpoint } = guard;
      if (endpoint?.origin === origin && endpoint?.key === open.key) continue;
      this.#move(
        guard,
        origin === undefined ? undefined : { ...open, origin, dispatcher: openPool({ origin, env: {} }) },
      );
    }
  }

  refused({ id, code, message }: Extract<NodeMessage, { type: "guard-refused" }>): void {
    const guard = this.#guards.get(id);
    if (guard !== undefined) guard.refusal = new BridgeError(code as GrpcCode, message);
  }

  denied({ id, reason, times }: Extract<NodeMessage, { type: "denied" }>): void {
    this.#guards.get(id)?.log.warn(reason, times > 1 ? { times } : {});
  }

  async close(): Promise<void> {
    const endpoints = [...this.#guards.values()].map(({ endpoint }) => endpoint);
    this.#guards.clear();
    await Promise.all(endpoints.map((endpoint) => endpoint?.dispatcher.destroy()));
  }

  #ask(guard: Guard): void {
    if (this.#node === "able") this.#send({ type: "guard", id: guard.id, egress: guard.egress });
    if (this.#node === "unable") guard.refusal = tooOld();
  }

  /** Calls in flight on the old connections may finish. */
  #move(guard: Guard, endpoint: Endpoint | undefined): void {
    void guard.endpoint?.dispatcher.close();
    guard.endpoint = endpoint;
  }
}

function tooOld(): BridgeError {
  return new BridgeError(
    GrpcCode.failedPrecondition,
    "the gestalt-edge package of the worker's project is older than this bridge and cannot enforce allowedHosts; update it there",
  );
}
