// A worker's answer to a call with one reply, taken whole and judged: success, Connect error, or something else in its place.
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { SESSION_REFUSED_HEADER } from "../../wire/routes.ts";
import { BridgeError } from "../errors.ts";
import { FLAG_COMPRESSED, FLAG_END_STREAM, FrameParser, flagsOf, PREFIX_BYTES, payloadOf } from "../grpc/frames.ts";
import { grpcCodeFromHttpStatus } from "../grpc/http-status.ts";
import { addMetadata } from "../grpc/metadata.ts";
import type { CallStatus } from "../grpc/status.ts";
import { parseJson, readEndStream, statusFromConnectError } from "./connect-error.ts";
import { type Failure, headerValue, type Outcome, splitMetadata } from "./outcome.ts";
import { type ResponseHeaders, type ResponseSink, WorkerRequest, type WorkerRequestInit } from "./worker-request.ts";

/**
 * - `unary`: the body is the message.
 * - `stream`: it is envelopes, one of them the message, the last the end of stream.
 * - `raw`: whatever the worker likes; only its status and headers count.
 */
export type AnswerForm = "unary" | "stream" | "raw";

const CONTENT_TYPE: Readonly<Record<AnswerForm, string | undefined>> = {
  unary: "application/proto",
  stream: "application/connect+proto",
  raw: undefined,
};

/** Largest end-of-stream message or error body that is read, in bytes. Error pages of proxies stay far below it. */
const MAX_ERROR_BYTES = 256 * 1024;

const MAX_BODY_BYTES: Readonly<Record<AnswerForm, number>> = {
  unary: MAX_MESSAGE_BYTES,
  stream: MAX_MESSAGE_BYTES + MAX_ERROR_BYTES + 2 * PREFIX_BYTES,
  raw: MAX_ERROR_BYTES,
};

/** Collects an answer and hands its outcome on, once. Failures of the request itself are outcomes too. */
export class AnswerSink implements ResponseSink {
  readonly #form: AnswerForm;
  readonly #done: (outcome: Outcome) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #limit = MAX_ERROR_BYTES;
  #status = 0;
  #headers: ResponseHeaders = {};

  constructor(form: AnswerForm, done: (outcome: Outcome) => void) {
    this.#form = form;
    this.#done = done;
  }

  start(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (status !== 200) return;
    const contentType = CONTENT_TYPE[this.#form];
    if (contentType !== undefined) requireContentType(headers, contentType);
    this.#limit = MAX_BODY_BYTES[this.#form];
    const announced = Number(headerValue(headers, "content-length") ?? 0);
    if (announced > this.#limit) throw tooLarge(announced);
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#limit) this.#chunks.push(chunk);
    else if (this.#status === 200) throw tooLarge(this.#bytes);
    // What is left of an error page is of no use, but reading it keeps the connection.
  }

  end(): void {
    this.#done(this.#outcome());
  }

  failed(error: BridgeError): void {
    this.#done(failureOf(error));
  }

  #outcome(): Outcome {
    if (this.#status !== 200) return errorAnswer(this.#status, this.#headers, Buffer.concat(this.#chunks));
    if (this.#form === "stream") return streamAnswer(this.#chunks, this.#headers);
    return { kind: "success", payload: this.#chunks, http: this.#headers, ...splitMetadata(this.#headers) };
  }
}

/** Sends a request and resolves with its outcome; `signal` ends it early, with its reason as the failure. */
export function exchange(init: WorkerRequestInit, form: AnswerForm, signal?: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome) => {
      signal?.removeEventListener("abort", abort);
      resolve(outcome);
    };
    const request = new WorkerRequest(init, new AnswerSink(form, settle));
    const abort = () => {
      request.abort();
      settle(failureOf(abortReason(signal)));
    };
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    request.send();
  });
}

/** What an answer with a status other than 200 says: a Connect error, or whatever the network put in its place. */
export function errorAnswer(status: number, headers: ResponseHeaders, body: Buffer): Failure {
  const code = status === 401 ? BRIDGE_REFUSED : grpcCodeFromHttpStatus(status);
  const isJson = mediaType(headers) === "application/json";
  const error = isJson ? statusFromConnectError(parseJson(body), code) : undefined;
  if (error !== undefined && headerValue(headers, SESSION_REFUSED_HEADER) !== undefined) {
    const sentence = error.message.replace(/\.$/, "");
    return failureOf(new BridgeError(BRIDGE_REFUSED, `${sentence}; ${SESSION_REMEDY}`));
  }
  if (error !== undefined) return { kind: "failure", status: error, ...splitMetadata(headers) };
  const remedy = status === 401 ? `; ${WAY_REMEDY}` : "";
  const message = `the worker, or something before it, answered HTTP ${status} and no Connect error${remedy}`;
  return { kind: "failure", status: { code, message }, headers: [], trailers: [] };
}

/**
 * What a 401 is to gestaltd when the bridge is refused and not whom gestaltd calls for. UNAUTHENTICATED would be taken for the
 * latter: of external credentials it tells users to connect again (v0.0.1-alpha.20, externalcredentials/client.go), which helps nobody.
 * So the protocol's own table ("HTTP to Error Code") is left here.
 */
const BRIDGE_REFUSED = GrpcCode.failedPrecondition;

const SESSION_REMEDY = "compare worker.key and worker.name with the worker's GESTALT_EDGE_JWKS and GESTALT_EDGE_NAME";

const WAY_REMEDY = "check what stands before it, such as Cloudflare Access (worker.access)";

/** Throws unless the answer has the wanted media type and no compression that nobody asked for. */
export function requireContentType(headers: ResponseHeaders, wanted: string): void {
  const type = mediaType(headers);
  if (type !== wanted) {
    // As connect-go does: another codec is a fault of the worker, any other type is not the worker's at all.
    const code = type?.startsWith("application/") ? GrpcCode.internal : GrpcCode.unknown;
    throw new BridgeError(code, `the worker answered ${type ?? "no content type"} instead of ${wanted}`);
  }
  const encodings = ["content-encoding", "connect-content-encoding"];
  for (const encoding of encodings.map((name) => headerValue(headers, name))) {
    if (encoding !== undefined && encoding !== "identity") {
      throw new BridgeError(GrpcCode.internal, `the worker compressed its answer with ${encoding}, unasked`);
    }
  }
}

export function failureOf(error: BridgeError): Failure {
  const status: CallStatus = { code: error.code, message: error.message };
  return { kind: "failure", status, headers: [], trailers: [] };
}

/** Failure of an answer whose end is missing. */
export function cutOff(): BridgeError {
  return new BridgeError(GrpcCode.unavailable, "the worker's answer was cut off; try again");
}

function streamAnswer(chunks: readonly Buffer[], http: ResponseHeaders): Outcome {
  const messages: Buffer[] = [];
  let last: Buffer | undefined;
  const parser = new FrameParser((frame) => {
    if (flagsOf(frame) & FLAG_COMPRESSED) throw new BridgeError(GrpcCode.internal, "unexpected compressed message");
    if (flagsOf(frame) & FLAG_END_STREAM) last = payloadOf(frame);
    else messages.push(payloadOf(frame));
  });
  for (const chunk of chunks) parser.push(chunk);
  if (last === undefined) throw cutOff();
  const end = readEndStream(last);
  if (end === undefined) throw new BridgeError(GrpcCode.internal, "the worker's end-of-stream message is malformed");
  const { headers } = splitMetadata(http);
  const trailers: string[] = [];
  for (const [name, value] of end.trailers) addMetadata(trailers, name, value);
  if (end.status.code !== GrpcCode.ok) return { kind: "failure", status: end.status, headers, trailers };
  const [only, ...more] = messages;
  if (only === undefined || more.length > 0) {
    throw new BridgeError(GrpcCode.unimplemented, `the worker answered ${messages.length} messages instead of one`);
  }
  return { kind: "success", payload: [only], http, headers, trailers };
}

function mediaType(headers: ResponseHeaders): string | undefined {
  return headerValue(headers, "content-type")?.split(";", 1)[0]?.trim().toLowerCase();
}

function tooLarge(bytes: number): BridgeError {
  return new BridgeError(
    GrpcCode.resourceExhausted,
    `the worker's answer has ${bytes} bytes or more; a gRPC message may have ${MAX_MESSAGE_BYTES}`,
  );
}

function abortReason(signal: AbortSignal | undefined): BridgeError {
  const reason: unknown = signal?.reason;
  return reason instanceof BridgeError ? reason : new BridgeError(GrpcCode.canceled, "the call was given up");
}
