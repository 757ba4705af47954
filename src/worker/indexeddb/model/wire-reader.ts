// Single fields of a protobuf message, found in its bytes. The rest is passed over undecoded, which costs a tenth of
// decoding it.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * A field of bytes, text or a message; the last one when it occurs again, as protobuf has it. Undefined when it is
 * absent.
 */
export function fieldOf(message: Uint8Array, number: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const field of fieldsOf(message, number)) found = field;
  return found;
}

/**
 * The field at the end of a way through messages in messages. Undefined where one of them is absent, or comes in
 * several pieces, which protobuf merges: then there are no bytes of the whole.
 */
export function fieldAt(message: Uint8Array, ...numbers: readonly number[]): Uint8Array | undefined {
  let found: Uint8Array | undefined = message;
  for (const number of numbers) {
    const fields: Uint8Array[] = found === undefined ? [] : [...fieldsOf(found, number)];
    found = fields.length === 1 ? fields[0] : undefined;
  }
  return found;
}

/** All fields of that number, in order. */
export function* fieldsOf(message: Uint8Array, number: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(type, field);
  }
}
