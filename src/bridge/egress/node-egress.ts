// Egress in the node of an embedded worker: gives sessions with a policy a guarded service of their own, answers what its gate
// asks, and tells the bridges what was denied.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { GrpcCode } from "../../wire/codes.ts";
import { decide, decideForAll, type EgressPolicy, parsePolicy, type Verdict } from "../../wire/egress/policy.ts";
import { BridgeError } from "../errors.ts";
import { type Destination, type ProxyRoute, proxyRoute } from "./dial.ts";
import { type Admission, type Gate, openGate, type Way } from "./gate.ts";
import type { SessionEgress } from "./session-egress.ts";
import { Slots } from "./slots.ts";

/** Paths of the gates, for workerd's config. Undefined while no session has ever had a policy here. */
export interface GatePaths {
  /** In the names of the services: a wrangler file could bind one whose name it knew, and step out of its own guard. */
  readonly mark: string;
  /** Of the service that owns the project's Durable Objects. */
  readonly objects: string;
  /** Of the guarded services. */
  readonly slots: readonly string[];
}

export interface NodeEgressHooks {
  /** Starts workerd anew with as many guarded services as there are gates; called one at a time. */
  restart(): Promise<void>;
  /** So many slots are needed at once; to be remembered for the next start. */
  needed(slots: number): void;
  /** A session's guard has denied something; `guards` are those it may have been. */
  denied(guards: readonly Guard[], reason: string): void;
}

/** A session's claim on a guarded service. */
export interface Guard {
  readonly egress: SessionEgress;
  readonly policy: EgressPolicy;
  /** Number of the service, once it is granted. */
  slot: number | undefined;
}

/** The first policy makes room for a second; from then on room doubles: each slot costs a node about 70 ms at its start. */
const FIRST_SLOTS = 2;
/** More distinct policies at once are refused: each slot is an isolate of 15 to 30 MB. */
const MAX_SLOTS = 32;

/** Enough that nobody can guess it. */
const MARK_BYTES = 12;

export class NodeEgress {
  readonly #folder: string;
  readonly #hooks: NodeEgressHooks;
  readonly #slots = new Slots<Guard>(0);
  readonly #gates: Gate[] = [];
  readonly #mark = randomBytes(MARK_BYTES).toString("hex");
  readonly #guards = new Set<Guard>();
  #objects: Gate | undefined;
  #remembered = 0;
  /** Grants are made one after the other: the first of many makes room for all. */
  #granting: Promise<unknown> = Promise.resolve();

  /** `folder` holds the gates' sockets; only this user can enter it. */
  constructor(folder: string, hooks: NodeEgressHooks) {
    this.#folder = folder;
    this.#hooks = hooks;
  }

  get paths(): GatePaths | undefined {
    if (this.#objects === undefined) return undefined;
    return { mark: this.#mark, objects: this.#objects.path, slots: this.#gates.map(({ path }) => path) };
  }

  get slots(): number {
    return this.#gates.length;
  }

  /** Opens gates until there are `count` slots. workerd learns of them when it is started next. */
  async open(count: number): Promise<void> {
    if (count === 0) return;
    this.#objects ??= await openGate(join(this.#folder, "gate-objects.sock"), {
      admit: (destination, way) => this.#admitForObjects(destination, way),
    });
    for (let index = this.#gates.length; index < Math.min(count, MAX_SLOTS); index += 1) {
      const rules = { admit: (destination: Destination, way: Way) => this.#admit(index, destination, way) };
      this.#gates.push(await openGate(join(this.#folder, `gate-${index}.sock`), rules));
    }
    this.#slots.grow(this.#gates.length);
  }

  /** workerd has been started anew. */
  restarted(): void {
    this.#slots.restarted();
  }

  /**
   * Grants a guarded service. Calls of the session may go there from then on, and nowhere else.
   *
   * @throws BridgeError RESOURCE_EXHAUSTED when there are too many policies at once.
   */
  grant(egress: SessionEgress): { readonly guard: Guard; readonly granted: Promise<void> } {
    const guard: Guard = { egress, policy: parsePolicy(egress.policy), slot: undefined };
    this.#guards.add(guard);
    this.#objects?.recheck();
    const granted = this.#granting.then(() => this.#grant(guard));
    this.#granting = granted.catch(() => this.release(guard));
    return { guard, granted };
  }

  release(guard: Guard): void {
    this.#guards.delete(guard);
    const { slot } = guard;
    guard.slot = undefined;
    if (slot !== undefined && this.#slots.release(slot, guard)) this.#gates[slot]?.cut();
  }

  async close(): Promise<void> {
    await this.#objects?.close();
    await Promise.all(this.#gates.map((gate) => gate.close()));
  }

  async #grant(guard: Guard): Promise<void> {
    // Released while it waited.
    if (!this.#guards.has(guard)) return;
    let slot = this.#slots.take(guard);
    if (slot === undefined && this.slots < MAX_SLOTS) {
      await this.open(Math.max(FIRST_SLOTS, 2 * this.slots));
      await this.#hooks.restart();
      slot = this.#slots.take(guard);
    }
    if (slot === undefined) throw tooMany();
    this.#remember();
    if (this.#guards.has(guard)) guard.slot = slot;
    else this.#slots.release(slot, guard);
  }

  #remember(): void {
    const needed = Math.max(FIRST_SLOTS, this.#slots.peak);
    if (needed === this.#remembered) return;
    this.#remembered = needed;
    this.#hooks.needed(needed);
  }

  #admit(slot: number, destination: Destination, way: Way): Admission {
    const guards = [...this.#slots.holders(slot)];
    const [first] = guards;
    if (first === undefined) return { verdict: NOBODY, proxy: undefined, denied: () => undefined };
    const verdict = decide(first.policy, destination.host, destination.port);
    return this.#answer(verdict, guards, this.#proxyOf(first.egress, way));
  }

  /** Durable Objects serve all sessions of the project, so they may do what every policy in force allows. */
  #admitForObjects(destination: Destination, way: Way): Admission {
    const guards = [...this.#guards];
    const policies = guards.map(({ policy }) => policy);
    const verdict = decideForAll(policies, destination.host, destination.port);
    const proxies = guards.map(({ egress }) => this.#proxyOf(egress, way));
    return this.#answer(
      verdict,
      guards,
      proxies.find((proxy) => proxy !== undefined),
    );
  }

  #answer(verdict: Verdict, guards: readonly Guard[], proxy: ProxyRoute | undefined): Admission {
    const denied = (reason: string) => this.#hooks.denied(guards, reason);
    if (!verdict.allowed) denied(verdict.reason);
    return { verdict, proxy, denied };
  }

  #proxyOf(egress: SessionEgress, way: Way): ProxyRoute | undefined {
    const address = egress.proxies[way];
    return address === undefined ? undefined : proxyRoute(address);
  }
}

/** What a slot answers between sessions. */
const NOBODY: Verdict = { allowed: false, rule: "no session", reason: "egress is denied: the session has ended" };

function tooMany(): BridgeError {
  return new BridgeError(
    GrpcCode.resourceExhausted,
    `this worker's node runs ${MAX_SLOTS} distinct egress policies already; give plugins equal allowedHosts, or host some on another worker`,
  );
}
