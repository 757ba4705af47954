// The value of one binding: a Worker secret is text that is at hand, a Secrets Store binding is asked for it.
import { type BackoffSources, type Caller, Code, ConnectError, withBackoff } from "../../worker/index.ts";

/** Tries of a Secrets Store that fails: gestaltd's start hangs on the answer, and passing failures pass within a second. */
const BACKOFF = { attempts: 4, firstMs: 50, maxMs: 400 } as const;

/**
 * Undefined when a Secrets Store holds no such secret. Throws FAILED_PRECONDITION for a binding of another kind, UNAVAILABLE
 * when the store keeps failing. Errors hold the platform's text only as their cause, which goes nowhere.
 */
export async function readBinding(
  binding: unknown,
  name: string,
  caller: Caller,
  sources?: BackoffSources,
): Promise<string | undefined> {
  if (typeof binding === "string") return binding;
  if (!isStoreSecret(binding)) throw noSecret(name);
  try {
    const value: unknown = await withBackoff(() => binding.get(), isPassing, BACKOFF, caller, sources);
    if (typeof value === "string") return value;
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    if (caller.signal.aborted) throw failure;
    if (isPassing(failure)) throw unavailable(name, failure);
  }
  throw noSecret(name);
}

function isStoreSecret(binding: unknown): binding is SecretsStoreSecret {
  return typeof binding === "object" && binding !== null && "get" in binding && typeof binding.get === "function";
}

/** The platform tells a missing secret by its text alone. */
function isMissing(failure: unknown): boolean {
  return failure instanceof Error && /not found|does not exist/i.test(failure.message);
}

/** A TypeError is a binding with another `get`, such as a KV namespace's; that does not pass. */
function isPassing(failure: unknown): boolean {
  return !isMissing(failure) && !(failure instanceof TypeError);
}

function noSecret(name: string): ConnectError {
  return new ConnectError(
    `The worker's binding ${name} is neither a secret nor a secret of a Secrets Store.`,
    Code.FailedPrecondition,
  );
}

function unavailable(name: string, cause: unknown): ConnectError {
  const text = `The Secrets Store did not answer for the worker's binding ${name}. Try again.`;
  return new ConnectError(text, Code.Unavailable, undefined, undefined, cause);
}
