// One call of ConformanceService, over whatever transport, and everything a caller can see of how it ended.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client, Code, ConnectError } from "@connectrpc/connect";
import {
  type ClientStreamRequestSchema,
  type ConformancePayload,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  type ConformanceService,
  type StreamResponseDefinitionSchema,
  type UnaryResponseDefinitionSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

export type ConformanceClient = Client<typeof ConformanceService>;
export type UnaryDefinition = MessageInitShape<typeof UnaryResponseDefinitionSchema>;
export type StreamDefinition = MessageInitShape<typeof StreamResponseDefinitionSchema>;

export type Request =
  | { readonly rpc: "unary" | "idempotentUnary"; readonly definition?: UnaryDefinition; readonly padding?: number }
  | { readonly rpc: "serverStream"; readonly definition?: StreamDefinition; readonly padding?: number }
  /** As many messages as there are paddings. */
  | { readonly rpc: "clientStream"; readonly definition?: UnaryDefinition; readonly paddings: readonly number[] }
  | { readonly rpc: "unimplemented" };

export interface Outcome {
  readonly code: Code | "ok";
  readonly message: string;
  /** Type names and bytes of the error's details, less the RequestInfo. */
  readonly details: readonly { readonly type: string; readonly value: Uint8Array }[];
  readonly headers: Headers;
  readonly trailers: Headers;
  /** The bytes of each answer. */
  readonly data: readonly Uint8Array[];
  /** What the worker saw of the request, from the first answer or the error. */
  readonly seen: ConformancePayload_RequestInfo | undefined;
}

export interface Call {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told how many answers have been read so far. */
  readonly onAnswer?: (count: number) => void;
}

export async function perform(client: ConformanceClient, request: Request, call: Call = {}): Promise<Outcome> {
  const metadata = { headers: new Headers(), trailers: new Headers() };
  const options: CallOptions = {
    headers: (call.headers ?? []).map(([name, value]): [string, string] => [name, value]),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
    onHeader: (headers) => (metadata.headers = headers),
    onTrailer: (trailers) => (metadata.trailers = trailers),
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
  };
  const payloads: ConformancePayload[] = [];
  try {
    for await (const payload of send(client, request, options)) {
      payloads.push(payload);
      call.onAnswer?.(payloads.length);
    }
  } catch (error) {
    return failed(ConnectError.from(error), payloads, metadata);
  }
  return { code: "ok", message: "", details: [], ...metadata, ...answers(payloads) };
}

async function* send(
  client: ConformanceClient,
  request: Request,
  options: CallOptions,
): AsyncIterable<ConformancePayload> {
  if (request.rpc === "unimplemented") {
    await client.unimplemented({}, options);
    return;
  }
  if (request.rpc === "clientStream") {
    const { payload } = await client.clientStream(messagesOf(request), options);
    if (payload !== undefined) yield payload;
    return;
  }
  const requestData = new Uint8Array(request.padding ?? 0);
  if (request.rpc === "serverStream") {
    const message = request.definition === undefined ? {} : { responseDefinition: request.definition };
    for await (const { payload } of client.serverStream({ ...message, requestData }, options)) {
      if (payload !== undefined) yield payload;
    }
    return;
  }
  const message = request.definition === undefined ? {} : { responseDefinition: request.definition };
  const { payload } = await client[request.rpc]({ ...message, requestData }, options);
  if (payload !== undefined) yield payload;
}

async function* messagesOf(
  request: Request & { rpc: "clientStream" },
): AsyncIterable<MessageInitShape<typeof ClientStreamRequestSchema>> {
  for (const [index, padding] of request.paddings.entries()) {
    const first = index === 0 && request.definition !== undefined ? { responseDefinition: request.definition } : {};
    yield { ...first, requestData: new Uint8Array(padding) };
  }
}

function answers(payloads: readonly ConformancePayload[]): Pick<Outcome, "data" | "seen"> {
  return { data: payloads.map(({ data }) => data), seen: payloads[0]?.requestInfo };
}

/**
 * An error's metadata is what the transport could not tell apart: headers and trailers of a call without any message.
 * Trailers that the transport did tell are in it too.
 */
function failed(
  error: ConnectError,
  payloads: readonly ConformancePayload[],
  metadata: Pick<Outcome, "headers" | "trailers">,
): Outcome {
  const [seen] = error.findDetails(ConformancePayload_RequestInfoSchema);
  const details = error.details.flatMap((detail) =>
    "type" in detail ? [{ type: detail.type, value: detail.value }] : [],
  );
  return {
    code: error.code,
    message: error.rawMessage,
    details: details.filter(({ type }) => type !== ConformancePayload_RequestInfoSchema.typeName),
    headers: [...metadata.headers].length > 0 ? metadata.headers : error.metadata,
    trailers: error.metadata,
    data: payloads.map(({ data }) => data),
    seen: payloads[0]?.requestInfo ?? seen,
  };
}

/** Names as the test output has them: `NotFound`. */
export function nameOf(code: Code | "ok"): string {
  return code === "ok" ? "ok" : (Code[code] ?? String(code));
}
