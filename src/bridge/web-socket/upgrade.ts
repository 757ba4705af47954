// Asks a worker for a WebSocket.
import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { HeaderList } from "../grpc/metadata.ts";

export interface UpgradeInit {
  readonly origin: string;
  /** Whole path of the request. */
  readonly path: string;
  /** Sent with this one request. */
  readonly headers: HeaderList;
  readonly dispatcher: Dispatcher;
  /** Most that is read of an answer that is no WebSocket, in bytes. */
  readonly maxRefusalBytes: number;
  /** Longest wait for an answer once the request is out, in milliseconds; by default undici's own. */
  readonly answerTimeoutMs?: number | undefined;
}

/** Told one of them, once, later than `requestUpgrade` returns; nothing after {@link Upgrade.abort}. */
export interface UpgradeEvents {
  /** The socket speaks WebSocket, without extensions, from here on. */
  upgraded(socket: Duplex): void;
  /** The answer was no upgrade; `body` is its beginning. */
  refused(status: number, headers: IncomingHttpHeaders, body: Buffer): void;
  /** No answer came, or one that makes no sense. */
  failed(error: unknown): void;
}

export interface Upgrade {
  /** Gives up, whatever state it is in. */
  abort(): void;
}

export function requestUpgrade(init: UpgradeInit, events: UpgradeEvents): Upgrade {
  const { origin, path, dispatcher, maxRefusalBytes, answerTimeoutMs } = init;
  const key = randomBytes(KEY_BYTES).toString("base64");
  const handler = new UpgradeHandler(key, maxRefusalBytes, events);
  const options: Dispatcher.DispatchOptions = {
    origin,
    path,
    method: "GET",
    upgrade: "websocket",
    // No compression is offered: most messages are small, what is large is mostly compressed already, and at the edge it would
    // cost the worker's CPU time.
    headers: [...init.headers, "sec-websocket-key", key, "sec-websocket-version", "13"],
    ...(answerTimeoutMs === undefined ? {} : { headersTimeout: answerTimeoutMs }),
  };
  // undici fails at once where it can.
  queueMicrotask(() => handler.start(dispatcher, options));
  return { abort: () => handler.abort() };
}

/** RFC 6455 §4.1. */
const KEY_BYTES = 16;

/** RFC 6455 §1.3: what a server puts behind the key before it hashes it. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

class UpgradeHandler implements Dispatcher.DispatchHandler {
  readonly #accept: string;
  readonly #events: UpgradeEvents;
  readonly #maxBytes: number;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #answer: { readonly status: number; readonly headers: IncomingHttpHeaders } | undefined;
  readonly #body: Buffer[] = [];
  #bytes = 0;

  constructor(key: string, maxBytes: number, events: UpgradeEvents) {
    this.#accept = createHash("sha1").update(`${key}${KEY_SUFFIX}`).digest("base64");
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  start(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void {
    if (this.#over) return;
    try {
      dispatcher.dispatch(options, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(ABANDONED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(ABANDONED);
  }

  onRequestUpgrade(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    if (this.#over || !this.#isWebSocket(status, headers)) {
      socket.on("error", () => {}).destroy();
      this.#fail(new BridgeError(GrpcCode.unavailable, NO_WEB_SOCKET));
      return;
    }
    this.#over = true;
    this.#events.upgraded(socket);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200) this.#answer = { status, headers };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) controller.abort(ABANDONED);
  }

  onResponseEnd(): void {
    this.#fail(new BridgeError(GrpcCode.unavailable, NO_WEB_SOCKET));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  /** RFC 6455 §4.1: all that a server may not say otherwise. */
  #isWebSocket(status: number, headers: IncomingHttpHeaders): boolean {
    return (
      status === 101 &&
      headers.upgrade?.toLowerCase() === "websocket" &&
      headers["sec-websocket-accept"] === this.#accept &&
      headers["sec-websocket-extensions"] === undefined &&
      headers["sec-websocket-protocol"] === undefined
    );
  }

  /** What was answered says more than how that ended. */
  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const answer = this.#answer;
    if (answer === undefined) this.#events.failed(error);
    else this.#events.refused(answer.status, answer.headers, Buffer.concat(this.#body));
  }
}

const ABANDONED = new Error("the upgrade was given up");
const NO_WEB_SOCKET = "the worker's answer to the upgrade is not that of a WebSocket";
