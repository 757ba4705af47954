// Messages put together from parts that are encoded already: records go out as they came in.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A field of bytes, text or a message. */
export function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const writer = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length);
  for (const part of parts) writer.raw(part);
  return writer.finish();
}

/** The same field over and over, as a `repeated` one is. */
export function repeated(number: number, values: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const value of values) writer.tag(number, WireType.LengthDelimited).bytes(value);
  return writer.finish();
}
