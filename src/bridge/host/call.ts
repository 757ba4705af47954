// One call of a host service: messages out, messages in, exactly one status. The client's mirror of grpc/call.ts.
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";
import { type Encoding, inflateFrame, requestEncoding } from "../grpc/compression.ts";
import { FrameParser, framePrefix, join, type Pieces, PREFIX_BYTES, payloadPieces, sizeOf } from "../grpc/frames.ts";
import { MAX_TIMER_MS } from "../grpc/limits.ts";
import { type HeaderList, metadataFromRequest } from "../grpc/metadata.ts";
import { type CallStatus, OK, statusOfError } from "../grpc/status.ts";
import type { HostService } from "./host-service.ts";
import { NO_STATUS, statusIn, statusOfHttp, statusOfReset } from "./response-status.ts";

/** Takes what gestaltd sends. An error thrown by a sink ends the call with its status. */
export interface HostCallSink {
  /** The answer has begun; its metadata. Not told when the answer is nothing but a status. */
  headers?(metadata: HeaderList): void;
  /** A message of so many bytes has begun and is not here whole. Whoever has no room for it may pause the call. */
  begins?(size: number): void;
  /** One message without its prefix, in the pieces it came in; views that are valid as long as they are referred to. */
  message(payload: Pieces): void;
  /** The call is over, by whatever end: told exactly once, after the last message. */
  ended(status: CallStatus, trailers: HeaderList): void;
}

export interface HostCallOptions {
  /** Names and values in turn; what belongs to the hop does not cross. */
  readonly metadata?: HeaderList;
  /** Milliseconds since the epoch. */
  readonly deadline?: number;
}

/** What a session gives a call to run on. */
export interface OpenedStream {
  readonly stream: ClientHttp2Stream;
  /** Whether the connection is gone, which Node tells a stream no differently than a cancellation by the peer. */
  lost(): boolean;
}

/** `waiting` for a connection, `open` on a stream, `over`. */
type Phase = "waiting" | "open" | "over";

/** Largest message that is copied behind its prefix, in bytes: cheaper than a second write. As in grpc/call.ts. */
const JOINED_BYTES = 16 * 1024;

export const LOST: CallStatus = { code: GrpcCode.unavailable, message: "the connection to gestaltd broke" };

const CANCELED: CallStatus = { code: GrpcCode.canceled, message: "the call was cancelled" };
export const EXPIRED: CallStatus = { code: GrpcCode.deadlineExceeded, message: "deadline exceeded" };

export class HostCall {
  readonly service: HostService;
  /** Full method: `/gestalt.provider.v1.Cache/Get`. */
  readonly path: string;
  readonly metadata: HeaderList;
  readonly deadline: number | undefined;
  readonly #sink: HostCallSink;
  #phase: Phase = "waiting";
  #stream: ClientHttp2Stream | undefined;
  /** What was sent while the call waited. */
  readonly #unsent: Buffer[] = [];
  #halfClosed = false;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #drains: (() => void)[] = [];
  readonly #parser: FrameParser;
  /** The answer's headers are here, and it is one of gRPC. */
  #answered = false;
  #encoding: Encoding = "identity";
  /** What the end of the stream means: what the trailers say, or that they are missing. */
  #status: CallStatus = NO_STATUS;
  #refused = false;
  #trailers: HeaderList = [];
  /** Called once when the call is over: whoever keeps it lets go of it. */
  onOver: (() => void) | undefined;

  constructor(service: HostService, path: string, sink: HostCallSink, options: HostCallOptions) {
    this.service = service;
    this.path = path;
    this.metadata = options.metadata ?? [];
    this.deadline = options.deadline;
    this.#sink = sink;
    this.#parser = new FrameParser(
      (frame) => this.#take(frame),
      (size) => this.#sink.begins?.(size - PREFIX_BYTES),
    );
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  /** gestaltd has not looked at the call (RFC 9113 §8.7): its connection was being given up. It may be made again. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Sends one message, without prefix. False when gestaltd reads too slowly: wait for {@link onDrain}. */
  send(payload: Pieces): boolean {
    if (this.over || this.#halfClosed) return true;
    const size = sizeOf(payload);
    if (size > MAX_MESSAGE_BYTES) {
      this.end({ code: GrpcCode.resourceExhausted, message: tooLarge(size) });
      return true;
    }
    const pieces = [framePrefix(size), ...payload];
    this.#write(size <= JOINED_BYTES ? [join(pieces)] : pieces);
    return this.#stream !== undefined && !this.#stream.writableNeedDrain;
  }

  /** No more will be sent. */
  halfClose(): void {
    if (this.over || this.#halfClosed) return;
    this.#halfClosed = true;
    this.#stream?.end();
  }

  /** Calls back once, when what was sent has gone out or the call is over. */
  onDrain(resume: () => void): void {
    if (this.over || (this.#stream !== undefined && !this.#stream.writableNeedDrain)) resume();
    else this.#drains.push(resume);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.onDrain(resolve));
  }

  /** Stops reading; HTTP/2 flow control then stops gestaltd. What has arrived of a message may still be handed on. */
  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#answered && this.#stream?.destroyed === false) this.#stream.resume();
  }

  /** Gives up: gestaltd sees its context cancelled, the sink CANCELLED. */
  cancel(): void {
    this.end(CANCELED);
  }

  /** Ends the call before its stream has ended, and resets that. Only the first end counts. */
  end(status: CallStatus, trailers: HeaderList = []): void {
    this.#finish(status, trailers);
    // Also of a stream that is still to be sent: nghttp2 then never sends it.
    if (this.#stream?.closed === false) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Watches the deadline from here on. */
  startTimer(): void {
    if (this.deadline === undefined) return;
    const remaining = Math.max(0, this.deadline - Date.now());
    if (remaining <= MAX_TIMER_MS) this.#timer = setTimeout(() => this.end(EXPIRED), remaining);
  }

  /** Runs on a stream of a connection that is ready. */
  open({ stream, lost }: OpenedStream): void {
    this.#phase = "open";
    this.#stream = stream;
    stream.once("response", (headers, flags, raw) => {
      this.#guard(() => this.#respond(headers, flags, raw as unknown as string[]));
    });
    stream.once("trailers", (headers, _flags, raw) => {
      this.#status = statusIn(headers) ?? { ...NO_STATUS, code: GrpcCode.unknown };
      this.#trailers = metadataFromRequest(raw as unknown as string[]);
    });
    stream.once("end", () => this.#guard(() => this.#ended()));
    stream.on("drain", () => this.#drain());
    stream.on("error", () => {}); // "close" follows, and the code is what tells.
    stream.once("close", () => this.#closed(stream.rstCode ?? constants.NGHTTP2_CANCEL, lost()));
    for (const piece of this.#unsent.splice(0)) stream.write(piece);
    if (this.#halfClosed) stream.end();
    if (!stream.writableNeedDrain) this.#drain();
  }

  #write(pieces: Pieces): void {
    const stream = this.#stream;
    if (stream === undefined) {
      this.#unsent.push(...pieces);
      return;
    }
    if (stream.destroyed || stream.closed) return;
    if (pieces.length > 1) stream.cork();
    for (const piece of pieces) stream.write(piece);
    if (pieces.length > 1) stream.uncork();
  }

  #respond(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number, raw: HeaderList): void {
    const status = statusOfHttp(headers) ?? statusIn(headers) ?? NO_STATUS;
    const refused = status !== NO_STATUS && status.code !== GrpcCode.ok;
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.#complete(status, raw);
    // Nothing of use can follow a refusal, and it may be that nothing ends the stream either.
    else if (refused) this.end(status, metadataFromRequest(raw));
    else this.#begin(status, single(headers["grpc-encoding"]), metadataFromRequest(raw));
  }

  #begin(status: CallStatus, encoding: string | undefined, metadata: HeaderList): void {
    this.#answered = true;
    this.#status = status;
    this.#encoding = requestEncoding(encoding);
    this.#sink.headers?.(metadata);
    // Node may have data before it tells of the headers, so reading starts only here.
    this.#stream?.on("data", (chunk: Buffer) => this.#guard(() => this.#parser.push(chunk)));
    if (this.#paused) this.#stream?.pause();
  }

  /** The headers were all there was. */
  #complete(status: CallStatus, raw: HeaderList): void {
    this.#finish(status, metadataFromRequest(raw));
    this.#stream?.resume();
    this.#stopSending();
  }

  #take(frame: Pieces): void {
    if (!this.over) this.#sink.message(payloadPieces(inflateFrame(frame, this.#encoding)));
  }

  #ended(): void {
    // Without an answer this is a reset, and "close" has its code.
    if (!this.#answered || this.over) return;
    if (this.#status.code === GrpcCode.ok && this.#parser.pendingBytes > 0) {
      throw new BridgeError(GrpcCode.internal, "gestaltd ended the call inside a message");
    }
    this.#finish(this.#status, this.#trailers);
    this.#stopSending();
  }

  /** The other side is done. NO_ERROR says that ours is too (RFC 9113 §8.1), unless bytes wait that nobody will take. */
  #stopSending(): void {
    const stream = this.#stream;
    if (stream === undefined || stream.closed || stream.writableFinished) return;
    stream.close(stream.writableLength > 0 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR);
  }

  #closed(code: number, lost: boolean): void {
    if (this.over) return;
    // Messages that were not read yet are gone, so a status of OK is not to be believed; an error is.
    const told = this.#status !== NO_STATUS && this.#status.code !== GrpcCode.ok;
    this.#refused = !told && !this.#answered && code === constants.NGHTTP2_REFUSED_STREAM;
    if (told) this.#finish(this.#status, this.#trailers);
    else this.#finish(lost ? LOST : statusOfReset(code), []);
  }

  #finish(status: CallStatus, trailers: HeaderList): void {
    if (this.over) return;
    this.#phase = "over";
    clearTimeout(this.#timer);
    this.#unsent.length = 0;
    this.onOver?.();
    this.#drain();
    this.#sink.ended(status.code === GrpcCode.ok ? OK : status, trailers);
  }

  #drain(): void {
    for (const resume of this.#drains.splice(0)) resume();
  }

  #guard(act: () => void): void {
    if (this.over) return;
    try {
      act();
    } catch (error) {
      this.end(statusOfError(error));
    }
  }
}

function tooLarge(size: number): string {
  return `message of ${size} bytes is larger than the limit of ${MAX_MESSAGE_BYTES} bytes, and was not sent`;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
