// Keys and ranges of keys, between JavaScript and the wire.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type KeyRangeSchema,
  type KeyValue,
  KeyValueSchema,
  type TypedValue,
  TypedValueSchema,
} from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { invalid } from "./errors.ts";
import { encodeJson, nameOf } from "./json-value.ts";
import type { IndexKey, KeyRange } from "./key-range.ts";
import { decodeValue, encodeValue } from "./values.ts";

/** One field of an index key, or a primary key. */
function encodeKey(key: unknown, what: string): TypedValue {
  if (!isKey(key)) throw invalid(`${what} is ${nameOf(key)}, which nothing is found by`);
  return encodeValue(key, what);
}

/** The leading fields of an index key. */
export function encodeKeys(keys: unknown, what: string): TypedValue[] {
  if (!Array.isArray(keys)) return [encodeKey(keys, what)];
  return keys.map((key, at) => encodeKey(key, `${what}[${at}]`));
}

export function encodeRange(range: KeyRange<unknown> | undefined): MessageInitShape<typeof KeyRangeSchema> | undefined {
  if (range === undefined) return undefined;
  const { lower, upper, lowerOpen = false, upperOpen = false } = range;
  return {
    ...(lower !== undefined && { lower: encodeBound(lower, "the range's lower bound") }),
    ...(upper !== undefined && { upper: encodeBound(upper, "the range's upper bound") }),
    lowerOpen,
    upperOpen,
  };
}

/** Where a cursor is to go: one part for a store, one per field for an index. */
export function encodeTarget(key: unknown): KeyValue[] {
  return encodeKeys(key, "the key to continue at").map((value) =>
    create(KeyValueSchema, { kind: { case: "scalar", value } }),
  );
}

export function decodeKeyValue({ kind }: KeyValue): IndexKey | readonly IndexKey[] {
  if (kind.case === "array") return kind.value.elements.map(decodeKeyValue) as IndexKey[];
  return (kind.case === "scalar" ? decodeValue(kind.value) : null) as IndexKey;
}

/** Several fields can only go as JSON: the protocol has no other place for them in a bound. */
function encodeBound(bound: unknown, what: string): TypedValue {
  if (!Array.isArray(bound)) return encodeKey(bound, what);
  for (const [at, part] of bound.entries()) {
    const fits =
      typeof part === "string" || typeof part === "boolean" || (typeof part === "number" && Number.isFinite(part));
    if (!fits)
      throw invalid(
        `${what} is of several fields, which can be strings, numbers and booleans; part ${at} is ${nameOf(part)}`,
      );
  }
  return create(TypedValueSchema, { kind: { case: "jsonValue", value: encodeJson(bound, what) } });
}

function isKey(key: unknown): key is IndexKey {
  if (typeof key === "number") return !Number.isNaN(key);
  if (typeof key === "string" || typeof key === "bigint" || typeof key === "boolean") return true;
  return key instanceof Date || key instanceof Uint8Array;
}
