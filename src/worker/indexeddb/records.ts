// Records as they come from callers: checked, and kept as the bytes they came in.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  RecordSchema,
  type TypedValue,
  TypedValueSchema,
  type Record as WireRecord,
} from "../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { shortened } from "../shortened.ts";
import { invalid } from "./errors.ts";
import { decodePrimaryKey } from "./model/key-decoding.ts";
import { encodePrimaryKey } from "./model/key-encoding.ts";
import { field } from "./model/wire-writer.ts";
import type { IndexedDBRow } from "./objects.ts";

/** The field that is the primary key. */
const ID = "id";

/** `encoded` are the bytes that `record` was decoded from. */
export function rowFrom(record: WireRecord | undefined, encoded: Uint8Array | undefined): IndexedDBRow {
  if (record === undefined || encoded === undefined) throw invalid("There is no record in the request.");
  const id = idOf(record);
  if (id === undefined) throw invalid('A record needs a text that is not empty in its field "id", its primary key.');
  checkTimes(record);
  return { key: encodePrimaryKey(id), record: ownBytes(encoded) };
}

/** As {@link rowFrom}, for the record under a cursor: its primary key stays, and need not be repeated. */
export function updatedRow(record: WireRecord, encoded: Uint8Array | undefined, primaryKey: Uint8Array): IndexedDBRow {
  const id = decodePrimaryKey(primaryKey);
  if (record.fields[ID] === undefined) {
    const value = create(TypedValueSchema, { kind: { case: "stringValue", value: id } });
    const named = create(RecordSchema, { fields: { ...record.fields, [ID]: value } });
    return rowFrom(named, toBinary(RecordSchema, named));
  }
  if (idOf(record) !== id) throw invalid("A cursor cannot change the primary key of a record.");
  return rowFrom(record, encoded);
}

/**
 * The record as it is stored, from the message around it: `encoded` when it stood there once, else its decoded form.
 */
export function encodedRecord(
  record: WireRecord | undefined,
  occurrences: readonly Uint8Array[],
): Uint8Array | undefined {
  if (occurrences.length === 1) return occurrences[0];
  // Protobuf merges a message that comes in several pieces.
  return record && toBinary(RecordSchema, record);
}

/** The message in which a record is answered: `number` is its field there. */
export function recordField(number: number, record: Uint8Array): Uint8Array {
  return field(number, record);
}

function idOf({ fields }: WireRecord): string | undefined {
  const kind = Object.hasOwn(fields, ID) ? fields[ID]?.kind : undefined;
  return kind?.case === "stringValue" && kind.value !== "" ? kind.value : undefined;
}

/**
 * What protobuf's Timestamp allows, in seconds: the years 1 to 9999. gestaltd cannot read any other, nor any answer it
 * is in.
 */
const EARLIEST = -62_135_596_800n;
const LATEST = 253_402_300_799n;
const NANOS_PER_SECOND = 1_000_000_000;

function checkTimes({ fields }: WireRecord): void {
  for (const [name, value] of Object.entries(fields)) checkTime(value, `Field "${shortened(name)}"`);
}

export function checkTime({ kind }: TypedValue, what: string): void {
  if (kind.case !== "timeValue") return;
  const { seconds, nanos } = kind.value;
  if (seconds >= EARLIEST && seconds <= LATEST && nanos >= 0 && nanos < NANOS_PER_SECOND) return;
  throw invalid(`${what} is no valid time: the years 1 to 9999, with 0 to 999,999,999 nanoseconds.`);
}

/** A view would take the whole request along to wherever it is sent. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
