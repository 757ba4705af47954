// Methods the bridge answers itself: messages are decoded, functions called, answers encoded.
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { BridgeError } from "../errors.ts";
import type { ServerCall } from "./call.ts";
import { decode } from "./decode.ts";
import { frame, type Pieces, payloadOf } from "./frames.ts";
import { readMessages } from "./messages.ts";
import type { HeaderList } from "./metadata.ts";
import type { Route } from "./router.ts";
import { OK } from "./status.ts";

/** A call as a local function sees it. */
export interface LocalCall {
  /** Full method: `/grpc.health.v1.Health/Check`. */
  readonly path: string;
  /** Metadata the caller sent, without what belongs to the hop. */
  readonly metadata: HeaderList;
  /** When the caller stops waiting, in milliseconds since the epoch; undefined when it set no deadline. */
  readonly deadline: number | undefined;
  /** Aborts with a {@link BridgeError} when the call is over before its function is. Made on first use. */
  readonly signal: AbortSignal;
}

/**
 * Serves a unary method by a function. It may answer at once or later; a {@link BridgeError} goes out with its code and
 * message, anything else as INTERNAL without its text.
 */
export function localUnary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answer: (request: MessageShape<I>, call: LocalCall) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
): Route {
  const finish = (call: ServerCall, reply: MessageInitShape<O>) => call.finishWith([encode(method.output, reply)]);
  return {
    method,
    handle: (call) => {
      const local = new Local(call);
      call.receiveOne((message) => {
        const reply = answer(requestIn(method.input, message), local);
        if (!isPromise(reply)) return finish(call, reply);
        reply.then((late) => finish(call, late)).catch((error: unknown) => call.fail(error));
      }, local.ended);
    },
  };
}

/**
 * Serves a server-streaming method. The iterable is closed after the caller has gone; one that waits for long should
 * wait for `call.signal` too. Slow callers slow it down.
 */
export function localServerStream<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  answer: (request: MessageShape<I>, call: LocalCall) => AsyncIterable<MessageInitShape<O>>,
): Route {
  return {
    method,
    handle: (call) => {
      const local = new Local(call);
      call.receiveOne((message) => {
        sendAll(call, method.output, answer(requestIn(method.input, message), local));
      }, local.ended);
    },
  };
}

/** Serves a bidirectional method. Requests are read as fast as they are taken; reading them may throw a BridgeError. */
export function localBidi<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  answer: (requests: AsyncIterable<MessageShape<I>>, call: LocalCall) => AsyncIterable<MessageInitShape<O>>,
): Route {
  return {
    method,
    handle: (call) => {
      const local = new Local(call);
      sendAll(call, method.output, answer(decodeAll(method.input, readMessages(call, local.ended)), local));
    },
  };
}

class Local implements LocalCall {
  readonly #call: ServerCall;
  #controller: AbortController | undefined;
  #reason: BridgeError | undefined;

  constructor(call: ServerCall) {
    this.#call = call;
  }

  get path(): string {
    return this.#call.path;
  }

  get metadata(): HeaderList {
    return this.#call.metadata;
  }

  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  readonly ended = (reason: BridgeError): void => {
    this.#reason = reason;
    this.#controller?.abort(reason);
  };
}

function sendAll<O extends DescMessage>(
  call: ServerCall,
  schema: O,
  replies: AsyncIterable<MessageInitShape<O>>,
): void {
  const send = async () => {
    for await (const reply of replies) {
      if (call.over) return;
      if (!call.sendFrame([encode(schema, reply)])) await call.drained();
    }
    call.finish(OK);
  };
  send().catch((error: unknown) => call.fail(error));
}

async function* decodeAll<I extends DescMessage>(
  schema: I,
  messages: AsyncIterable<Pieces>,
): AsyncGenerator<MessageShape<I>> {
  for await (const message of messages) yield requestIn(schema, message);
}

function requestIn<I extends DescMessage>(schema: I, message: Pieces): MessageShape<I> {
  return decode(schema, payloadOf(message), "request");
}

function encode<O extends DescMessage>(schema: O, reply: MessageInitShape<O>): Buffer {
  return frame(toBinary(schema, create(schema, reply)));
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}
