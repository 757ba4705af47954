// Opens the WebSocket of a channel, and learns what undici's WebSocket keeps to itself: why it was refused, and its socket.
import type { Duplex } from "node:stream";
import { type Dispatcher, WebSocket } from "undici";
import { CHANNEL_PATH } from "../../wire/routes.ts";
import type { Upstream } from "../upstream.ts";
import { type Ending, endingOfAnswer, endingOfError } from "./ending.ts";
import { MAX_REFUSAL_BYTES } from "./limits.ts";

export interface Upgrade {
  readonly webSocket: WebSocket;
  /** Under the WebSocket, once that is open. */
  readonly socket: Duplex | undefined;
  /** Why the WebSocket did not open; undefined while it has not failed. */
  readonly failure: Ending | undefined;
}

type Notes = { -readonly [Key in "socket" | "failure"]: Upgrade[Key] };

/** The session token is in the headers of this one request and nowhere later: a channel outlives it. */
export function upgrade({ origin, basePath, dispatcher, headers }: Upstream): Upgrade {
  const notes: Notes = { socket: undefined, failure: undefined };
  const webSocket = new WebSocket(`${origin}${basePath}${CHANNEL_PATH}`, {
    dispatcher: dispatcher.compose((dispatch) => noting(dispatch, notes)),
    headers: { ...headers },
  });
  webSocket.binaryType = "arraybuffer";
  return {
    webSocket,
    get socket() {
      return notes.socket;
    },
    get failure() {
      return notes.failure;
    },
  };
}

function noting(dispatch: Dispatcher.Dispatch, notes: Notes): Dispatcher.Dispatch {
  return (options, handler) => {
    const headers = withoutCompression(options.headers as Readonly<Record<string, string>>);
    return dispatch({ ...options, headers }, new NotingHandler(handler, notes));
  };
}

/** Most messages are small, what is large is mostly compressed already, and at the edge it would cost the worker's CPU time. */
function withoutCompression(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { "sec-websocket-extensions": _, ...others } = headers;
  return others;
}

/** Passes on what belongs to an upgrade; reads an answer that is none itself, and passes it on as an error. */
class NotingHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #notes: Notes;
  #status: number | undefined;
  readonly #body: Buffer[] = [];
  #bytes = 0;

  constructor(handler: Dispatcher.DispatchHandler, notes: Notes) {
    this.#handler = handler;
    this.#notes = notes;
  }

  onRequestStart(...args: Parameters<Required<Dispatcher.DispatchHandler>["onRequestStart"]>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Parameters<Required<Dispatcher.DispatchHandler>["onRequestUpgrade"]>): void {
    this.#notes.socket = args[3];
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_REFUSAL_BYTES) controller.abort(REFUSED);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#failed(controller, REFUSED);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#failed(controller, error);
  }

  #failed(controller: Dispatcher.DispatchController, error: Error): void {
    const status = this.#status;
    this.#notes.failure =
      status === undefined ? endingOfError(error) : endingOfAnswer(status, Buffer.concat(this.#body));
    this.#handler.onResponseError?.(controller, error);
  }
}

const REFUSED = new Error("the upgrade was refused");
