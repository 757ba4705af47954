// The lean path of server streams: binary, uncompressed, without a deadline, as the bridge sends them. The generic handlers
// copy every message twice and pass it through a chain of iterators, which for object reads is most of their CPU.
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { type EncodedReplies, isEncoded } from "../surface.ts";
import { readBody, tooLarge } from "./body.ts";
import { toConnectError } from "./errors.ts";
import type { ServedMethod } from "./method-table.ts";
import type { WorkerCall } from "./worker-call.ts";

/** Flags and length before each message (Connect protocol, "Enveloped-Message"). */
const ENVELOPE_BYTES = 5;

type Reply = MessageInitShape<DescMessage>;

/** Whether a request can take the lean path. Anything else goes to the generic one. */
export function isLeanStream(method: ServedMethod, request: Request, call: WorkerCall): boolean {
  if (method.desc.methodKind !== "server_streaming" || request.method !== "POST" || call.deadline !== undefined)
    return false;
  if (request.headers.get("content-type") !== "application/connect+proto") return false;
  const encoding = request.headers.get("connect-content-encoding");
  return encoding === null || encoding === "identity";
}

/** Serves one call. Never rejects: errors end the stream. */
export async function serveServerStream(method: ServedMethod, request: Request, call: WorkerCall): Promise<Response> {
  const envelopes = withEnd(method, request, call);
  const ended = Promise.withResolvers<void>();
  const end = async () => {
    ended.resolve();
    await envelopes.return(undefined);
  };
  // workerd stops asking when the reader has left, and tells nobody but the signal: the surface must still clean up.
  call.signal.addEventListener("abort", () => call.waitUntil(end()), { once: true });
  // Keeps the signal alive as long as the stream.
  call.waitUntil(call.withinDeadline(ended.promise));
  // Headers go out with the first message, so that is waited for.
  let first: Promise<IteratorResult<Uint8Array>> | undefined = envelopes.next();
  await first;
  const headers = new Headers({ "content-type": "application/connect+proto" });
  mergeNonProtocolHeaders(headers, call.responseHeaders);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await (first ?? envelopes.next());
        first = undefined;
        if (done !== true) return controller.enqueue(value);
        ended.resolve();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

async function* withEnd(method: ServedMethod, request: Request, call: WorkerCall): AsyncGenerator<Uint8Array> {
  let error: ConnectError | undefined;
  try {
    const input = decode(method.desc.input, await readBody(request, MAX_MESSAGE_BYTES + ENVELOPE_BYTES));
    const replies = (await method.run(input as never, call)) as AsyncIterable<Reply> | EncodedReplies;
    if (isEncoded(replies)) yield* replies.envelopes();
    else for await (const reply of replies) yield encode(method.desc.output, reply);
  } catch (failure) {
    error = toConnectError(failure, call, method.label);
  }
  const trailers = new Headers();
  mergeNonProtocolHeaders(trailers, call.responseTrailers);
  yield envelope(new TextEncoder().encode(JSON.stringify(endStreamToJson(trailers, error, undefined))), endStreamFlag);
}

function decode(schema: DescMessage, body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (
    body.byteLength < ENVELOPE_BYTES ||
    view.getUint8(0) !== 0 ||
    view.getUint32(1) !== body.byteLength - ENVELOPE_BYTES
  ) {
    throw new ConnectError("The request is not one enveloped message.", Code.InvalidArgument);
  }
  try {
    return fromBinary(schema, body.subarray(ENVELOPE_BYTES));
  } catch {
    throw new ConnectError(`The request is not a ${schema.typeName} in binary form.`, Code.InvalidArgument);
  }
}

function encode(schema: DescMessage, reply: Reply): Uint8Array {
  const bytes = toBinary(schema, create(schema, reply));
  if (bytes.byteLength > MAX_MESSAGE_BYTES) throw tooLarge("reply", MAX_MESSAGE_BYTES, bytes.byteLength);
  return envelope(bytes, 0);
}

function envelope(message: Uint8Array, flags: number): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_BYTES + message.byteLength);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, message.byteLength);
  bytes.set(message, ENVELOPE_BYTES);
  return bytes;
}
