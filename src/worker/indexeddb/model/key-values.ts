// Keys as messages of the protocol.
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type KeyValue,
  KeyValueSchema,
  type TypedValue,
  TypedValueSchema,
} from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { invalid } from "../errors.ts";
import { MAX_KEY_DEPTH } from "../limits.ts";
import { queried } from "./intervals.ts";
import type { Key } from "./keys.ts";

/** A field of an index key, or a primary key. Neither is an array. */
export function keyValueOf(key: Key): KeyValue {
  return create(KeyValueSchema, { kind: { case: "scalar", value: create(TypedValueSchema, { kind: kindOf(key) }) } });
}

/** Throws INVALID_ARGUMENT for what is no key. */
export function keyFrom({ kind }: KeyValue, what: string, depth = 0): Key {
  if (kind.case === "scalar") return queried(kind.value, what);
  if (kind.case !== "array" || depth === MAX_KEY_DEPTH) throw invalid(`${what} is no key.`);
  return kind.value.elements.map((element) => keyFrom(element, what, depth + 1));
}

function kindOf(key: Key): TypedValue["kind"] {
  switch (typeof key) {
    case "boolean":
      return { case: "boolValue", value: key };
    case "bigint":
      return { case: "intValue", value: key };
    case "number":
      return { case: "floatValue", value: key };
    case "string":
      return { case: "stringValue", value: key };
  }
  if (key instanceof Uint8Array) return { case: "bytesValue", value: key };
  if ("seconds" in key) return { case: "timeValue", value: create(TimestampSchema, key) };
  throw new TypeError("An array is no field of a key.");
}
