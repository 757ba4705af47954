// Everything the lean path leaves: JSON, streams and refusals, through connect's own handlers over the same surfaces.
// The handler factory of the Connect protocol is used directly; `createConnectRouter` would bundle gRPC and gRPC-Web too.
import { create, createRegistry, type DescMessage, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  createMethodImplSpec,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect";
import {
  createUniversalMethodHandler,
  mergeNonProtocolHeaders,
  type UniversalHandler,
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { createHandlerFactory } from "@connectrpc/connect/protocol-connect";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { runInCall } from "../async-context.ts";
import { DECODE_OPTIONS, refuseUndecodable, undecodableJson } from "./decode.ts";
import { errorResponse, toConnectError } from "./errors.ts";
import { DAMAGED_GZIP, gzip } from "./gzip.ts";
import type { ServedMethod } from "./method-table.ts";
import type { WorkerCall } from "./worker-call.ts";

type Output = MessageInitShape<DescMessage>;

interface Asked {
  readonly call: WorkerCall;
  /** Its message could be decoded. */
  begun: boolean;
}

const askedKey = createContextKey<Asked | undefined>(undefined, { description: "the call" });

function connectHandlers(method: ServedMethod) {
  return createHandlerFactory({
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    acceptCompression: [gzip],
    binaryOptions: DECODE_OPTIONS,
    jsonOptions: jsonOptionsOf(method),
    interceptors: [refuseUndecodable],
  });
}

/** The registry lets messages inside an Any travel as JSON: those of the method's own file. */
function jsonOptionsOf({ desc }: ServedMethod) {
  return { ...DECODE_OPTIONS, registry: createRegistry(desc.parent.file) };
}

const BAD_REQUEST = 400;
const METHOD_NOT_ALLOWED = 405;

/** Made when a method is first called this way: most isolates never need most of them. */
const handlers = new WeakMap<ServedMethod, UniversalHandler>();

/** Serves one call of any shape. */
export async function serveGeneric(method: ServedMethod, request: Request, call: WorkerCall): Promise<Response> {
  let handler = handlers.get(method);
  if (handler === undefined) {
    handler = createUniversalMethodHandler(createMethodImplSpec(method.desc, implementation(method)), [
      connectHandlers(method),
    ]);
    handlers.set(method, handler);
  }
  const asked: Asked = { call, begun: false };
  const answer = await handler({
    ...universalServerRequestFromFetch(request, {}),
    header: withoutCompressedReply(request.headers),
    contextValues: createContextValues().set(askedKey, asked),
  });
  const response = universalServerResponseToFetch(answer);
  if (response.status === METHOD_NOT_ALLOWED) response.headers.set("allow", allowed(method));
  return response.status === BAD_REQUEST && !asked.begun ? refused(method, response) : response;
}

/** connect's refusal of a message, in JSON mostly: it would repeat what was sent. */
async function refused({ desc }: ServedMethod, response: Response): Promise<Response> {
  const { message = "" } = (await response.json()) as { readonly message?: string };
  const damaged = message === DAMAGED_GZIP;
  return errorResponse(
    damaged ? new ConnectError(message, Code.InvalidArgument) : undecodableJson(desc.input, message),
  );
}

/** connect's own list has GET for streams too, which the Connect protocol does not know. */
function allowed({ desc }: ServedMethod): string {
  const safe = desc.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return desc.methodKind === "unary" && safe ? "POST, GET" : "POST";
}

/** Cloudflare compresses replies itself where that pays; compressing twice breaks them, and ours would be billed. */
function withoutCompressedReply(headers: Headers): Headers {
  const header = new Headers(headers);
  header.set("accept-encoding", "identity");
  header.set("connect-accept-encoding", "identity");
  return header;
}

function implementation(method: ServedMethod): MethodImpl<typeof method.desc> {
  const impl =
    method.desc.methodKind === "server_streaming" || method.desc.methodKind === "bidi_streaming"
      ? streaming(method)
      : single(method);
  return impl as MethodImpl<typeof method.desc>;
}

/** One reply: unary and client streaming. */
function single(method: ServedMethod) {
  const jsonOptions = jsonOptionsOf(method);
  return async (input: never, context: HandlerContext): Promise<Output> => {
    const call = callOf(context);
    try {
      const work = Promise.resolve(method.run(input, call));
      const output = (await call.withinDeadline(work)) as Output;
      // connect would tell the caller which value it cannot encode, and the log nothing. Binary unary calls are not here.
      if (method.desc.methodKind === "unary")
        toJson(method.desc.output, create(method.desc.output, output), jsonOptions);
      return output;
    } catch (error) {
      throw toConnectError(error, call, method.label);
    } finally {
      passMetadata(call, context);
    }
  };
}

function streaming(method: ServedMethod) {
  return async function* (input: never, context: HandlerContext): AsyncGenerator<Output> {
    const call = callOf(context);
    try {
      const replies = (await call.withinDeadline(Promise.resolve(method.run(input, call)))) as AsyncIterable<Output>;
      const iterator = replies[Symbol.asyncIterator]();
      endWithCaller(iterator, call);
      try {
        for (;;) {
          // The reader asks for it, from outside of the call.
          const next = await call.withinDeadline(runInCall(call, () => iterator.next()));
          passMetadata(call, context);
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        end(iterator, call);
      }
    } catch (error) {
      passMetadata(call, context);
      throw toConnectError(error, call, method.label);
    }
  };
}

/** workerd stops asking when the reader has left, and tells nobody but the signal: the surface must still clean up. */
function endWithCaller(iterator: AsyncIterator<unknown>, call: WorkerCall): void {
  call.signal.addEventListener("abort", () => end(iterator, call), { once: true });
}

/** Nobody waits for it: a surface that is deaf to the signal would hold up the answer. */
function end(iterator: AsyncIterator<unknown>, call: WorkerCall): void {
  if (iterator.return !== undefined) call.waitUntil(iterator.return().catch(() => undefined));
}

/** Hands over what a surface has set on its call since the last time. */
function passMetadata(call: WorkerCall, context: HandlerContext): void {
  const metadata = call.takeResponseMetadata();
  if (metadata === undefined) return;
  mergeNonProtocolHeaders(context.responseHeader, metadata.headers);
  mergeNonProtocolHeaders(context.responseTrailer, metadata.trailers);
}

function callOf(context: HandlerContext): WorkerCall {
  const asked = context.values.get(askedKey);
  if (asked === undefined) throw new TypeError("A generic handler was called without its call.");
  asked.begun = true;
  return asked.call;
}
