// Turns the bytes of a request into its message.
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/**
 * How deep messages may nest. One level of JSON in a Struct takes two or three messages, and the runtime's own limit of
 * 100 would refuse documents of thirty levels, which gestaltd passes on. Far below what workerd's stack stands.
 */
export const DECODE_OPTIONS = { recursionLimit: 1_000 } as const;

/** Throws INVALID_ARGUMENT when the bytes are no such message. The runtime's own text could hold what was sent. */
export function decode<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes, DECODE_OPTIONS);
  } catch {
    throw undecodable(schema);
  }
}

/** connect calls a message of a stream that it cannot decode INTERNAL, with its decoder's text. Unary calls are decoded above. */
export const refuseUndecodable: Interceptor = (next) => (request) =>
  next(request.stream ? { ...request, message: decodable(request.message, request.method.input) } : request);

async function* decodable<T>(messages: AsyncIterable<T>, schema: DescMessage): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    throw code === Code.Internal && rawMessage.startsWith("parse binary: ") ? undecodable(schema) : error;
  }
}

function undecodable(schema: DescMessage): ConnectError {
  return new ConnectError(`The request is not a ${schema.typeName} in binary form.`, Code.InvalidArgument);
}
