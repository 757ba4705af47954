// A server-streaming gRPC call → one Connect POST whose answer is a stream. gRPC frames and Connect envelopes have the same
// five-byte prefix, so whole frames pass through as they are; only the last envelope, Connect's end of stream, is read.
import type { DescMethod } from "@bufbuild/protobuf";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { ServerCall } from "../grpc/call.ts";
import { FLAG_END_STREAM, FrameParser, flagsOf, join, type Pieces, payloadOf } from "../grpc/frames.ts";
import { addMetadata } from "../grpc/metadata.ts";
import { type CallHandler, pathOf } from "../grpc/router.ts";
import type { CallStatus } from "../grpc/status.ts";
import type { UpstreamSource } from "../upstream.ts";
import { AnswerSink, cutOff, requireContentType } from "./answer.ts";
import { readEndStream } from "./connect-error.ts";
import { splitMetadata } from "./outcome.ts";
import { isRepeatable } from "./repeatable.ts";
import { STREAM_HEADERS } from "./request-headers.ts";
import { reply } from "./unary.ts";
import { type ResponseHeaders, type ResponseSink, WorkerRequest } from "./worker-request.ts";

export function serverStreamHandler(source: UpstreamSource, method: DescMethod): CallHandler {
  const path = pathOf(method);
  const repeatable = isRepeatable(method);
  return (call) => {
    let request: WorkerRequest | undefined;
    const send = (frame: Pieces) => {
      const headers = [...STREAM_HEADERS, ...call.metadata];
      const relay = new StreamRelay(call);
      request = new WorkerRequest(
        { source, path, headers, body: join(frame), repeatable, deadline: call.deadline },
        relay,
      );
      relay.request = request;
      request.send();
    };
    call.receiveOne(send, () => request?.abort());
  };
}

/** Passes the envelopes of an answer on as gRPC frames, no faster than the caller takes them. */
class StreamRelay implements ResponseSink {
  /** Set before anything arrives. */
  request: WorkerRequest | undefined;
  readonly #call: ServerCall;
  readonly #parser: FrameParser;
  /** Takes the answer in this one's place when its status is not 200. */
  #errorPage: AnswerSink | undefined;
  #ending: { readonly status: CallStatus; readonly trailers: string[] } | undefined;

  constructor(call: ServerCall) {
    this.#call = call;
    this.#parser = new FrameParser((frame) => this.#frame(frame));
  }

  start(status: number, headers: ResponseHeaders): void {
    if (status !== 200) {
      this.#errorPage = new AnswerSink("stream", (outcome) => reply(this.#call, outcome));
      this.#errorPage.start(status, headers);
      return;
    }
    requireContentType(headers, "application/connect+proto");
    this.#call.sendHeaders(splitMetadata(headers).headers);
  }

  data(chunk: Buffer): void {
    if (this.#errorPage !== undefined) this.#errorPage.data(chunk);
    else this.#parser.push(chunk);
  }

  end(): void {
    if (this.#errorPage !== undefined) this.#errorPage.end();
    else if (this.#ending === undefined) throw cutOff();
    else this.#call.finish(this.#ending.status, this.#ending.trailers);
  }

  failed(error: BridgeError): void {
    // After the end of stream nothing that happens to the connection matters.
    if (this.#ending !== undefined) this.#call.finish(this.#ending.status, this.#ending.trailers);
    else this.#call.fail(error);
  }

  #frame(frame: Pieces): void {
    const flags = flagsOf(frame);
    if (this.#ending !== undefined) {
      this.#ending = undefined;
      throw malformed("goes on after its end");
    }
    if (flags === FLAG_END_STREAM) this.#endStream(payloadOf(frame));
    else if (flags !== 0) throw malformed(`has a message with unexpected flags 0x${flags.toString(16)}`);
    else if (!this.#call.sendFrame(frame)) this.#waitForCaller();
  }

  #endStream(payload: Buffer): void {
    const end = readEndStream(payload);
    if (end === undefined) throw malformed("has a malformed end");
    const trailers: string[] = [];
    for (const [name, value] of end.trailers) addMetadata(trailers, name, value);
    this.#ending = { status: end.status, trailers };
  }

  #waitForCaller(): void {
    this.request?.pause();
    this.#call.onDrain(() => this.request?.resume());
  }
}

function malformed(what: string): BridgeError {
  return new BridgeError(GrpcCode.internal, `the worker's stream ${what}`);
}
