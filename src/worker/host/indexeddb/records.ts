// Records, between JavaScript and the wire. Names of fields are data: `__proto__` is one like any other.
import { create } from "@bufbuild/protobuf";
import {
  RecordSchema,
  type TypedValue,
  type Record as WireRecord,
} from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { invalid, malformed } from "./errors.ts";
import { nameOf, wellFormed } from "./json-value.ts";
import type { Columns } from "./schema.ts";
import { decodeValue, encodeValue, type IndexedDBValue } from "./values.ts";

/** What a store holds: the primary key and any other fields. */
export interface StoredRecord {
  readonly id: string;
}

/** A record of which nothing but the primary key is known. */
export interface IndexedDBRecord extends StoredRecord {
  readonly [field: string]: IndexedDBValue;
}

/** Fields that are undefined are left out. */
export function encodeRecord(record: object, columns: Columns): WireRecord {
  if (typeof record !== "object" || record === null) throw invalid(`a record is an object, not ${nameOf(record)}`);
  const fields: Record<string, TypedValue> = Object.create(null);
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const what = `field "${name}"`;
    fields[wellFormed(name, what)] = encodeValue(value, what, columns.get(name));
  }
  if (fields.id?.kind.case !== "stringValue")
    throw invalid(`a record needs a string in its field "id", not ${nameOf((record as { id?: unknown }).id)}`);
  return create(RecordSchema, { fields });
}

export function decodeRecord<T>(record: WireRecord | undefined): T {
  if (record === undefined) throw malformed("no record");
  // Defines properties, where assignment would take `__proto__` for the prototype.
  return Object.fromEntries(Object.entries(record.fields).map(([name, value]) => [name, decodeValue(value)])) as T;
}
