// One request to a token endpoint: how it is encoded, how much of an answer is read, and what the answer says. Every request that is
// made for a token goes through here.
import { EgressDeniedError } from "../../../worker/index.ts";
import { ENDPOINT_MS, MAX_ANSWER_BYTES } from "../limits.ts";
import { failureOf, type RefusedAnswer, TokenFailure } from "./failure.ts";

export interface EndpointRequest {
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
  readonly about: RefusedAnswer["about"];
}

/** Times are given, so that tests need not wait. */
export interface EndpointTimes {
  now(): number;
  /** How long the endpoint has, in milliseconds. */
  readonly endpointMs?: number | undefined;
}

export type EndpointAnswer = Readonly<Record<string, unknown>>;

/**
 * The answer of a request that succeeded, a JSON object.
 *
 * @throws TokenFailure
 */
export async function askEndpoint(request: EndpointRequest, times: EndpointTimes): Promise<EndpointAnswer> {
  const { url, about } = request;
  const response = await send(request, times);
  const { status } = response;
  // A secret sent on to where somebody else says, is a secret told.
  if (status >= 300 && status < 400) throw misconfigured(url, `answered ${status}, a redirect, which is not followed`);
  const answer = parse(await textOf(response, url), response.headers.get("content-type"));
  // GitHub and Slack answer 200 for refusals too.
  if (response.ok && answer !== undefined && !answer.error) return answer;
  if (response.ok && answer === undefined) throw unavailable(url, "answered with no JSON object");
  const retryAfter = response.headers.get("retry-after");
  const { error } = answer ?? {};
  throw failureOf({ host: url.host, status, error, retryAfter, about, sent: sentWith(request) }, times.now());
}

/** Body and credentials of a request, the latter as they were before they were encoded (RFC 6749 §2.3.1). */
function sentWith({ headers, body }: EndpointRequest): string {
  const authorization = headers.get("authorization") ?? "";
  const [, basic] = /^Basic (.+)$/.exec(authorization) ?? [];
  return `${body} ${basic === undefined ? authorization : decodeURIComponent(atob(basic))}`;
}

async function send({ url, headers, body }: EndpointRequest, { endpointMs }: EndpointTimes): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(endpointMs ?? ENDPOINT_MS);
    return await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
  } catch (error) {
    throw unanswered(error, url);
  }
}

async function textOf(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER_BYTES) break;
    }
  } catch (error) {
    throw unanswered(error, url);
  }
  if (bytes > MAX_ANSWER_BYTES) throw misconfigured(url, `answered with more than ${MAX_ANSWER_BYTES} bytes`);
  return new Blob(chunks).text();
}

/** JSON, whatever it says it is, or a form, as GitHub's answers are to those who accept anything. */
function parse(text: string, contentType: string | null): EndpointAnswer | undefined {
  if (contentType?.startsWith("application/x-www-form-urlencoded"))
    return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A failed fetch's own text may hold the URL with all that somebody put into it. */
function unanswered(error: unknown, url: URL): TokenFailure {
  if (error instanceof EgressDeniedError) {
    const why =
      "cannot be asked: this worker was deployed with --guard-egress, which lets no Durable Object out. Deploy the";
    return misconfigured(url, `${why} credentials as a worker of their own`);
  }
  const isLate = error instanceof Error && error.name === "TimeoutError";
  return unavailable(url, isLate ? "took too long to answer" : "could not be reached, or broke off");
}

function unavailable({ host }: URL, what: string): TokenFailure {
  return new TokenFailure("unavailable", `the token endpoint at ${host} ${what}`);
}

function misconfigured({ host }: URL, what: string): TokenFailure {
  return new TokenFailure("misconfigured", `the token endpoint at ${host} ${what}`);
}
