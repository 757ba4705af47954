// Messages of host calls to bytes and back, within what gestaltd takes.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { DECODE_OPTIONS } from "../serving/decode.ts";

/** Throws RESOURCE_EXHAUSTED over the limit, before anything is sent. */
export function encodeMessage<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Uint8Array {
  const bytes = toBinary(schema, create(schema, message));
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  const size = `${bytes.length} bytes is over the limit of ${MAX_MESSAGE_BYTES} bytes`;
  throw new ConnectError(`The message to the host of ${size}.`, Code.ResourceExhausted);
}

/** Throws INTERNAL for what the host should not have sent. */
export function decodeMessage<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes, DECODE_OPTIONS);
  } catch {
    throw new ConnectError(`The host's reply is not a ${schema.typeName} in binary form.`, Code.Internal);
  }
}
