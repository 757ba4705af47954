// What a failed call to the Durable Object means to gestaltd.
import { Code, ConnectError } from "../../worker/index.ts";
import { NEWER_SCHEMA } from "../sqlite-schema.ts";

/** What the platform sets on errors of its own making (Durable Objects docs, "Error handling"). */
interface PlatformError {
  readonly retryable?: boolean;
  readonly overloaded?: boolean;
}

/** Whether the platform failed in a way that passes. An overloaded object has too much to do already. */
export function isRetryable(failure: unknown): boolean {
  const { retryable, overloaded } = platformError(failure);
  return retryable === true && overloaded !== true;
}

export function asConnectError(failure: unknown): unknown {
  if (!(failure instanceof Error) || failure instanceof ConnectError) return failure;
  const fault = faultOf(failure);
  return fault === undefined ? failure : new ConnectError(fault.text, fault.code, undefined, undefined, failure);
}

function faultOf(failure: Error): { readonly text: string; readonly code: Code } | undefined {
  const { retryable, overloaded } = platformError(failure);
  if (overloaded === true) {
    const text = "The credential store has more requests than one Durable Object can do.";
    return { text, code: Code.Unavailable };
  }
  if (failure.message.includes("SQLITE_FULL")) {
    return { text: "The credential store is full: a Durable Object holds 10 GB.", code: Code.ResourceExhausted };
  }
  if (failure.message.includes(NEWER_SCHEMA)) {
    const text = "The credential store was written by a newer release of gestalt-edge. Deploy that one again.";
    return { text, code: Code.FailedPrecondition };
  }
  if (retryable === true) return { text: "The credential store did not answer. Try again.", code: Code.Unavailable };
  return undefined;
}

function platformError(failure: unknown): PlatformError {
  return typeof failure === "object" && failure !== null ? failure : {};
}
