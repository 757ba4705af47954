// A stream both ways to a worker: one WebSocket, spoken as src/wire/indexeddb-socket.ts says.
import type { Duplex } from "node:stream";
import { GrpcCode } from "../../wire/codes.ts";
import { CLOSED_CODE, END_MARK, HALF_CLOSE, PING } from "../../wire/indexeddb-socket.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { SYSTEM_CLOCK } from "../clock.ts";
import { BridgeError } from "../errors.ts";
import type { Pieces } from "../grpc/frames.ts";
import { addMetadata, type HeaderList } from "../grpc/metadata.ts";
import { adviseNodeError, grpcCodeFromNodeError, isConnectionFailure } from "../grpc/node-errors.ts";
import type { CallStatus } from "../grpc/status.ts";
import type { Upstream, UpstreamSource } from "../upstream.ts";
import { CLOSE } from "../web-socket/frame.ts";
import { type KeepAlive, type KeepAliveTimes, keepAlive } from "../web-socket/keep-alive.ts";
import { requestUpgrade, type Upgrade } from "../web-socket/upgrade.ts";
import { WebSocket } from "../web-socket/web-socket.ts";
import { errorAnswer, failureOf } from "./answer.ts";
import { readEndStream } from "./connect-error.ts";
import { flatHeaders, MAX_ATTEMPTS, remainingMs } from "./worker-request.ts";

export interface WorkerStreamInit {
  readonly source: UpstreamSource;
  /** Path below the upstream's base path. */
  readonly path: string;
  /** Headers besides the upstream's own and the timeout. */
  readonly headers: HeaderList;
  /** Milliseconds since the epoch; travels as `connect-timeout-ms`. The caller's own timer ends the stream. */
  readonly deadline: number | undefined;
  /** Silence of the worker before it is asked for a sign of life, and before it is given up. */
  readonly keepAlive: KeepAliveTimes;
}

/** How a stream has ended. */
export interface StreamEnd {
  readonly status: CallStatus;
  /** Leading metadata; only of an upgrade that was refused. */
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
}

/** Nothing is told after {@link WorkerStream.abort}. Must not throw. */
export interface WorkerStreamEvents {
  opened(): void;
  message(payload: Uint8Array): void;
  /** Told once, at last. */
  ended(end: StreamEnd): void;
}

/**
 * - `opening`: an upgrade is on its way, or the upstream is waited for.
 * - `open`: messages go both ways.
 * - `over`: the end was told, or the stream given up; the socket may still be closing.
 */
type State =
  | { readonly is: "opening"; readonly upgrade: Upgrade | undefined }
  | { readonly is: "open"; readonly webSocket: WebSocket }
  | { readonly is: "over" };

/** Longest wait for the answer to an upgrade, in milliseconds: as gestaltd gives to any unary call. It sets no deadline here. */
const UPGRADE_TIMEOUT_MS = 30_000;

/** Most that is read of an error in place of a WebSocket, in bytes. */
const MAX_REFUSAL_BYTES = 256 * 1024;

/** Time the worker has to answer the closing of the WebSocket before its socket is destroyed, in milliseconds. */
const CLOSE_FLUSH_MS = 200;

export class WorkerStream {
  readonly #init: WorkerStreamInit;
  readonly #events: WorkerStreamEvents;
  #state: State = { is: "opening", upgrade: undefined };
  #attempts = 0;
  #upstream: Upstream | undefined;
  #keepAlive: KeepAlive | undefined;

  constructor(init: WorkerStreamInit, events: WorkerStreamEvents) {
    this.#init = init;
    this.#events = events;
  }

  /** To be called once. */
  open(): void {
    this.#attempts += 1;
    try {
      const upstream = this.#init.source.upstream();
      if (!(upstream instanceof Promise)) this.#request(upstream);
      else upstream.then((late) => this.#request(late)).catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Once it has opened. A message that comes too late goes nowhere. */
  send(message: Pieces): void {
    if (this.#state.is === "open") this.#state.webSocket.sendCopy(message);
  }

  halfClose(): void {
    if (this.#state.is === "open") this.#state.webSocket.sendText(HALF_CLOSE);
  }

  /** Stops reading. */
  pause(): void {
    if (this.#state.is !== "open") return;
    this.#keepAlive?.stop();
    this.#state.webSocket.pause();
  }

  resume(): void {
    if (this.#state.is !== "open") return;
    this.#state.webSocket.resume();
    this.#watch(this.#state.webSocket);
  }

  /** Gives the stream up, whatever state it is in: what was not committed is rolled back. */
  abort(): void {
    const state = this.#state;
    this.#state = { is: "over" };
    if (state.is === "opening") state.upgrade?.abort();
    if (state.is === "open") this.#close(state.webSocket);
  }

  #request(upstream: Upstream): void {
    if (this.#state.is !== "opening") return;
    this.#upstream = upstream;
    const { origin, basePath, dispatcher } = upstream;
    const { path, deadline } = this.#init;
    const headers = [...this.#init.headers, ...flatHeaders(upstream.headers)];
    if (deadline !== undefined) headers.push("connect-timeout-ms", String(remainingMs(deadline)));
    const limits = { maxRefusalBytes: MAX_REFUSAL_BYTES, answerTimeoutMs: UPGRADE_TIMEOUT_MS };
    const upgrade = requestUpgrade(
      { origin, path: basePath + path, dispatcher, headers, ...limits },
      {
        upgraded: (socket) => this.#upgraded(socket),
        refused: (status, answered, body) => this.#end(errorAnswer(status, answered, body)),
        failed: (error) => this.#failed(error),
      },
    );
    this.#state = { is: "opening", upgrade };
  }

  #upgraded(socket: Duplex): void {
    const webSocket = new WebSocket(socket, MAX_MESSAGE_BYTES, {
      heard: () => this.#keepAlive?.heard(),
      binary: (message) => {
        if (this.#state.is === "open") this.#events.message(message);
      },
      text: (text) => this.#text(text),
      closed: (code, reason) => this.#closed(code, reason),
    });
    this.#state = { is: "open", webSocket };
    this.#watch(webSocket);
    this.#events.opened();
  }

  #watch(webSocket: WebSocket): void {
    const silent = () => this.#fail(new BridgeError(GrpcCode.unavailable, "the worker has fallen silent; try again"));
    this.#keepAlive = keepAlive(SYSTEM_CLOCK, this.#init.keepAlive, () => webSocket.sendText(PING), silent);
  }

  /** The last word counts, and no other text. */
  #text(text: string): void {
    if (!text.startsWith(END_MARK)) return;
    const end = readEndStream(Buffer.from(text));
    if (end === undefined) this.#fail(new BridgeError(GrpcCode.internal, MALFORMED_END));
    else this.#end({ status: end.status, headers: [], trailers: metadataOf(end.trailers) });
  }

  /** Without a last word. */
  #closed(code: number, reason: string): void {
    this.#keepAlive?.stop();
    if (this.#state.is !== "open") return;
    if (code === CLOSE.abnormal && this.#upstream !== undefined) this.#init.source.connectFailed(this.#upstream);
    this.#fail(closeError(code, reason));
  }

  /** Opening does nothing by itself, so that another try is safe. */
  #failed(error: unknown): void {
    const lost = isConnectionFailure(error);
    if (lost && this.#upstream !== undefined) this.#init.source.connectFailed(this.#upstream);
    if (lost && this.#attempts < MAX_ATTEMPTS) this.open();
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    const known = error instanceof BridgeError ? error : upgradeError(error);
    this.#end(failureOf(known));
  }

  #end({ status, headers, trailers }: StreamEnd): void {
    if (this.#state.is === "over") return;
    this.abort();
    this.#events.ended({ status, headers, trailers });
  }

  /** What has not been closed in good order by then never will be. */
  #close(webSocket: WebSocket): void {
    this.#keepAlive?.stop();
    webSocket.close(CLOSED_CODE);
    webSocket.resume();
    SYSTEM_CLOCK.after(CLOSE_FLUSH_MS, () => webSocket.destroy());
  }
}

function metadataOf(pairs: readonly (readonly [string, string])[]): string[] {
  const metadata: string[] = [];
  for (const [name, value] of pairs) addMetadata(metadata, name, value);
  return metadata;
}

const MALFORMED_END = "the worker's stream has a malformed end";

function upgradeError(error: unknown): BridgeError {
  return new BridgeError(grpcCodeFromNodeError(error), adviseNodeError(error), { cause: error });
}

function closeError(code: number, reason: string): BridgeError {
  if (code === CLOSE.tooLarge) {
    const limit = `a gRPC message may have ${MAX_MESSAGE_BYTES} bytes`;
    return new BridgeError(
      GrpcCode.resourceExhausted,
      `the worker's stream broke on ${reason || "its size"}; ${limit}`,
    );
  }
  const why = reason === "" ? "" : `: ${reason}`;
  if (code === CLOSE.protocolError) {
    return new BridgeError(GrpcCode.internal, `the worker's stream does not keep to WebSocket${why}`);
  }
  return new BridgeError(
    GrpcCode.unavailable,
    `the worker's stream was cut off (WebSocket code ${code}${why}); try again`,
  );
}
