// The lean path: unary binary calls, which nearly all calls are. The generic router costs several times the CPU that
// Cloudflare bills, in header checks, linked abort signals and iterators these calls do not need.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { tooLarge } from "./body.ts";
import { decode } from "./decode.ts";
import { errorResponse, toConnectError } from "./errors.ts";
import type { ServedMethod } from "./method-table.ts";
import { readMessage } from "./unary-request.ts";
import type { WorkerCall } from "./worker-call.ts";

const PROTO: ResponseInit = { headers: { "content-type": "application/proto" } };

/** Serves one call of the shape that `isBinaryUnary` knows. Never rejects: errors become Connect errors in JSON. */
export async function serveUnary(method: ServedMethod, request: Request, call: WorkerCall): Promise<Response> {
  let response: Response;
  try {
    response = new Response(await call.withinDeadline(answer(method, request, call)), PROTO);
  } catch (error) {
    response = errorResponse(toConnectError(error, call, method.label));
  }
  const metadata = call.takeResponseMetadata();
  if (metadata !== undefined) {
    mergeNonProtocolHeaders(response.headers, metadata.headers);
    // Trailers of unary calls travel as headers with a prefix (Connect protocol, "Unary-Response").
    for (const [name, value] of metadata.trailers) response.headers.append(`trailer-${name}`, value);
  }
  return response;
}

async function answer(method: ServedMethod, request: Request, call: WorkerCall): Promise<Uint8Array> {
  const message = await readMessage(request);
  if (method.binary !== undefined) return method.binary(message, call);
  const input = decode(method.desc.input, message);
  const output = await method.run(input as never, call);
  const bytes = toBinary(
    method.desc.output,
    create(method.desc.output, output as MessageInitShape<typeof method.desc.output>),
  );
  if (bytes.byteLength > MAX_MESSAGE_BYTES) throw tooLarge("reply", MAX_MESSAGE_BYTES, bytes.byteLength);
  return bytes;
}
