// A message's bytes as a message.
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

/**
 * Throws a BridgeError of INTERNAL, as grpc-go does with what it cannot unmarshal. `what` says whose message it is, such as
 * "request" or "gestaltd's answer".
 */
export function decode<T extends DescMessage>(schema: T, bytes: Uint8Array, what: string): MessageShape<T> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new BridgeError(GrpcCode.internal, `${what} is not a valid ${schema.typeName}`, { cause });
  }
}
