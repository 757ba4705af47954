// What a record is found by in an index.
import { fromBinary } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { TypedValueSchema } from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { DECODE_OPTIONS } from "../../serving/decode.ts";
import { packKinds } from "./key-decoding.ts";
import { encodeKeys } from "./key-encoding.ts";
import { type Key, keyOf } from "./keys.ts";
import { nameOf, OpenedMap } from "./opened-map.ts";
import { fieldOf } from "./wire-reader.ts";
import { field } from "./wire-writer.ts";

/** A key of an index, to be kept with the primary key of its record. */
export interface IndexKey {
  /** Compares byte by byte as the keys do. Equal bytes are equal keys. */
  readonly key: Uint8Array;
  /** A whole number of at most 32 bits: as what the numbers among the fields were stored, which the key leaves out. */
  readonly kinds: number;
}

/**
 * Makes what reads index keys off records: undefined for a record that is not in the index, because one of its fields
 * is missing, null, NaN or JSON that is no text, number or boolean. A field by the very name of a path comes first;
 * else its dots lead into JSON.
 *
 * @throws ConnectError INVALID_ARGUMENT for a key that is too long.
 */
export function indexKeyReader({
  name,
  keyPath,
}: {
  readonly name: string;
  readonly keyPath: readonly string[];
}): (record: Uint8Array) => IndexKey | undefined {
  const readers = keyPath.map(fieldReader);
  const what = `The key of the record in index "${name}"`;
  return (record) => {
    const keys: Key[] = [];
    for (const read of readers) {
      const key = read(record);
      if (key === undefined) return undefined;
      keys.push(key);
    }
    return { key: encodeKeys(keys, what), kinds: packKinds(keys) };
  };
}

const encoder = new TextEncoder();

function fieldReader(path: string): (record: Uint8Array) => Key | undefined {
  const whole = nameOf(encoder.encode(path));
  const [first = whole, ...steps] = path.split(".").map((step) => nameOf(encoder.encode(step)));
  const last = steps.pop();
  return (record) => {
    const map = OpenedMap.of(record);
    const value = map.value(whole);
    if (value !== undefined) return keyOfField(value);
    if (last === undefined) return undefined;
    let object = map.within(first, objectInField);
    for (const step of steps) object = object?.within(step, objectInJson);
    const json = object?.value(last);
    return json && keyOfField(field(JSON_VALUE, json));
  };
}

/** `TypedValue` bytes. An array may be a bound, but a field of JSON that is one is no key (indexeddb_value.proto). */
function keyOfField(value: Uint8Array): Key | undefined {
  if (isComposite(value)) return undefined;
  const key = keyOf(fromBinary(TypedValueSchema, value, DECODE_OPTIONS));
  return Array.isArray(key) ? undefined : key;
}

const JSON_VALUE = TypedValueSchema.field.jsonValue.number;
const STRUCT_VALUE = ValueSchema.field.structValue.number;
const LIST_VALUE = ValueSchema.field.listValue.number;

/** Such are no keys, and may be far too large to be decoded for each index. */
function isComposite(value: Uint8Array): boolean {
  const json = fieldOf(value, JSON_VALUE);
  return json !== undefined && [STRUCT_VALUE, LIST_VALUE].some((number) => fieldOf(json, number) !== undefined);
}

function objectInField(value: Uint8Array): Uint8Array | undefined {
  const json = fieldOf(value, JSON_VALUE);
  return json && objectInJson(json);
}

function objectInJson(json: Uint8Array): Uint8Array | undefined {
  return fieldOf(json, STRUCT_VALUE);
}
