// What went wrong between us and an issuer, as one vocabulary: a code and a sentence for gestaltd's operator, with no secret in it.
import { JOSEError } from "jose/errors";
import {
  AuthorizationResponseError,
  OperationProcessingError,
  ResponseBodyError,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";
import { Code, ConnectError } from "../../worker/index.ts";

/** What was under way. `what` begins each sentence: `"google": the token endpoint`. */
export interface Step {
  readonly what: string;
  /** The code for an answer that is not as the protocol has it. */
  readonly code: Code;
  /** Texts that were sent and must not come back in an error: code, verifier, client secret. */
  readonly secrets?: readonly (string | undefined)[];
}

/** Errors of OAuth (RFC 6749 §5.2) that have a meaning of their own. All others are our request's fault. */
const MEANINGS: Readonly<Record<string, { readonly code: Code; readonly text: string }>> = {
  invalid_grant: {
    code: Code.Unauthenticated,
    text: "refused the authorization code: it is too old, was used before, or belongs to another sign-in. Begin again",
  },
  invalid_client: {
    code: Code.FailedPrecondition,
    text: "does not accept the client; compare clientId and clientSecret with what the issuer has",
  },
};

/** Longest text of an issuer that is repeated, in UTF-16 units. */
const MAX_DESCRIPTION_LENGTH = 200;

/** Runs a step; what it throws comes out in that vocabulary. A `ConnectError` stays what it is. */
export async function inStep<T>(step: Step, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw meaningOf(error, step);
  }
}

function meaningOf(error: unknown, step: Step): unknown {
  const { what, code } = step;
  if (error instanceof ResponseBodyError) return refusal(error.error, error.error_description, step);
  if (error instanceof WWWAuthenticateChallengeError) return refusal("invalid_client", undefined, step);
  // What stands in a redirect, anybody can have written: the description is not repeated.
  if (error instanceof AuthorizationResponseError) {
    return new ConnectError(`${what} did not sign anybody in (${errorName(error.error)}).`, Code.Unauthenticated);
  }
  // The libraries' texts are fixed sentences; values stand in `cause`, which goes nowhere.
  if (
    error instanceof OperationProcessingError ||
    error instanceof UnsupportedOperationError ||
    error instanceof JOSEError
  ) {
    return new ConnectError(`${what} is not acceptable: ${error.message}.`, code);
  }
  return error;
}

function refusal(name: string, description: string | undefined, { what, secrets = [] }: Step): ConnectError {
  const { code, text } = MEANINGS[name] ?? { code: Code.FailedPrecondition, text: "refused the request" };
  const told = description?.replace(/[^\x20-\x7e]+/g, " ").slice(0, MAX_DESCRIPTION_LENGTH);
  const isSafe = told !== undefined && secrets.every((secret) => secret === undefined || !told.includes(secret));
  return new ConnectError(`${what} ${text} (${errorName(name)}${isSafe ? `: ${told}` : ""}).`, code);
}

/** RFC 6749 §5.2 has names of such letters only. */
function errorName(name: string): string {
  return /^[a-zA-Z0-9_.-]{1,64}$/.test(name) ? name : "unnamed error";
}
