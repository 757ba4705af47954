/// <reference lib="esnext.typedarrays" />
// Runs a session's hooks once per isolate and session revision, however many tokens and calls that session has.
import type { Call } from "../call.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Session } from "./session.ts";

/** Sessions remembered per provider and isolate. A forgotten one runs its hooks again, which they must stand anyway. */
const SESSIONS_KEPT = 256;

/**
 * A run this old, in milliseconds, belongs to a request that is gone: `waitUntil` keeps one alive for 30 seconds after
 * its caller has left (Workers platform limits). Without a limit one killed request would block its session for good.
 */
const ABANDONED_AFTER_MS = 30_000;

type Run<T> =
  | { readonly state: "running"; readonly result: Promise<T>; readonly startedMs: number }
  | { readonly state: "done"; readonly value: T };

export class OncePerSession<T> {
  readonly #runs = new BoundedMap<string, Run<T>>(SESSIONS_KEPT);
  readonly #work: (session: Session, call: Call) => Promise<T>;

  constructor(work: (session: Session, call: Call) => Promise<T>) {
    this.#work = work;
  }

  /** The result of the session's run; calls that arrive together share one. A failure is not kept. */
  async get(session: Session, call: Call): Promise<T> {
    const key = await keyOf(session);
    const known = this.#runs.get(key);
    if (known?.state === "done") return known.value;
    if (known !== undefined && Date.now() - known.startedMs < ABANDONED_AFTER_MS) return known.result;
    const result = this.#work(session, call);
    const run: Run<T> = { state: "running", result, startedMs: Date.now() };
    this.#runs.set(key, run);
    // Other calls wait for this one's work, so it must go on when this call's own caller leaves.
    call.waitUntil(result.then(noop, noop));
    try {
      const value = await result;
      this.#runs.set(key, { state: "done", value });
      return value;
    } catch (error) {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
      throw error;
    }
  }

  /** Returns what the session's run came to; undefined when there was none, or none that has ended. */
  async forget(session: Session): Promise<T | undefined> {
    const key = await keyOf(session);
    const known = this.#runs.get(key);
    this.#runs.delete(key);
    return known?.state === "done" ? known.value : undefined;
  }
}

/**
 * Digest of all that hooks can see of a session. Ids are unique by the bridges' word only: should two bridges use one,
 * neither may get what the other's config became.
 */
async function keyOf({ issuer, id, revision, provider, name, config, env, hosts, egress }: Session): Promise<string> {
  const seen = JSON.stringify([issuer, id, revision, provider, name, config, env, hosts, egress]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(seen))).toHex();
}

function noop(): void {}
