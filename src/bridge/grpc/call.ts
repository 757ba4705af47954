// One gRPC call on one HTTP/2 stream: messages in, messages out, exactly one status.
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { CallSpan } from "../tracing/tracer.ts";
import { ACCEPTED_ENCODINGS, deflateFrame, type Encoding, inflateFrame } from "./compression.ts";
import { FrameParser, join, type Pieces } from "./frames.ts";
import { MAX_TIMER_MS, STATUS_FLUSH_MS } from "./limits.ts";
import { type HeaderList, metadataFromRequest, putMetadata } from "./metadata.ts";
import { grpcCodeFromResetCode } from "./reset-codes.ts";
import { type CallStatus, OK, putStatus, StatusError, statusOfError } from "./status.ts";

/** Takes what the caller sends. Errors thrown by a sink end the call with their status. */
export interface CallSink {
  /** One message, uncompressed, with its five-byte prefix; views that are valid as long as they are referred to. */
  message(frame: Pieces): void;
  /** The caller will send no more. */
  halfClose(): void;
  /**
   * The call is over without the handler having ended it: cancelled, past its deadline, broken by malformed input, or
   * cut off by the server's end. What can be told has been told; only clean up.
   */
  ended(reason: BridgeError): void;
}

/** What the server knows of a call before its handler runs. */
export interface CallInit {
  readonly path: string;
  readonly rawHeaders: HeaderList;
  /** `application/grpc` or `application/grpc+proto`: the answer has the request's. */
  readonly contentType: string;
  readonly encoding: Encoding;
  readonly replyEncoding: Encoding;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** The call's span, when it is traced. */
  readonly span?: CallSpan | undefined;
  /** Told of errors that are faults of ours, not of caller or worker. */
  readonly onFault: FaultListener;
}

export type FaultListener = (error: unknown, path: string) => void;

/** `open` until headers are out, `replying` until the status is, then `over`. */
type Phase = "open" | "replying" | "over";

/** How Node is to send headers. Without a date, which gRPC clients would take for metadata. */
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false } as const;
const TRAILERS_ONLY = { endStream: true, sendDate: false } as const;

export class ServerCall {
  /** Full method: `/gestalt.provider.v1.Cache/Get`. */
  readonly path: string;
  /** When the caller stops waiting, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #init: CallInit;
  #phase: Phase = "open";
  #sink: CallSink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trailers: OutgoingHttpHeaders | undefined;
  #metadata: HeaderList | undefined;

  constructor(stream: ServerHttp2Stream, init: CallInit) {
    this.#stream = stream;
    this.#init = init;
    this.path = init.path;
    this.deadline = init.deadline;
    stream.once("aborted", () => this.#cancelled());
    stream.once("close", () => this.#cancelled());
    if (init.deadline !== undefined) this.#startTimer(init.deadline);
  }

  /** Metadata the caller sent, without what belongs to the hop. */
  get metadata(): HeaderList {
    this.#metadata ??= this.#init.span?.metadata ?? metadataFromRequest(this.#init.rawHeaders);
    return this.#metadata;
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  /** Starts reading. To be called once. */
  receive(sink: CallSink): void {
    this.#sink = sink;
    const encoding = this.#init.encoding;
    const parser = new FrameParser((message) => {
      if (!this.over) sink.message(inflateFrame(message, encoding));
    });
    this.#stream.on("data", (chunk: Buffer) => this.#guard(() => parser.push(chunk)));
    this.#stream.once("end", () => this.#guard(() => this.#halfClosed(parser.pendingBytes)));
  }

  /**
   * Reads a call with exactly one message and hands it on when the caller has closed its side. Any other number is
   * UNIMPLEMENTED (gRPC "Status codes", request cardinality violation). `ended` is as in {@link CallSink}.
   */
  receiveOne(handle: (frame: Pieces) => void, ended: (reason: BridgeError) => void): void {
    let only: Pieces | undefined;
    this.receive({
      message: (message) => {
        if (only !== undefined) throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got more");
        only = message;
      },
      halfClose: () => {
        if (only === undefined) throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got none");
        handle(only);
      },
      ended,
    });
  }

  /** Stops reading; HTTP/2 flow control then stops the caller. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  /** Sends the headers, with metadata. Without it they go out with the first message. */
  sendHeaders(metadata: HeaderList = []): void {
    if (this.#phase !== "open") return;
    this.#phase = "replying";
    if (this.#gone) return;
    const headers = this.#replyHeaders();
    putMetadata(headers, metadata);
    this.#stream.respond(headers, WITH_TRAILERS);
    this.#stream.once("wantTrailers", () => this.#sendTrailers());
  }

  /** Sends one frame, prefix included. False when the caller reads too slowly: wait for {@link onDrain}. */
  sendFrame(message: Pieces): boolean {
    if (this.over) return true;
    this.sendHeaders();
    if (this.#gone) return true;
    this.#write(message);
    return !this.#stream.writableNeedDrain;
  }

  /** Calls back once, when what was sent has gone out or the stream is gone. */
  onDrain(resume: () => void): void {
    if (this.#gone) {
      resume();
      return;
    }
    const once = () => {
      this.#stream.off("drain", once);
      this.#stream.off("close", once);
      resume();
    };
    this.#stream.once("drain", once);
    this.#stream.once("close", once);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.onDrain(resolve));
  }

  /** Ends the call. Only the first end counts. */
  finish(status: CallStatus, metadata: HeaderList = []): void {
    this.#finish(status, metadata);
  }

  #finish(status: CallStatus, metadata: HeaderList, last?: Buffer): void {
    if (this.over) return;
    const open = this.#phase === "open";
    this.#phase = "over";
    clearTimeout(this.#timer);
    this.#init.span?.end(status);
    if (this.#gone) return;
    const trailers: OutgoingHttpHeaders = open ? this.#replyHeaders() : {};
    putStatus(trailers, status);
    putMetadata(trailers, metadata);
    if (open) {
      this.#stream.respond(trailers, TRAILERS_ONLY);
      this.#closeReading();
    } else {
      this.#trailers = trailers;
      this.#stream.end(last);
    }
  }

  /** Sends one frame and ends the call with OK, in one write. */
  finishWith(message: Pieces, metadata: HeaderList = [], trailers: HeaderList = []): void {
    if (this.over) return;
    this.sendHeaders(metadata);
    this.#finish(OK, trailers, join(deflateFrame(message, this.#init.replyEncoding)));
  }

  /** Ends the call with what an error says; one that is none of ours is reported, and the caller not told its text. */
  fail(error: unknown): void {
    if (!(error instanceof BridgeError)) this.#init.onFault(error, this.path);
    this.finish(statusOfError(error), error instanceof StatusError ? error.metadata : []);
  }

  /** Ends the call from outside its handler, and tells the handler. */
  end(reason: unknown): void {
    if (this.over) return;
    const unsent = this.#stream.writableLength > 0;
    this.fail(reason);
    // A caller that does not read would keep the status waiting behind what was sent before, and that in memory.
    if (unsent) this.#resetLater();
    this.#sink?.ended(reason instanceof BridgeError ? reason : new BridgeError(GrpcCode.internal, "internal error"));
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #write(message: Pieces): void {
    const pieces = deflateFrame(message, this.#init.replyEncoding);
    if (pieces.length > 1) this.#stream.cork();
    for (const piece of pieces) this.#stream.write(piece);
    if (pieces.length > 1) this.#stream.uncork();
  }

  #guard(act: () => void): void {
    if (this.over) return;
    try {
      act();
    } catch (error) {
      this.end(error);
    }
  }

  #halfClosed(pendingBytes: number): void {
    if (pendingBytes > 0) throw new BridgeError(GrpcCode.internal, "stream ended inside a message");
    this.#sink?.halfClose();
  }

  #cancelled(): void {
    if (this.over) return;
    this.#phase = "over";
    clearTimeout(this.#timer);
    const code = grpcCodeFromResetCode(this.#stream.rstCode ?? constants.NGHTTP2_CANCEL);
    const reason = new BridgeError(code, "the caller went away");
    this.#init.span?.end(reason);
    this.#sink?.ended(reason);
  }

  #startTimer(deadline: number): void {
    const remaining = deadline - Date.now();
    if (remaining > MAX_TIMER_MS) return;
    const expire = () => this.end(new BridgeError(GrpcCode.deadlineExceeded, "deadline exceeded"));
    this.#timer = setTimeout(expire, Math.max(0, remaining));
  }

  #replyHeaders(): OutgoingHttpHeaders {
    const { contentType, replyEncoding } = this.#init;
    const headers: OutgoingHttpHeaders = { ":status": 200, "content-type": contentType };
    headers["grpc-accept-encoding"] = ACCEPTED_ENCODINGS;
    if (replyEncoding !== "identity") headers["grpc-encoding"] = replyEncoding;
    return headers;
  }

  #sendTrailers(): void {
    // Node asks for trailers also when a reset has ended the stream.
    if (this.#gone) return;
    this.#stream.sendTrailers(this.#trailers ?? {});
    this.#closeReading();
  }

  /**
   * After the status nothing more is read: a caller that still sends is told to stop (RFC 9113 §8.1, NO_ERROR). Only when
   * the status is out, since nghttp2 drops trailers that wait when the reset is submitted.
   */
  #closeReading(): void {
    if (this.#stream.readableEnded) return;
    this.#stream.resume();
    if (this.#endSeen) return;
    setImmediate(() => {
      if (this.#statusSent) this.#stream.close(constants.NGHTTP2_NO_ERROR);
      else this.#resetLater();
    });
  }

  /** Ends the stream for good if it does not end by itself. */
  #resetLater(): void {
    if (this.#gone) return;
    const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = constants;
    const reset = () => this.#stream.close(this.#statusSent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    const timer = setTimeout(reset, STATUS_FLUSH_MS);
    this.#stream.once("close", () => clearTimeout(timer));
  }

  get #statusSent(): boolean {
    return this.#stream.state.localClose === 1;
  }

  /** END_STREAM has arrived, though perhaps not been read. */
  get #endSeen(): boolean {
    return (
      this.#stream.endAfterHeaders || this.#stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE
    );
  }
}
