// What an index holds: an entry for each record that has all its fields, ordered by these and then by primary key.
import { create } from "@bufbuild/protobuf";
import type { Value } from "@bufbuild/protobuf/wkt";
import type { IndexSchema } from "../../../../src/gen/gestalt/provider/v1/indexeddb_store_pb.ts";
import {
  type TypedValue,
  TypedValueSchema,
  type Record as WireRecord,
} from "../../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { compareKeys, type Key, keyOf } from "./keys.ts";

export interface Entry {
  readonly key: Key;
  /** As they are stored, so that an int64 stays one. */
  readonly parts: readonly TypedValue[];
  readonly id: string;
}

/** Undefined when the record is not in the index. */
export function entryOf({ keyPath }: IndexSchema, id: string, record: WireRecord): Entry | undefined {
  const parts = keyPath.map((path) => fieldAt(record, path));
  const keys = parts.map((part) => part && keyOf(part));
  // An array would be a key, but a field of JSON is none (indexeddb_value.proto).
  if (!keys.every((key) => key !== undefined && !Array.isArray(key))) return undefined;
  return { key: keys as Key[], parts: parts as TypedValue[], id };
}

export function compareEntries(one: Entry, other: Entry): number {
  return compareKeys(one.key, other.key) || compareKeys(one.id, other.id);
}

/** Whether the leading fields of the index key are exactly these; null is found nowhere. */
export function startsWith(key: Key, values: readonly (Key | undefined)[]): boolean {
  const parts = key as readonly Key[];
  return values.every((value, at) => {
    const part = parts[at];
    return value !== undefined && part !== undefined && compareKeys(part, value) === 0;
  });
}

/** A field by that very name, else the way that the dots describe through JSON. */
function fieldAt({ fields }: WireRecord, path: string): TypedValue | undefined {
  if (Object.hasOwn(fields, path)) return fields[path];
  const [name = "", ...rest] = path.split(".");
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field?.kind.case !== "jsonValue") return undefined;
  let value: Value | undefined = field.kind.value;
  for (const step of rest) {
    const members: { readonly [name: string]: Value } =
      value?.kind.case === "structValue" ? value.kind.value.fields : {};
    value = Object.hasOwn(members, step) ? members[step] : undefined;
  }
  return value && create(TypedValueSchema, { kind: { case: "jsonValue", value } });
}
