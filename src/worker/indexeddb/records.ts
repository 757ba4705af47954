// Records as they come from callers: checked, and kept as the bytes they came in.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  RecordSchema,
  TypedValueSchema,
  type Record as WireRecord,
} from "../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { shortened } from "../shortened.ts";
import { invalid } from "./errors.ts";
import { decodePrimaryKey } from "./model/key-decoding.ts";
import { encodePrimaryKey } from "./model/key-encoding.ts";
import { isValidTime } from "./model/keys.ts";
import { isStrictForm } from "./model/strict-form.ts";
import type { IndexedDBRow } from "./objects.ts";

/** The field that is the primary key. */
const ID = "id";

/** `encoded` are the bytes that `record` was decoded from, where there are such. */
export function rowFrom(record: WireRecord | undefined, encoded: Uint8Array | undefined): IndexedDBRow {
  if (record === undefined) throw invalid("There is no record in the request.");
  const id = idOf(record);
  if (id === undefined) throw invalid('A record needs a text that is not empty in its field "id", its primary key.');
  checkTimes(record);
  if (encoded !== undefined && !isStrictForm(RecordSchema, encoded)) throw invalid("The record is not in binary form.");
  return { key: encodePrimaryKey(id), record: ownBytes(encoded ?? toBinary(RecordSchema, record)) };
}

/** As {@link rowFrom}, for the record under a cursor: its primary key stays, and need not be repeated. */
export function updatedRow(record: WireRecord, encoded: Uint8Array | undefined, primaryKey: Uint8Array): IndexedDBRow {
  const id = decodePrimaryKey(primaryKey);
  if (Object.hasOwn(record.fields, ID)) {
    if (idOf(record) !== id) throw invalid("A cursor cannot change the primary key of a record.");
    return rowFrom(record, encoded);
  }
  const fields = new Map(Object.entries(record.fields));
  fields.set(ID, create(TypedValueSchema, { kind: { case: "stringValue", value: id } }));
  return rowFrom(create(RecordSchema, { fields: Object.fromEntries(fields) }), undefined);
}

function idOf({ fields }: WireRecord): string | undefined {
  const kind = Object.hasOwn(fields, ID) ? fields[ID]?.kind : undefined;
  return kind?.case === "stringValue" && kind.value !== "" ? kind.value : undefined;
}

function checkTimes({ fields }: WireRecord): void {
  for (const [name, { kind }] of Object.entries(fields)) {
    if (kind.case !== "timeValue" || isValidTime(kind.value)) continue;
    throw invalid(
      `Field "${shortened(name)}" is no valid time: the years 1 to 9999, with 0 to 999,999,999 nanoseconds.`,
    );
  }
}

/** A view would take the whole request along to wherever it is sent. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
