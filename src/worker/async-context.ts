// Which call a piece of code runs for, asked from anywhere: through awaits, timers and callbacks. What is patched for all
// sessions at once (`console`, `fetch`) finds its session by this.
import type { Call } from "./call.ts";
import { guardInstalled } from "./egress/guard-state.ts";
import { hasSessionLog } from "./logging/session-log.ts";

/** The part of Node's `AsyncLocalStorage` that is used. */
interface Storage {
  run<T>(call: Call, work: () => T): T;
  getStore(): Call | undefined;
}

const storage = await openStorage();

/** Without it `runInCall` only runs and `currentCall` is always undefined: the worker lacks the compatibility flag. */
export const hasCallContext = storage !== undefined;

/** Runs `work` for `call`. Everything it starts belongs to the call too, also what goes on after `work` has returned. */
export function runInCall<T>(call: Call, work: () => T): T {
  return storage === undefined || !isWatched(call) ? work() : storage.run(call, work);
}

/** The call the running code was started for; undefined outside of any, and in workers without the flag. */
export function currentCall(): Call | undefined {
  return storage?.getStore();
}

/**
 * Whether anything will ask: the session's log, its egress policy, or a guard, which denies what runs for no call. The
 * context costs a lean call some 8 µs of CPU, a tenth of all (measured in workerd 1.20260730), because every continuation
 * has to put it back.
 */
function isWatched(call: Call): boolean {
  const { allow, default: fallback } = call.session.egress;
  return hasSessionLog(call) || guardInstalled() || allow.length > 0 || fallback === "deny";
}

/**
 * workerd has the module only with the compatibility flag `nodejs_als` or `nodejs_compat`; a worker without them must start
 * all the same. So it is asked for when the worker starts, by a name that no bundler looks up beforehand. It is the one
 * module of Node's that worker code uses.
 */
async function openStorage(): Promise<Storage | undefined> {
  const name: string = "node:async_hooks";
  try {
    const { AsyncLocalStorage }: { AsyncLocalStorage: new () => Storage } = await import(name);
    return new AsyncLocalStorage();
  } catch {
    return undefined;
  }
}
