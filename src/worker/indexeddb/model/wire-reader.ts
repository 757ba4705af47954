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
function* fieldsOf(message: Uint8Array, number: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(type, field);
  }
}

/** Number of the map in the two messages that are one: `Record.fields` and `google.protobuf.Struct.fields`. */
const MAP_FIELD = 1;

/** Numbers of key and value in an entry of a map (protobuf encoding, "Maps"). */
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

const NOTHING = new Uint8Array();

/** The value under `name`, in UTF-8, of a message that is a map. Names are data: `__proto__` is one like any other. */
export function valueUnder(map: Uint8Array, name: Uint8Array): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const entry of fieldsOf(map, MAP_FIELD)) {
    if (equal(fieldOf(entry, ENTRY_KEY) ?? NOTHING, name)) found = fieldOf(entry, ENTRY_VALUE) ?? NOTHING;
  }
  return found;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at]);
}
