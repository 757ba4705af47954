// Reads the messages of a WriteObject stream without decoding what they hold.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { WriteObjectRequestSchema } from "../../gen/gestalt/provider/v1/s3_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { sizeOf } from "../grpc/frames.ts";

export type WriteMessage =
  | { readonly kind: "open" }
  /** Views of the message it came in. */
  | { readonly kind: "data"; readonly data: readonly Uint8Array[] };

const OPEN_FIELD = WriteObjectRequestSchema.field.open.number;
const DATA_FIELD = WriteObjectRequestSchema.field.data.number;

/** Says which of the two a `WriteObjectRequest` is. Throws INVALID_ARGUMENT for what is neither. */
export function readWriteMessage(payload: readonly Buffer[]): WriteMessage {
  const [first = EMPTY, ...more] = payload;
  let message: WriteMessage | undefined;
  try {
    const headerLength = plainDataHeader(first, payload);
    if (headerLength !== undefined) return { kind: "data", data: [first.subarray(headerLength), ...more] };
    message = readWhole(more.length === 0 ? first : Buffer.concat(payload));
  } catch (error) {
    throw new BridgeError(GrpcCode.invalidArgument, "message is not a valid WriteObjectRequest", { cause: error });
  }
  if (message !== undefined) return message;
  throw new BridgeError(GrpcCode.invalidArgument, "message of WriteObject holds neither open nor data");
}

const EMPTY = Buffer.alloc(0);

const DATA_TAG = (DATA_FIELD << 3) | WireType.LengthDelimited;

/** Longest tag and length before data of 4 MiB, in bytes. */
const MAX_DATA_HEADER_BYTES = 6;

/** Length of what goes before the data, when the message is the data field and nothing else, as nearly all are. */
function plainDataHeader(first: Buffer, payload: readonly Buffer[]): number | undefined {
  if (first[0] !== DATA_TAG || first.length < MAX_DATA_HEADER_BYTES) return undefined;
  const reader = new BinaryReader(first);
  reader.tag();
  const length = reader.uint32();
  return reader.pos + length === sizeOf(payload) ? reader.pos : undefined;
}

/** Of several fields the last counts, as protobuf has it. */
function readWhole(payload: Uint8Array): WriteMessage | undefined {
  let message: WriteMessage | undefined;
  const reader = new BinaryReader(payload);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === DATA_FIELD && type === WireType.LengthDelimited) message = { kind: "data", data: [reader.bytes()] };
    else {
      if (field === OPEN_FIELD && type === WireType.LengthDelimited) message = { kind: "open" };
      reader.skip(type, field);
    }
  }
  return message;
}

/** What goes before the bytes of a `WriteObjectRequest` with this much data. */
export function dataHeader(length: number): Uint8Array {
  return new BinaryWriter().tag(DATA_FIELD, WireType.LengthDelimited).uint32(length).finish();
}
