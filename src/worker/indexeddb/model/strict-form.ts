// Whether bytes are a message to every decoder, not to a lenient one alone.
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * The runtime's decoder reads an inner message beyond its end, into what follows, and takes a field in whatever form it comes.
 * Bytes that are kept must mean the same to everybody: gestaltd could not read them, nor any answer with them in it. `bytes`
 * have been decoded, so that the texts in them, and how deep they nest, are in order.
 */
export function isStrictForm(schema: DescMessage, bytes: Uint8Array): boolean {
  try {
    return checkMessage(schema, bytes);
  } catch {
    // A field goes on past the end of the bytes.
    return false;
  }
}

function checkMessage(schema: DescMessage, bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = schema.fields.find((each) => each.number === number);
    if (field !== undefined && type !== wireTypeOf(field)) return false;
    if (field?.message === undefined) reader.skip(type, number);
    else if (field.fieldKind === "map") {
      if (!checkEntry(field.message, reader.bytes())) return false;
    } else if (!checkMessage(field.message, reader.bytes())) return false;
  }
  return true;
}

/** Number of the value in an entry of a map (protobuf encoding, "Maps"); the key has the one before. */
const ENTRY_VALUE = 2;

/** Keys are texts in all messages here. */
function checkEntry(value: DescMessage, bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number <= ENTRY_VALUE && type !== WireType.LengthDelimited) return false;
    if (number !== ENTRY_VALUE) reader.skip(type, number);
    else if (!checkMessage(value, reader.bytes())) return false;
  }
  return true;
}

/** The kinds of field there are in a record: no lists of numbers, which have two forms. */
function wireTypeOf(field: DescField): WireType {
  if (field.fieldKind === "enum") return WireType.Varint;
  switch (field.scalar) {
    case undefined:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}
