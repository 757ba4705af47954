// Reads an object as a raw HTTP body, the way the bridge does: the bytes go from the store to the caller past this code.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ReadObjectRequest,
  ReadObjectRequestSchema,
  S3ObjectMetaSchema,
} from "../../gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { OBJECT_META_HEADER, OBJECT_READ_PATH } from "../../wire/routes.ts";
import type { Call } from "../call.ts";
import type { Provider } from "../provider.ts";
import { readBody } from "../serving/body.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { streamOf } from "./body-stream.ts";
import type { S3Handlers } from "./define.ts";
import { translated } from "./errors.ts";
import { metaToProtocol, readFromProtocol } from "./messages.ts";

/** The route of raw reads, for `Provider.routes`. */
export function readRoutes<Config>(handlers: S3Handlers<Config>): NonNullable<Provider["routes"]> {
  return { [OBJECT_READ_PATH]: (request, call) => translated(() => answerRead(handlers, request, call)) };
}

async function answerRead<Config>(handlers: S3Handlers<Config>, request: Request, call: Call): Promise<Response> {
  const input = readFromProtocol(decode(await readBody(request, MAX_MESSAGE_BYTES)));
  const { meta, body } = await handlers.readObject(input, providerRequest<Config>(call));
  const described = toBinary(S3ObjectMetaSchema, create(S3ObjectMetaSchema, metaToProtocol(meta)));
  return new Response(body === null ? null : streamOf(body), {
    status: 200,
    headers: { "content-type": "application/octet-stream", [OBJECT_META_HEADER]: base64Encode(described) },
  });
}

function decode(bytes: Uint8Array): ReadObjectRequest {
  try {
    return fromBinary(ReadObjectRequestSchema, bytes);
  } catch {
    throw new ConnectError("The request is not a ReadObjectRequest in binary form.", Code.InvalidArgument);
  }
}
