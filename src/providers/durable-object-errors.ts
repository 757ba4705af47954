// What a failed call of a Durable Object means to gestaltd.
import { Code, ConnectError } from "../worker/index.ts";
import { NEWER_SCHEMA } from "./sqlite-schema.ts";

/** How an object is spoken of in an error. */
export interface FailingObject {
  /** With its article, as a sentence begins: "The credential store". */
  readonly name: string;
  /** What an operator can do about too many requests, as a sentence. */
  readonly whenOverloaded?: string;
  /** What an operator can do about a full object, as a sentence. */
  readonly whenFull?: string;
}

/**
 * Whether the platform failed in a way that passes. An overloaded object must not be asked again: that is what it has
 * too much of.
 */
export function isRetryable(failure: unknown): boolean {
  return isPassing(failure) && platformError(failure).overloaded !== true;
}

/**
 * The error to answer with: UNAVAILABLE for what passes, RESOURCE_EXHAUSTED for a full object, FAILED_PRECONDITION for
 * data of a newer release. What has another reason stays as it is, and so does a `ConnectError`.
 */
export function durableObjectError(failure: unknown, object: FailingObject): unknown {
  if (!(failure instanceof Error) || failure instanceof ConnectError) return failure;
  const fault = faultOf(failure, object);
  return fault === undefined ? failure : new ConnectError(fault.text, fault.code, undefined, undefined, failure);
}

function faultOf(
  failure: Error,
  { name, whenOverloaded, whenFull }: FailingObject,
): { readonly text: string; readonly code: Code } | undefined {
  if (platformError(failure).overloaded === true) {
    const text = advised(`${name} has more requests than one Durable Object can do.`, whenOverloaded);
    return { text, code: Code.Unavailable };
  }
  if (failure.message.includes("SQLITE_FULL")) {
    const text = advised(`${name} is full: a Durable Object holds 10 GB.`, whenFull);
    return { text, code: Code.ResourceExhausted };
  }
  if (failure.message.includes(NEWER_SCHEMA)) {
    const text = `${name} cannot be opened: ${failure.message}. Deploy that release again.`;
    return { text, code: Code.FailedPrecondition };
  }
  if (isPassing(failure)) return { text: `${name} did not answer. Try again.`, code: Code.Unavailable };
  return undefined;
}

function advised(text: string, advice: string | undefined): string {
  return advice === undefined ? text : `${text} ${advice}`;
}

function isPassing(failure: unknown): boolean {
  const { durableObjectReset, message, retryable } = platformError(failure);
  return retryable === true || durableObjectReset === true || message === SESSION_GONE;
}

/** What the platform says, and nothing else marks, when what a caller holds of an object is used after that object's end. */
const SESSION_GONE = "The execution context which hosts this callback is no longer running.";

/** What the platform sets on errors of its own making (Durable Objects docs, "Error handling"). */
interface PlatformError {
  readonly message?: string;
  readonly retryable?: boolean;
  /** The object ended in the middle of the call, and the next one finds another. Not in the docs; workerd sets it. */
  readonly durableObjectReset?: boolean;
  readonly overloaded?: boolean;
}

function platformError(failure: unknown): PlatformError {
  return typeof failure === "object" && failure !== null ? failure : {};
}
