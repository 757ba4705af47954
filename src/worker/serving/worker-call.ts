// The `Call` that surfaces get. Everything a call rarely needs (signal, headers, log) is made on first use.
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Bindings, Call } from "../call.ts";
import { type HostWay, hosting, NO_CHANNEL } from "../host/hosting.ts";
import { createCallLog, type Log, type LogFields } from "../log.ts";
import type { Session } from "../sessions/session.ts";
import { deadlineExceeded, readTimeout, watchDeadline } from "./deadline.ts";

/** The part of the Worker's `ExecutionContext` that calls use. */
export interface WaitUntil {
  waitUntil(promise: Promise<unknown>): void;
}

export class WorkerCall implements Call {
  readonly session: Session;
  readonly bindings: Bindings;
  readonly deadline: number | undefined;
  readonly #request: Request;
  readonly #context: WaitUntil;
  #headers: Headers | undefined;
  #responseHeaders: Headers | undefined;
  #responseTrailers: Headers | undefined;
  #controller: AbortController | undefined;
  #heard: PromiseWithResolvers<void> | undefined;
  #log: Log | undefined;
  #notes: LogFields | undefined;
  #host: HostWay | undefined;
  /** Whether a handler is at work, which may well make another host call. */
  #working = false;
  /** Whether a handler has been at work and is done. Routes have none that this knows of. */
  #answered = false;

  /** Throws INVALID_ARGUMENT when the request's timeout header is malformed. */
  constructor(request: Request, bindings: Bindings, context: WaitUntil, session: Session) {
    this.session = session;
    this.bindings = bindings;
    this.#request = request;
    this.#context = context;
    const timeoutMs = readTimeout(request.headers);
    this.deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  }

  get headers(): Headers {
    if (this.#headers === undefined) {
      this.#headers = new Headers(this.#request.headers);
      this.#headers.delete("authorization");
    }
    return this.#headers;
  }

  get responseHeaders(): Headers {
    this.#responseHeaders ??= new Headers();
    return this.#responseHeaders;
  }

  get responseTrailers(): Headers {
    this.#responseTrailers ??= new Headers();
    return this.#responseTrailers;
  }

  /** What the surface has set since this was last asked; undefined when that is nothing, as it mostly is. */
  takeResponseMetadata(): { readonly headers: Headers; readonly trailers: Headers } | undefined {
    if (this.#responseHeaders === undefined && this.#responseTrailers === undefined) return undefined;
    const metadata = { headers: this.responseHeaders, trailers: this.responseTrailers };
    this.#responseHeaders = undefined;
    this.#responseTrailers = undefined;
    return metadata;
  }

  get sessionToken(): string {
    return (
      this.#request.headers
        .get("authorization")
        ?.replace(/^Bearer +/i, "")
        .trim() ?? ""
    );
  }

  hostTransport(name: string): Transport {
    this.#host ??= hosting()?.open(this, () => this.#working);
    if (this.#host === undefined) throw new ConnectError(NO_CHANNEL, Code.FailedPrecondition);
    return this.#host.transport(name);
  }

  get origin(): string {
    return new URL(this.#request.url).origin;
  }

  get log(): Log {
    this.#log ??= createCallLog(this);
    return this.#log;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (!this.#answered) this.#listen();
      const caller = this.#request.signal;
      const gone = () => controller.abort(new ConnectError("The caller has gone.", Code.Canceled));
      if (caller.aborted) gone();
      else caller.addEventListener("abort", gone, { once: true });
      if (this.deadline !== undefined && this.deadline <= Date.now()) controller.abort(deadlineExceeded());
    }
    return this.#controller.signal;
  }

  note(fields: LogFields): void {
    this.#notes = { ...this.#notes, ...fields };
  }

  /** What the surface has noted. */
  get notes(): LogFields | undefined {
    return this.#notes;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#context.waitUntil(promise);
  }

  /** {@link beforeDeadline} for the work of a handler, which is done when it settles. */
  async withinDeadline<T>(work: Promise<T>): Promise<T> {
    this.#working = true;
    this.#answered = false;
    if (this.#controller !== undefined) this.#listen();
    try {
      return await this.beforeDeadline(work);
    } finally {
      this.#heard?.resolve();
      this.#heard = undefined;
      this.#answered = true;
      this.#working = false;
      this.#host?.rest();
    }
  }

  /**
   * Settles as `work` does, but no later than the deadline: then `signal` aborts, and unless that makes `work` settle
   * at once, the result is DEADLINE_EXCEEDED.
   */
  async beforeDeadline<T>(work: Promise<T>): Promise<T> {
    const limit = this.deadline === undefined ? undefined : this.#limit(this.deadline);
    try {
      return await (limit === undefined ? work : Promise.race([work, limit.passed]));
    } finally {
      limit?.stop();
    }
  }

  /**
   * The platform drops a request whose caller has left, before the signal can be heard, unless something is awaited. Not once there is an
   * answer: nothing would end the wait of who first looks at the signal then, and the request would be kept for it.
   */
  #listen(): void {
    if (this.#heard !== undefined) return;
    this.#heard = Promise.withResolvers();
    this.#context.waitUntil(this.#heard.promise);
  }

  #limit(deadline: number): { readonly passed: Promise<never>; stop(): void } | undefined {
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = watchDeadline(deadline, () => {
      this.#controller?.abort(deadlineExceeded());
      // A whole turn of the event loop lets work that heeds the signal give its own answer.
      setTimeout(() => reject(deadlineExceeded()), 0);
    });
    return stop && { passed: promise, stop };
  }
}
