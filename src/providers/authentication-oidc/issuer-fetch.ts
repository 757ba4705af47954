// `fetch` towards an issuer: with a time limit, a size limit, and failures in words. What its answers mean is for others to say.
import { Code, ConnectError, EgressDeniedError } from "../../worker/index.ts";
import { MAX_ANSWER_BYTES } from "./limits.ts";

export interface FetchLimits {
  /** Who is asked for what: `"google": the token endpoint`. Begins the sentence of each failure. */
  readonly what: string;
  readonly timeoutSeconds: number;
  /** Ends the request when its caller has gone. Without it the request runs for others too. */
  readonly signal?: AbortSignal | undefined;
}

/** Why there is no answer that anything could be made of. */
type Lack = "slow" | "unreachable" | "large" | "busy" | "failed";

/** UNAVAILABLE, in a sentence for gestaltd's operator. */
class IssuerUnavailableError extends ConnectError {
  readonly lack: Lack;

  constructor(what: string, lack: Lack) {
    super(`${what}. Try again.`, Code.Unavailable);
    this.lack = lack;
  }
}

/** Lacks that may pass within a second. Time that ran out once is not spent a second time. */
const PASSING: ReadonlySet<Lack> = new Set(["unreachable", "busy", "failed"]);

export function isPassing(failure: unknown): boolean {
  return failure instanceof IssuerUnavailableError && PASSING.has(failure.lack);
}

/**
 * The whole answer, redirects not followed. Throws an {@link IssuerUnavailableError} when there is none in time, or one that says to
 * come again (429 and from 500 on), FAILED_PRECONDITION when egress to the issuer is denied.
 */
export async function issuerFetch(url: string, init: object, limits: FetchLimits): Promise<Response> {
  const { what, timeoutSeconds, signal } = limits;
  const time = AbortSignal.timeout(timeoutSeconds * 1000);
  const given = signal === undefined ? time : AbortSignal.any([signal, time]);
  let response: Response;
  let body: Uint8Array | undefined;
  try {
    response = await fetch(url, { ...init, redirect: "manual", signal: given });
    body = await wholeBody(response);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof EgressDeniedError)
      throw new ConnectError(`${what}: ${error.message}`, Code.FailedPrecondition);
    if (!time.aborted) throw new IssuerUnavailableError(`${what} cannot be reached`, "unreachable");
    throw new IssuerUnavailableError(`${what} did not answer within ${timeoutSeconds} s`, "slow");
  }
  if (body === undefined) {
    throw new IssuerUnavailableError(`${what} answered with more than ${MAX_ANSWER_BYTES} bytes`, "large");
  }
  const { status, statusText, headers } = response;
  if (status === 429) throw new IssuerUnavailableError(`${what} asks for fewer requests (429)`, "busy");
  if (status >= 500) throw new IssuerUnavailableError(`${what} failed (${status})`, "failed");
  // Statuses that have no body may not be given one, not even an empty one.
  return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
}

/** Undefined when it is too large. */
async function wholeBody({ body }: Response): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body ?? []) {
    length += piece.byteLength;
    if (length > MAX_ANSWER_BYTES) return undefined;
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
