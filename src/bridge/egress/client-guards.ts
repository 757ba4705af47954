// The guards that one bridge holds on a node: what its control connection asks for, and what it is told.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { Guard, NodeEgress } from "./node-egress.ts";
import type { SessionEgress } from "./session-egress.ts";

/** What the control connection of a bridge can be told. */
export interface GuardClient {
  /** The guards' origins have changed. */
  changed(): void;
  refused(id: string, error: BridgeError): void;
  denied(id: string, reason: string, times: number): void;
}

/** The same denial is told again after this time, in milliseconds, with the number of times it has happened since. */
const REPEAT_MS = 60_000;
/** More distinct denials of one guard are not told apart: a worker may try hosts without end. */
const MAX_REASONS = 100;

interface Told {
  at: number;
  untold: number;
}

export class ClientGuards {
  readonly #egress: NodeEgress;
  readonly #client: GuardClient;
  readonly #guards = new Map<string, Guard>();
  readonly #told = new Map<string, Told>();

  constructor(egress: NodeEgress, client: GuardClient) {
    this.#egress = egress;
    this.#client = client;
  }

  ask(id: string, egress: SessionEgress): void {
    this.release(id);
    const { guard, granted } = this.#egress.grant(egress);
    this.#guards.set(id, guard);
    granted.then(
      () => this.#client.changed(),
      (cause: unknown) => {
        if (this.#guards.get(id) === guard) this.#guards.delete(id);
        this.#client.refused(id, toBridgeError(cause));
      },
    );
  }

  release(id: string): void {
    const guard = this.#guards.get(id);
    if (guard === undefined) return;
    this.#guards.delete(id);
    this.#egress.release(guard);
    for (const key of this.#told.keys()) if (key.startsWith(`${id} `)) this.#told.delete(key);
  }

  releaseAll(): void {
    for (const id of this.#guards.keys()) this.release(id);
  }

  /** By id, of those that are granted; `origins` are the guarded services' by their number. */
  origins(origins: readonly string[]): Record<string, string> {
    const granted = [...this.#guards].map(([id, { slot }]) => [id, slot === undefined ? undefined : origins[slot]]);
    return Object.fromEntries(granted.filter(([, origin]) => origin !== undefined));
  }

  denied(guards: readonly Guard[], reason: string): void {
    for (const [id, guard] of this.#guards) if (guards.includes(guard)) this.#tell(id, reason);
  }

  #tell(id: string, reason: string): void {
    const exact = `${id} ${reason}`;
    const key = this.#told.has(exact) || this.#told.size < MAX_REASONS ? exact : `${id} `;
    const told = this.#told.get(key) ?? { at: Number.NEGATIVE_INFINITY, untold: 0 };
    told.untold += 1;
    this.#told.set(key, told);
    if (Date.now() - told.at < REPEAT_MS) return;
    this.#client.denied(id, reason, told.untold);
    told.at = Date.now();
    told.untold = 0;
  }
}

function toBridgeError(cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BridgeError(GrpcCode.internal, `the embedded worker cannot be guarded: ${message}`, { user: false });
}
