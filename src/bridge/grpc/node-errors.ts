// Error codes of Node, the operating system and undici → gRPC code, and what they say about a request that failed.
import { constants } from "node:http2";
import { GrpcCode } from "../../wire/codes.ts";
import { grpcCodeFromResetCode } from "./reset-codes.ts";

/**
 * - `unreached`: no connection could be made, so the request never left.
 * - `lost`: a connection broke; the other side may or may not have seen the request.
 * - `timeout`: the other side was too slow.
 * - `malformed`: the other side does not speak HTTP as it should.
 * - `refused`: our own request was not fit to be sent.
 * - `aborted`: we gave up.
 */
type Failure = "unreached" | "lost" | "timeout" | "malformed" | "refused" | "aborted";

const CODE_OF_FAILURE: Readonly<Record<Failure, GrpcCode>> = {
  unreached: GrpcCode.unavailable,
  lost: GrpcCode.unavailable,
  timeout: GrpcCode.unavailable,
  malformed: GrpcCode.internal,
  refused: GrpcCode.internal,
  aborted: GrpcCode.canceled,
};

const TEXT_OF_FAILURE: Readonly<Record<Failure, string>> = {
  unreached: "cannot reach the worker",
  lost: "the connection to the worker broke",
  timeout: "the worker took too long",
  malformed: "the worker did not answer in HTTP",
  refused: "the request to the worker could not be made",
  aborted: "the request to the worker was given up",
};

const FAILURES: ReadonlyMap<string, Failure> = new Map<string, Failure>([
  ["ECONNREFUSED", "unreached"],
  ["ENOENT", "unreached"],
  ["EACCES", "unreached"],
  ["ENOTFOUND", "unreached"],
  ["EAI_AGAIN", "unreached"],
  ["EHOSTUNREACH", "unreached"],
  ["EHOSTDOWN", "unreached"],
  ["ENETUNREACH", "unreached"],
  ["ENETDOWN", "unreached"],
  ["EADDRNOTAVAIL", "unreached"],
  ["EMFILE", "unreached"],
  ["ENFILE", "unreached"],
  ["UND_ERR_CONNECT_TIMEOUT", "unreached"],
  ["UND_ERR_PRX_TLS", "unreached"],
  ["CERT_HAS_EXPIRED", "unreached"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "unreached"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "unreached"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unreached"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "unreached"],
  ["ECONNRESET", "lost"],
  ["ECONNABORTED", "lost"],
  ["EPIPE", "lost"],
  ["UND_ERR_SOCKET", "lost"],
  ["UND_ERR_CLOSED", "lost"],
  ["UND_ERR_DESTROYED", "lost"],
  ["UND_ERR_INFO", "lost"],
  ["ERR_HTTP2_GOAWAY_SESSION", "lost"],
  ["ERR_HTTP2_SESSION_ERROR", "lost"],
  ["ERR_STREAM_PREMATURE_CLOSE", "lost"],
  // A body that ends before its announced length: the worker died while it answered.
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "lost"],
  ["ETIMEDOUT", "timeout"],
  ["UND_ERR_HEADERS_TIMEOUT", "timeout"],
  ["UND_ERR_BODY_TIMEOUT", "timeout"],
  ["UND_ERR_HEADERS_OVERFLOW", "malformed"],
  ["UND_ERR_INVALID_ARG", "refused"],
  ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "refused"],
  ["UND_ERR_NOT_SUPPORTED", "refused"],
  ["UND_ERR_ABORTED", "aborted"],
  ["UND_ERR_ABORT", "aborted"],
  ["ABORT_ERR", "aborted"],
]);

/** What undici calls an answer that is no HTTP. Some of these errors have a code of llhttp's, some have none. */
const PARSER_ERROR = "HTTPParserError";

/** The gRPC code for a failed request. Looks along the chain of causes; unknown errors are UNAVAILABLE. */
export function grpcCodeFromNodeError(error: unknown): GrpcCode {
  for (const cause of causes(error)) {
    const reset = resetCode(cause);
    if (reset !== undefined) return grpcCodeFromResetCode(reset);
  }
  return CODE_OF_FAILURE[failureOf(error) ?? "lost"];
}

/** Whether the connection broke, or none could be made: the only failures after which a call may be sent again. */
export function isConnectionFailure(error: unknown): boolean {
  const failure = failureOf(error);
  return failure === "lost" || failure === "unreached";
}

/** What happened, for an operator, with the code to look up. Never the error's own text, which may hold an address. */
export function describeNodeError(error: unknown): string {
  return `${TEXT_OF_FAILURE[failureOf(error) ?? "lost"]} (${errorName(error)})`;
}

/** The same for the caller of what has failed: where there was a connection, there will mostly be another one soon. */
export function adviseNodeError(error: unknown): string {
  const advice = (failureOf(error) ?? "lost") === "lost" ? "; try again" : "";
  return describeNodeError(error) + advice;
}

/** Its code, else its class. */
export function errorName(error: unknown): string {
  for (const cause of causes(error)) {
    const code = codeOf(cause);
    if (code !== undefined) return code;
  }
  return error instanceof Error ? error.name : "error";
}

/** The error and its causes; an AggregateError (happy eyeballs) stands for the last of its errors. */
function* causes(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>();
  let current = error;
  while (typeof current === "object" && current !== null && !seen.has(current)) {
    seen.add(current);
    yield current;
    current = current instanceof AggregateError ? current.errors.at(-1) : (current as { cause?: unknown }).cause;
  }
}

function failureOf(error: unknown): Failure | undefined {
  for (const cause of causes(error)) {
    const isParserError = cause instanceof Error && cause.name === PARSER_ERROR;
    const failure = isParserError ? "malformed" : FAILURES.get(codeOf(cause) ?? "");
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : undefined;
}

/** `ERR_HTTP2_STREAM_ERROR` names its reset code only in the text: "Stream closed with error code NGHTTP2_CANCEL". */
function resetCode(error: unknown): number | undefined {
  if (codeOf(error) !== "ERR_HTTP2_STREAM_ERROR" || !(error instanceof Error)) return undefined;
  const name = /NGHTTP2_[A-Z_]+/.exec(error.message)?.[0];
  const code = name === undefined ? undefined : (constants as unknown as Record<string, unknown>)[name];
  return typeof code === "number" ? code : constants.NGHTTP2_INTERNAL_ERROR;
}
