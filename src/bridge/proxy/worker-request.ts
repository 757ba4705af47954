// One HTTP request to the worker: finds the upstream, sends, and sends again where that is safe.
import type { Dispatcher } from "undici";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { HeaderList } from "../grpc/metadata.ts";
import { adviseNodeError, errorName, grpcCodeFromNodeError, isConnectionFailure } from "../grpc/node-errors.ts";
import type { Upstream, UpstreamSource } from "../upstream.ts";

export interface WorkerRequestInit {
  readonly source: UpstreamSource;
  /** Path below the upstream's base path. */
  readonly path: string;
  /** Headers besides the upstream's own and the timeout. */
  readonly headers: HeaderList;
  /** Whole, so that it can be sent again. */
  readonly body: Buffer;
  /** Whether the worker may see the request twice. */
  readonly repeatable: boolean;
  /** Milliseconds since the epoch; travels as `connect-timeout-ms`. The caller's own timer ends the request. */
  readonly deadline: number | undefined;
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Takes the answer. Errors thrown end the request and come back through `failed`. */
export interface ResponseSink {
  start(status: number, headers: ResponseHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  /** The last event, instead of `end`. Not called after {@link WorkerRequest.abort}. */
  failed(error: BridgeError): void;
}

/**
 * - `waiting`: for an upstream, or for a connection. Nothing has left.
 * - `sent`: the worker may have seen it.
 * - `answering`: the answer's head is here.
 * - `over`: nothing more will happen.
 */
type Phase = "waiting" | "sent" | "answering" | "over";

/** First try and one more: a second failure is news, not bad luck. */
export const MAX_ATTEMPTS = 2;

/** Most digits of `connect-timeout-ms` (Connect protocol, "Timeout"). A longer wait is sent as the longest. */
const MAX_TIMEOUT_MS = 9_999_999_999;

/** Made once: an error per cancelled call would cost a stack each, and nobody reads it. */
const OVER = new Error("the call is over");

export class WorkerRequest implements Dispatcher.DispatchHandler {
  readonly #init: WorkerRequestInit;
  readonly #sink: ResponseSink;
  #phase: Phase = "waiting";
  #attempts = 0;
  #upstream: Upstream | undefined;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(init: WorkerRequestInit, sink: ResponseSink) {
    this.#init = init;
    this.#sink = sink;
  }

  send(): void {
    this.#attempts += 1;
    try {
      const upstream = this.#init.source.upstream();
      if (!(upstream instanceof Promise)) this.#dispatch(upstream);
      else upstream.then((late) => this.#dispatch(late)).catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the request; the sink hears nothing more. */
  abort(): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#controller?.abort(OVER);
  }

  /** Stops reading the answer; TCP then stops the worker. */
  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    if (this.#phase !== "over") this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === "over") controller.abort(OVER);
    else this.#phase = "sent";
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (this.#phase === "over" || status < 200) return;
    this.#phase = "answering";
    this.#guard(() => this.#sink.start(status, headers));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === "answering") this.#guard(() => this.#sink.data(chunk));
  }

  onResponseEnd(): void {
    if (this.#phase === "over") return;
    this.#guard(() => this.#sink.end());
    this.#phase = "over";
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#phase === "over") return;
    if (this.#mayRepeat(error)) {
      this.#phase = "waiting";
      this.#controller = undefined;
      this.send();
    } else {
      this.#fail(error);
    }
  }

  #dispatch(upstream: Upstream): void {
    if (this.#phase === "over") return;
    this.#upstream = upstream;
    const { path, body, deadline } = this.#init;
    const headers = [...this.#init.headers, ...flatHeaders(upstream.headers)];
    if (deadline !== undefined) headers.push("connect-timeout-ms", String(remainingMs(deadline)));
    const target = { origin: upstream.origin, path: upstream.basePath + path, method: "POST" as const };
    // A call lasts as long as its caller waits; gestaltd sets no deadline for streams.
    upstream.dispatcher.dispatch({ ...target, headers, body, headersTimeout: 0, bodyTimeout: 0 }, this);
  }

  /**
   * Once, when the connection failed and no byte of the answer is here: either nothing had left, or the worker may see
   * the call twice. undici never repeats a POST by itself.
   */
  #mayRepeat(error: Error): boolean {
    const unsent = this.#phase === "waiting";
    if (!isConnectionFailure(error)) return false;
    if (this.#upstream !== undefined) this.#init.source.connectFailed(this.#upstream);
    if (this.#attempts >= MAX_ATTEMPTS) return false;
    return unsent || (this.#phase === "sent" && this.#init.repeatable);
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#phase === "over") return;
    const answering = this.#phase === "answering";
    this.abort();
    this.#sink.failed(error instanceof BridgeError ? error : upstreamError(error, answering));
  }
}

function upstreamError(error: unknown, answering: boolean): BridgeError {
  const cut = answering && isConnectionFailure(error);
  const message = cut ? `the worker's answer was cut off (${errorName(error)}); try again` : adviseNodeError(error);
  return new BridgeError(grpcCodeFromNodeError(error), message, { cause: error });
}

/** For `connect-timeout-ms`. Throws DEADLINE_EXCEEDED when nothing is left. */
export function remainingMs(deadline: number): number {
  const remaining = deadline - Date.now();
  if (remaining <= 0) throw new BridgeError(GrpcCode.deadlineExceeded, "deadline exceeded");
  return Math.min(remaining, MAX_TIMEOUT_MS);
}

/** Upstream headers as a list; kept, because a session's headers change only with its token. */
const flattened = new WeakMap<object, HeaderList>();

export function flatHeaders(headers: Readonly<Record<string, string>>): HeaderList {
  let flat = flattened.get(headers);
  if (flat === undefined) {
    flat = Object.entries(headers).flat();
    flattened.set(headers, flat);
  }
  return flat;
}
