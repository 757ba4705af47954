// What goes wrong with credentials in a way gestaltd understands: errors that authors throw, and the codes they become.
import { Code, ConnectError } from "@connectrpc/connect";

/** There is no such credential: whoever it concerns is not connected (gestaltd answers 412 `not_connected`). */
export class CredentialNotFoundError extends Error {
  override readonly name = "CredentialNotFoundError";

  constructor(message = "There is no such credential.", options?: ErrorOptions) {
    super(message, options);
  }
}

/** The credential is of no use any more, and only connecting again helps (412 `reconnect_required`). */
export class ReconnectRequiredError extends Error {
  override readonly name = "ReconnectRequiredError";

  constructor(message = "The credential is of no use any more; connect again.", options?: ErrorOptions) {
    super(message, options);
  }
}

/** There are several, and the call does not say which (409 `instance_selection_required`). */
export class AmbiguousCredentialError extends Error {
  override readonly name = "AmbiguousCredentialError";

  /** gestaltd knows this error by the word "ambiguous" alone, so a message without it gets it. */
  constructor(message = "several credentials fit, and no instance is named", options?: ErrorOptions) {
    super(/ambiguous/i.test(message) ? message : `ambiguous: ${message}`, options);
  }
}

/** Codes of the errors above (reference/gestaltd.md §4.5); everything else is a failure to gestaltd. */
const CODES = [
  [CredentialNotFoundError, Code.NotFound],
  [ReconnectRequiredError, Code.Unauthenticated],
  [AmbiguousCredentialError, Code.FailedPrecondition],
] as const;

/** The error to throw from a surface, for one of the three; undefined for any other. */
export function toSurfaceError(error: unknown): ConnectError | undefined {
  for (const [type, code] of CODES) {
    if (error instanceof type) return new ConnectError(error.message, code, undefined, undefined, error);
  }
  return undefined;
}
