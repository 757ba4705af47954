// A bidirectional gRPC call → one WebSocket to the worker. Messages cross as bytes, in turns: the caller's next goes on when the
// worker has answered the one before (src/wire/indexeddb-socket.ts).
import type { DescMethod } from "@bufbuild/protobuf";
import { KEEP_ALIVE_INTERVAL_MS } from "../../wire/channel/keep-alive.ts";
import { GrpcCode } from "../../wire/codes.ts";
import type { CallSink, ServerCall } from "../grpc/call.ts";
import { frame, type Pieces, payloadPieces } from "../grpc/frames.ts";
import { type CallHandler, pathOf } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import type { KeepAliveTimes } from "../web-socket/keep-alive.ts";
import { BIDI_HEADERS } from "./request-headers.ts";
import { type StreamEnd, WorkerStream, type WorkerStreamInit } from "./worker-stream.ts";

export interface BidiTimes extends KeepAliveTimes {
  /** How long an error waits for the caller's next message, in milliseconds. */
  readonly heldErrorMs: number;
}

const TIMES: BidiTimes = {
  keepAliveAfterMs: KEEP_ALIVE_INTERVAL_MS,
  // A worker may be busy for a while: one that is billed may take 30 s of CPU time for a single request.
  keepAliveTimeoutMs: 30_000,
  // Longer than a caller commonly takes for one step, and an end to those that have forgotten their stream.
  heldErrorMs: 60_000,
};

/** @param times Others for tests only. */
export function bidiHandler(source: UpstreamSource, method: DescMethod, times: BidiTimes = TIMES): CallHandler {
  const path = pathOf(method);
  return (call) => {
    const { metadata, deadline } = call;
    const headers = [...BIDI_HEADERS, ...metadata];
    const relay = new BidiRelay(call, { source, path, headers, deadline, keepAlive: times }, times.heldErrorMs);
    call.receive(relay);
    relay.start();
  };
}

/**
 * Whose move it is.
 *
 * - `opening`: what the caller sends waits.
 * - `caller`: nothing is unanswered.
 * - `worker`: an answer is due, or the caller has not taken it yet.
 * - `over`: the caller has its status, or is gone.
 */
type Turn = "opening" | "caller" | "worker" | "over";

class BidiRelay implements CallSink {
  readonly #call: ServerCall;
  readonly #stream: WorkerStream;
  readonly #heldErrorMs: number;
  #turn: Turn = "opening";
  /** What came before its turn; the caller is stopped while there is any. */
  readonly #early: Pieces[] = [];
  #halfClosed = false;
  /** An error that came when the caller owed a message. */
  #held: { readonly end: StreamEnd; readonly timer: NodeJS.Timeout } | undefined;

  constructor(call: ServerCall, init: WorkerStreamInit, heldErrorMs: number) {
    this.#call = call;
    this.#heldErrorMs = heldErrorMs;
    this.#stream = new WorkerStream(init, {
      opened: () => this.#callersTurn(),
      message: (payload) => this.#answered(payload),
      ended: (end) => this.#ended(end),
    });
  }

  start(): void {
    this.#stream.open();
  }

  message(message: Pieces): void {
    this.#early.push(message);
    this.#next();
    if (this.#early.length > 0) this.#call.pause();
  }

  halfClose(): void {
    this.#halfClosed = true;
    this.#next();
  }

  ended(): void {
    this.#over();
    this.#stream.abort();
  }

  /** Lets the caller have its turn, if it is, and if it has something to say. */
  #next(): void {
    if (this.#held !== undefined) this.#finish(this.#held.end);
    if (this.#turn !== "caller") return;
    const message = this.#early.shift();
    if (message === undefined && !this.#halfClosed) {
      this.#call.resume();
      return;
    }
    this.#turn = "worker";
    if (message === undefined) this.#stream.halfClose();
    else this.#stream.send(payloadPieces(message));
  }

  #callersTurn(): void {
    this.#turn = "caller";
    this.#next();
  }

  /** The next message may go when the caller has taken this one: a caller that does not read gets no more to wait for. */
  #answered(payload: Uint8Array): void {
    const taken = this.#call.sendFrame([frame(payload)]);
    if (!taken) this.#stream.pause();
    const go = () => {
      if (!taken) this.#stream.resume();
      if (this.#turn === "worker") this.#callersTurn();
    };
    if (taken) go();
    else this.#call.onDrain(go);
  }

  /**
   * A caller that sends on a stream which has ended learns only that it has: with grpc-go, and so in gestaltd, a failed `Send` is
   * `EOF`, whatever the status says. So an error that nobody waits for is kept until somebody does.
   */
  #ended(end: StreamEnd): void {
    const awaited = this.#turn === "worker" || this.#early.length > 0 || this.#halfClosed;
    if (awaited || end.status.code === GrpcCode.ok) {
      this.#finish(end);
      return;
    }
    const timer = setTimeout(() => this.#finish(end), this.#heldErrorMs);
    this.#held = { end, timer };
    this.#call.resume();
  }

  #finish({ status, headers, trailers }: StreamEnd): void {
    this.#over();
    // Without leading metadata an error is headers only.
    if (headers.length > 0) this.#call.sendHeaders(headers);
    this.#call.finish(status, trailers);
  }

  #over(): void {
    this.#turn = "over";
    this.#early.length = 0;
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
  }
}
