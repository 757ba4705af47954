// ConformanceService as a surface: what the official runner and our own matrix call. Every request says how it wants to
// be answered, and finds in the answer what the worker saw of it.
import { create, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../../src/worker/call.ts";
import { type Surface, surface } from "../../src/worker/surface.ts";
import {
  ClientStreamRequestSchema,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** `Unimplemented` is left out: its answer has to come from the serving itself. */
export const conformanceSurface: Surface = surface(ConformanceService, {
  async unary(request, call) {
    const requests = [anyPack(UnaryRequestSchema, request)];
    return { payload: await answerOne(request.responseDefinition, requests, call) };
  },
  async idempotentUnary(request, call) {
    const requests = [anyPack(IdempotentUnaryRequestSchema, request)];
    return { payload: await answerOne(request.responseDefinition, requests, call) };
  },
  async clientStream(stream, call) {
    const requests: MessageShape<typeof ClientStreamRequestSchema>[] = [];
    for await (const request of stream) requests.push(request);
    const packed = requests.map((request) => anyPack(ClientStreamRequestSchema, request));
    return { payload: await answerOne(requests[0]?.responseDefinition, packed, call) };
  },
  serverStream(request, call) {
    if (request.responseDefinition === undefined) return nothing();
    // Before the first message is asked for, so that they go out without waiting for it.
    setMetadata(request.responseDefinition, call);
    return answerMany(request.responseDefinition, [anyPack(ServerStreamRequestSchema, request)], call);
  },
});

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;

async function answerOne(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  call: Call,
): Promise<Payload> {
  const requestInfo = describeRequest(requests, call);
  if (definition === undefined) return { requestInfo };
  setMetadata(definition, call);
  await pause(definition.responseDelayMs, call);
  if (definition.response.case === "error") throw errorOf(definition.response.value, requestInfo);
  return { requestInfo, data: definition.response.value ?? new Uint8Array() };
}

async function* answerMany(
  definition: StreamResponseDefinition,
  requests: Any[],
  call: Call,
): AsyncIterable<{ payload: Payload }> {
  let requestInfo: ConformancePayload_RequestInfo | undefined = describeRequest(requests, call);
  for (const data of definition.responseData) {
    await pause(definition.responseDelayMs, call);
    yield { payload: requestInfo === undefined ? { data } : { data, requestInfo } };
    requestInfo = undefined;
  }
  if (definition.error !== undefined) throw errorOf(definition.error, requestInfo);
}

async function* nothing(): AsyncIterable<never> {}

function setMetadata(
  definition: Pick<UnaryResponseDefinition, "responseHeaders" | "responseTrailers">,
  call: Call,
): void {
  append(call.responseHeaders, definition.responseHeaders);
  append(call.responseTrailers, definition.responseTrailers);
}

function append(target: Headers, headers: readonly Header[]): void {
  for (const { name, value } of headers) for (const one of value) target.append(name, one);
}

/** Waits, and gives up when the caller has gone or its deadline has passed. Says both in the log, which tests read. */
function pause(milliseconds: number, { signal, log }: Call): Promise<void> {
  if (milliseconds === 0) return Promise.resolve();
  log.info("waiting");
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      log.info("aborted");
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function errorOf(definition: ErrorDefinition, requestInfo: ConformancePayload_RequestInfo | undefined): ConnectError {
  const error = new ConnectError(definition.message ?? "", definition.code as number as Code);
  const details = [...definition.details];
  if (requestInfo !== undefined) details.push(anyPack(ConformancePayload_RequestInfoSchema, requestInfo));
  // The form in which an error that came over the wire holds its details: type name and bytes.
  error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  return error;
}

function describeRequest(requests: Any[], call: Call): ConformancePayload_RequestInfo {
  const info = create(ConformancePayload_RequestInfoSchema, {
    requests,
    requestHeaders: [...call.headers].map(([name, value]) => ({ name, value: [value] })),
  });
  if (call.deadline !== undefined) info.timeoutMs = BigInt(Math.max(0, call.deadline - Date.now()));
  return info;
}
