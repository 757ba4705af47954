// The Durable Object that holds a part of a cache: the methods a worker calls, expiry, and the alarm that sweeps.
import { DurableObject } from "cloudflare:workers";
import { EntryTable } from "./entry-table.ts";
import { FARTHEST_ALARM_MS, NEXT_PORTION_MS, SWEEP_ENTRIES, SWEEP_INTERVAL_MS } from "./limits.ts";

/** Values in the order of the keys asked for and their bytes together; no values when those were more than allowed. */
export interface CacheObjectValues {
  readonly bytes: number;
  readonly values: readonly (Uint8Array | null)[] | null;
}

/** Export it from the worker's main module and name it in `wrangler.toml`; docs/cache.md has the lines. */
export class CacheObject extends DurableObject<unknown> {
  readonly #table: EntryTable;
  /** When the alarm is set for, in milliseconds; null for none, undefined before the first look. */
  #alarm: number | null | undefined;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    this.#table = new EntryTable(ctx.storage.sql);
  }

  /** Reads all keys as of one moment; stops when the values have more than `maxBytes`. */
  read(keys: readonly string[], maxBytes: number): CacheObjectValues {
    const now = this.now();
    const values: (Uint8Array | null)[] = [];
    let bytes = 0;
    for (const key of keys) {
      const value = this.#table.read(key, now);
      bytes += value?.byteLength ?? 0;
      if (bytes > maxBytes) return { bytes, values: null };
      values.push(value);
    }
    return { bytes, values };
  }

  /** Writes all entries or none. `ttl` in milliseconds; undefined for no expiry. */
  async write(entries: readonly (readonly [key: string, value: Uint8Array])[], ttl: number | undefined): Promise<void> {
    const deadline = ttl === undefined ? null : this.now() + ttl;
    this.ctx.storage.transactionSync(() => {
      for (const [key, value] of entries) this.#table.write(key, value, deadline);
    });
    await this.#sweepAfter(deadline);
  }

  /** Removes the keys; answers how many were there. */
  remove(keys: readonly string[]): number {
    const now = this.now();
    return this.ctx.storage.transactionSync(() => keys.filter((key) => this.#table.remove(key, now)).length);
  }

  /** Gives an entry a new lifetime; answers whether there was one. */
  async touch(key: string, ttl: number | undefined): Promise<boolean> {
    const now = this.now();
    const deadline = ttl === undefined ? null : now + ttl;
    const touched = this.#table.touch(key, deadline, now);
    if (touched) await this.#sweepAfter(deadline);
    return touched;
  }

  /** Removes what has expired, a portion at a time, and comes back when the next entry will have. */
  override async alarm(): Promise<void> {
    const more = this.ctx.storage.transactionSync(() => this.#table.sweep(this.now(), SWEEP_ENTRIES));
    this.#alarm = null;
    await this.#sweepAfter(more ? this.now() : this.#table.nextDeadline(), more ? NEXT_PORTION_MS : undefined);
  }

  /**
   * Milliseconds since the epoch. The object's clock alone decides what has expired, whatever its callers' clocks say.
   */
  protected now(): number {
    return Date.now();
  }

  protected sweepIntervalMs(): number {
    return SWEEP_INTERVAL_MS;
  }

  /**
   * Makes sure the alarm rings once `deadline` has passed, yet not before `pause` milliseconds from now. By real time,
   * as alarms are, and always in the future: set within its own handler to a time not after its own, an alarm never
   * rings again (workerd 2026-07-30).
   */
  async #sweepAfter(deadline: number | null, pause = this.sweepIntervalMs()): Promise<void> {
    if (deadline === null) return;
    if (this.#alarm === undefined) this.#alarm = await this.ctx.storage.getAlarm();
    const due = Math.min(Math.max(deadline, Date.now() + pause), Date.now() + FARTHEST_ALARM_MS);
    if (this.#alarm !== null && this.#alarm <= due) return;
    this.#alarm = due;
    await this.ctx.storage.setAlarm(due);
  }
}
