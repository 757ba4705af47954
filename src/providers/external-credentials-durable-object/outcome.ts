// What the object answers. An error that leaves a Durable Object has only its text left, so what callers must tell apart is an answer.
import {
  AmbiguousCredentialError,
  Code,
  ConnectError,
  CredentialNotFoundError,
  ReconnectRequiredError,
} from "../../worker/index.ts";

/** Why there is nothing to answer with. */
export type RefusalKind =
  | "missing"
  | "ambiguous"
  /** Only connecting again helps. */
  | "reconnect"
  /** It will pass. */
  | "unavailable"
  /** The operator has to do something. */
  | "misconfigured"
  | "too large";

/** A text that holds no secret. */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly text: string;
}

export type Outcome<T> = { readonly value: T } | { readonly refusal: Refusal };

/** Thrown within the object. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(kind: RefusalKind, text: string) {
    super(text);
    this.refusal = { kind, text };
  }
}

/** In the object: makes an answer of what `work` returns or refuses. */
export async function outcomeOf<T>(work: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof RefusedError) return { refusal: error.refusal };
    throw error;
  }
}

/** In the worker: the value, or the error that gestaltd understands. */
export function settled<T>(outcome: Outcome<T>): T {
  if ("value" in outcome) return outcome.value;
  throw ERRORS[outcome.refusal.kind](outcome.refusal.text);
}

const ERRORS: Readonly<Record<RefusalKind, (text: string) => Error>> = {
  missing: (text) => new CredentialNotFoundError(text),
  ambiguous: (text) => new AmbiguousCredentialError(text),
  reconnect: (text) => new ReconnectRequiredError(text),
  unavailable: (text) => new ConnectError(text, Code.Unavailable),
  misconfigured: (text) => new ConnectError(text, codeOfMisconfigured(text)),
  "too large": (text) => new ConnectError(text, Code.ResourceExhausted),
};

/** gestaltd takes a FAILED_PRECONDITION with this word in it, be it a host's name, for {@link AmbiguousCredentialError}. */
export function codeOfMisconfigured(text: string): Code {
  return /ambiguous/i.test(text) ? Code.Internal : Code.FailedPrecondition;
}
