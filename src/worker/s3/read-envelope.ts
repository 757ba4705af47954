// A ReadObject reply as it travels: envelope, field, bytes. Data is sent from the memory it was read into.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ReadObjectChunkSchema } from "../../gen/gestalt/provider/v1/s3_pb.ts";

export type ReadReply = MessageInitShape<typeof ReadObjectChunkSchema>;

/** Flags and length before each message (Connect protocol, "Enveloped-Message"). */
const ENVELOPE_BYTES = 5;

/** Field 2 of ReadObjectChunk, length-delimited (protobuf encoding: field number << 3 | 2). */
const DATA_TAG = (2 << 3) | 2;

/** Takes over the memory before the data, if there is any: see `HEADROOM_BYTES`. */
export function readEnvelope(reply: ReadReply): Uint8Array {
  const { result } = reply;
  if (result?.case !== "data")
    return withHeader(toBinary(ReadObjectChunkSchema, create(ReadObjectChunkSchema, reply)), []);
  return withHeader(result.value, [DATA_TAG, ...varint(result.value.byteLength)]);
}

function withHeader(bytes: Uint8Array, field: readonly number[]): Uint8Array {
  const header = ENVELOPE_BYTES + field.length;
  const whole = bytes.byteOffset >= header ? extended(bytes, header) : copied(bytes, header);
  whole[0] = 0;
  new DataView(whole.buffer, whole.byteOffset).setUint32(1, field.length + bytes.byteLength);
  whole.set(field, ENVELOPE_BYTES);
  return whole;
}

function extended(bytes: Uint8Array, header: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset - header, header + bytes.byteLength);
}

function copied(bytes: Uint8Array, header: number): Uint8Array {
  const whole = new Uint8Array(header + bytes.byteLength);
  whole.set(bytes, header);
  return whole;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
