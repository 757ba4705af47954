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
    throw undecodable(schema, "binary");
  }
}

/**
 * The decoder's text repeats what was sent, which may be a secret in the wrong place; what is kept of it is the name of the field.
 *
 * @param text The message of an error that connect made of the decoder's.
 */
export function undecodableJson(schema: DescMessage, text: string): ConnectError {
  const [, part] = DECODERS_TEXT.exec(text) ?? [];
  return undecodable(schema, "JSON", part);
}

/** Up to there it is made of names of the protocol. */
const DECODERS_TEXT = /^cannot decode (field [\w.]+) from JSON/;

/** connect passes on its decoder's text for a message of a stream. Unary calls are decoded above, or refused by `serveGeneric`. */
export const refuseUndecodable: Interceptor = (next) => (request) =>
  next(request.stream ? { ...request, message: decodable(request.message, request.method.input) } : request);

async function* decodable<T>(messages: AsyncIterable<T>, schema: DescMessage): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    const { code, rawMessage, cause } = ConnectError.from(error);
    if (code === Code.Internal && rawMessage.startsWith("parse binary: ")) throw undecodable(schema, "binary");
    // Of what connect refuses with this code, only the decoder's errors are made of other errors.
    if (code === Code.InvalidArgument && cause !== undefined) throw undecodableJson(schema, rawMessage);
    throw error;
  }
}

function undecodable(schema: DescMessage, form: "binary" | "JSON", part?: string): ConnectError {
  const place = part === undefined ? "" : ` (${part})`;
  return new ConnectError(`The request is not a ${schema.typeName} in ${form} form${place}.`, Code.InvalidArgument);
}
