// Which guarded service of an embedded worker runs which policy. Services are made when workerd starts, policies come and go
// with sessions: so there are slots, given to a policy while sessions hold it.
import type { SessionEgress } from "./session-egress.ts";

/** A session's claim on a slot. */
export interface Holder {
  readonly egress: SessionEgress;
}

/**
 * Code of an ended session may still run in its slot for a while, and from the slot's next policy it would gain hosts that its own
 * did not name. So a slot changes its rules only after this time, in milliseconds: as long as Cloudflare lets `waitUntil` run.
 */
export const QUARANTINE_MS = 30_000;

interface Slot<H> {
  /** Policy and proxies as text; undefined: nothing has run here since workerd started. */
  key: string | undefined;
  /** The policy alone. */
  rules: string | undefined;
  readonly holders: Set<H>;
  /** When the last holder left, in milliseconds since the epoch. */
  freedAt: number;
}

export class Slots<H extends Holder> {
  readonly #slots: Slot<H>[] = [];
  readonly #now: () => number;
  #peak = 0;

  constructor(count: number, now: () => number = Date.now) {
    this.#now = now;
    this.grow(count);
  }

  /** Most slots that were held at once. */
  get peak(): number {
    return this.#peak;
  }

  get count(): number {
    return this.#slots.length;
  }

  grow(count: number): void {
    while (this.#slots.length < count) {
      this.#slots.push({ key: undefined, rules: undefined, holders: new Set(), freedAt: 0 });
    }
  }

  /** workerd has been started anew: no code of ended sessions is left. */
  restarted(): void {
    for (const slot of this.#slots) if (slot.holders.size === 0) slot.key = slot.rules = undefined;
  }

  /** The slot's number; undefined when none is free. Sessions of one policy and one way out share a slot. */
  take(holder: H): number | undefined {
    const key = JSON.stringify(holder.egress);
    const rules = JSON.stringify(holder.egress.policy);
    const free = this.#slots.filter(({ holders }) => holders.size === 0);
    const slot =
      this.#slots.find((one) => one.key === key) ??
      free.find((one) => one.rules === rules) ??
      free.find((one) => one.key === undefined) ??
      free.find((one) => this.#now() - one.freedAt > QUARANTINE_MS);
    if (slot === undefined) return undefined;
    slot.key = key;
    slot.rules = rules;
    slot.holders.add(holder);
    this.#peak = Math.max(this.#peak, this.#slots.filter(({ holders }) => holders.size > 0).length);
    return this.#slots.indexOf(slot);
  }

  /** True when the slot is free now. */
  release(index: number, holder: H): boolean {
    const slot = this.#slots[index];
    if (slot === undefined || !slot.holders.delete(holder) || slot.holders.size > 0) return false;
    slot.freedAt = this.#now();
    return true;
  }

  holders(index: number): ReadonlySet<H> {
    return this.#slots[index]?.holders ?? new Set();
  }
}
