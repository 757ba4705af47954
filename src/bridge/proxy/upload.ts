// An object larger than one part on its way to the worker: begin, parts in parallel, then complete or abort.
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { UploadService } from "../../gen/gestalt/edge/v1/upload_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import {
  UPLOAD_HEADER,
  UPLOAD_PART_ETAG_HEADER,
  UPLOAD_PART_NUMBER_HEADER,
  UPLOAD_PART_PATH,
} from "../../wire/routes.ts";
import { BridgeError } from "../errors.ts";
import { decode } from "../grpc/decode.ts";
import type { HeaderList } from "../grpc/metadata.ts";
import { pathOf } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import { exchange } from "./answer.ts";
import { headerValue, type Outcome, payloadOrThrow } from "./outcome.ts";
import { isRepeatable } from "./repeatable.ts";
import { RAW_HEADERS, UNARY_HEADERS } from "./request-headers.ts";
import { callWorker } from "./worker-call.ts";

/** What all requests of one write have in common. */
export interface WriteContext {
  readonly source: UpstreamSource;
  readonly metadata: HeaderList;
  readonly deadline: number | undefined;
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal;
  readonly limits: WriteLimits;
}

export interface WriteLimits {
  /** Size of every part but the last, in bytes. */
  readonly partBytes: number;
  readonly maxParts: number;
}

/**
 * Parts on their way at once. Two keep a line busy while one is acknowledged (16 MiB is 1 Gbit/s over 130 ms), and with one
 * more being filled memory stays at three parts.
 */
const PARTS_IN_FLIGHT = 2;

/** Time the worker gets to drop a failed upload, in milliseconds; what it cannot do then, R2 does after seven days. */
const ABORT_TIMEOUT_MS = 5_000;

export class Upload {
  readonly #context: WriteContext;
  readonly #handle: string;
  readonly #recycle: (part: Buffer) => void;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #etags: string[] = [];
  #count = 0;
  #failure: unknown;

  private constructor(context: WriteContext, handle: string, recycle: (part: Buffer) => void) {
    this.#context = context;
    this.#handle = handle;
    this.#recycle = recycle;
    this.#signal = AbortSignal.any([context.signal, this.#stop.signal]);
  }

  /** @param open Payload of the caller's open message; the worker's answer is the first check of its conditions. */
  static async begin(context: WriteContext, open: Buffer, recycle: (part: Buffer) => void): Promise<Upload> {
    const outcome = await post(context, UploadService.method.begin, open);
    const { upload } = decode(UploadService.method.begin.output, payloadOrThrow(outcome), "the worker's answer");
    return new Upload(context, upload, recycle);
  }

  /** Waits until a part may be sent, and starts sending. Throws when an earlier one has failed. */
  async add(part: Buffer): Promise<void> {
    if (this.#count >= this.#context.limits.maxParts) throw tooManyParts(this.#context.limits);
    while (this.#inFlight.size >= PARTS_IN_FLIGHT) await Promise.race(this.#inFlight);
    this.throwIfFailed();
    const number = ++this.#count;
    const sending: Promise<void> = this.#send(part, number)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#inFlight.delete(sending);
        this.#recycle(part);
      });
    this.#inFlight.add(sending);
  }

  /** Throws the first error of a part, so that a caller who sends for hours need not wait for the end to fail. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Makes the object out of the parts. */
  async complete(): Promise<Outcome> {
    await Promise.all(this.#inFlight);
    this.throwIfFailed();
    const parts = this.#etags.map((etag, index) => ({ number: index + 1, etag }));
    const { method } = UploadService;
    const request = { upload: this.#handle, parts };
    return post(this.#context, method.complete, encode(method.complete, request));
  }

  /** Drops the upload and its parts. Never fails: there is nothing a caller could do. */
  async abort(): Promise<void> {
    this.#fail(new BridgeError(GrpcCode.aborted, "the upload was aborted"));
    await Promise.all(this.#inFlight);
    const { source, metadata } = this.#context;
    const options = {
      metadata,
      deadline: Date.now() + ABORT_TIMEOUT_MS,
      signal: AbortSignal.timeout(ABORT_TIMEOUT_MS),
    };
    await callWorker(source, UploadService.method.abort, { upload: this.#handle }, options).catch(() => {});
  }

  async #send(part: Buffer, number: number): Promise<void> {
    const { source, metadata } = this.#context;
    const headers = [
      ...RAW_HEADERS,
      UPLOAD_HEADER,
      this.#handle,
      UPLOAD_PART_NUMBER_HEADER,
      String(number),
      ...metadata,
    ];
    // Sending a part again replaces it.
    const init = { source, path: UPLOAD_PART_PATH, headers, body: part, repeatable: true, deadline: undefined };
    const outcome = await exchange(init, "raw", this.#signal);
    payloadOrThrow(outcome);
    const etag = outcome.kind === "success" ? headerValue(outcome.http, UPLOAD_PART_ETAG_HEADER) : undefined;
    if (etag === undefined) throw new BridgeError(GrpcCode.internal, `the worker gave no etag for part ${number}`);
    this.#etags[number - 1] = etag;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#stop.abort(this.#failure);
  }
}

function post(context: WriteContext, method: DescMethodUnary, body: Buffer): Promise<Outcome> {
  const { source, metadata, deadline, signal } = context;
  const headers = [...UNARY_HEADERS, ...metadata];
  return exchange(
    { source, path: pathOf(method), headers, body, repeatable: isRepeatable(method), deadline },
    "unary",
    signal,
  );
}

function encode<I extends DescMessage>(method: DescMethodUnary<I>, request: MessageInitShape<I>): Buffer {
  return Buffer.from(toBinary(method.input, create(method.input, request)));
}

function tooManyParts({ maxParts, partBytes }: WriteLimits): BridgeError {
  return new BridgeError(GrpcCode.resourceExhausted, `object is larger than ${maxParts} parts of ${partBytes} bytes`);
}
