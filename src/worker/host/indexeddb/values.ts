// The value of a field, between JavaScript and the wire. The table of it stands in docs/host-services.md.
import { create } from "@bufbuild/protobuf";
import { NullValue, TimestampSchema, type Timestamp as WireTimestamp } from "@bufbuild/protobuf/wkt";
import { type TypedValue, TypedValueSchema } from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import type { JsonObject, JsonValue } from "../../../wire/session-token.ts";
import { invalid } from "./errors.ts";
import { decodeJson, encodeJson, isPlainObject, nameOf, wellFormed } from "./json-value.ts";
import { ColumnType } from "./schema.ts";
import { NANOSECONDS_PER_MILLISECOND, Timestamp } from "./timestamp.ts";

/** What a field holds. An int64 is a number where that is exact, else a bigint. */
export type IndexedDBValue = null | string | number | bigint | boolean | Date | Uint8Array | JsonValue[] | JsonObject;

/** The field's declared type decides between int64, double and JSON, where JavaScript has one type for several. */
export function encodeValue(value: unknown, what: string, column?: ColumnType): TypedValue {
  return create(TypedValueSchema, { kind: kindOf(value, what, column) });
}

export function decodeValue({ kind }: TypedValue): IndexedDBValue {
  switch (kind.case) {
    case "intValue": {
      const number = Number(kind.value);
      return Number.isSafeInteger(number) ? number : kind.value;
    }
    case "timeValue":
      return decodeTime(kind.value);
    case "jsonValue":
      return decodeJson(kind.value);
    case "stringValue":
    case "floatValue":
    case "boolValue":
    case "bytesValue":
      return kind.value;
    default:
      return null;
  }
}

type Kind = TypedValue["kind"];

function kindOf(value: unknown, what: string, column: ColumnType | undefined): Kind {
  if (value === null) return { case: "nullValue", value: NullValue.NULL_VALUE };
  if (column === ColumnType.JSON) return { case: "jsonValue", value: encodeJson(value, what) };
  switch (typeof value) {
    case "string":
      return { case: "stringValue", value: wellFormed(value, what) };
    case "boolean":
      return { case: "boolValue", value };
    case "number":
      return numberKind(value, what, column);
    case "bigint":
      return bigintKind(value, what, column);
  }
  if (value instanceof Date) return { case: "timeValue", value: encodeTime(value, what) };
  // Copied, since calls may queue while the author goes on writing into it.
  if (value instanceof Uint8Array) return { case: "bytesValue", value: new Uint8Array(value) };
  if (value instanceof ArrayBuffer) return { case: "bytesValue", value: new Uint8Array(value) };
  if (Array.isArray(value) || isPlainObject(value)) return { case: "jsonValue", value: encodeJson(value, what) };
  throw invalid(`${what} is ${nameOf(value)}, which no kind of value is for`);
}

function numberKind(value: number, what: string, column: ColumnType | undefined): Kind {
  const isExact = Number.isSafeInteger(value) && !Object.is(value, -0);
  if (column === ColumnType.Int && !isExact) {
    throw invalid(
      `${what} is ${Object.is(value, -0) ? "-0" : value}, and its column takes whole numbers; past 2^53 use a bigint`,
    );
  }
  if (isExact && column !== ColumnType.Float) return { case: "intValue", value: BigInt(value) };
  return { case: "floatValue", value };
}

function bigintKind(value: bigint, what: string, column: ColumnType | undefined): Kind {
  if (column === ColumnType.Float) throw invalid(`${what} is a bigint, and its column takes doubles`);
  if (BigInt.asIntN(64, value) !== value) throw invalid(`${what} does not fit into an int64`);
  return { case: "intValue", value };
}

/** What protobuf's Timestamp allows, in milliseconds. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

function encodeTime(value: Date, what: string): WireTimestamp {
  const milliseconds = value.getTime();
  if (!(milliseconds >= EARLIEST_MS && milliseconds <= LATEST_MS)) {
    throw invalid(`${what} is ${Number.isNaN(milliseconds) ? "no valid date" : "outside the years 1 to 9999"}`);
  }
  const seconds = Math.floor(milliseconds / 1000);
  const beyond = value instanceof Timestamp ? value.nanoseconds : 0;
  const nanos = (milliseconds - seconds * 1000) * NANOSECONDS_PER_MILLISECOND + beyond;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

function decodeTime({ seconds, nanos }: WireTimestamp): Date {
  const milliseconds = Number(seconds) * 1000 + Math.floor(nanos / NANOSECONDS_PER_MILLISECOND);
  const beyond = nanos % NANOSECONDS_PER_MILLISECOND;
  return beyond === 0 ? new Date(milliseconds) : new Timestamp(milliseconds, beyond);
}
