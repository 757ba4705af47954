// Calls of the bridge's own to a worker: typed request in, typed reply out.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { decode } from "../grpc/decode.ts";
import type { HeaderList } from "../grpc/metadata.ts";
import { pathOf } from "../grpc/router.ts";
import type { UpstreamSource } from "../upstream.ts";
import { exchange } from "./answer.ts";
import { payloadOrThrow } from "./outcome.ts";
import { isRepeatable } from "./repeatable.ts";
import { UNARY_HEADERS } from "./request-headers.ts";

export interface WorkerCallOptions {
  /** Milliseconds since the epoch. The worker is told; the caller's own `signal` ends the wait here. */
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: HeaderList | undefined;
}

/** Rejects with a BridgeError: the worker's own (a `StatusError`, with its details) or that of the way to it. */
export async function callWorker<I extends DescMessage, O extends DescMessage>(
  source: UpstreamSource,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: WorkerCallOptions = {},
): Promise<MessageShape<O>> {
  const init = {
    source,
    path: pathOf(method),
    headers: [...UNARY_HEADERS, ...(options.metadata ?? [])],
    body: Buffer.from(toBinary(method.input, create(method.input, request))),
    repeatable: isRepeatable(method),
    deadline: options.deadline,
  };
  const payload = payloadOrThrow(await exchange(init, "unary", options.signal));
  return decode(method.output, payload, "the worker's answer");
}
