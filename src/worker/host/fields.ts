// Between fields of the protocol's messages and the plain values that host clients give and take.
import { fromJson, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { JsonObject, JsonValue } from "../../wire/session-token.ts";

/** The protocol says "absent" with an empty string. */
export function textOf(value: string): string | undefined {
  return value === "" ? undefined : value;
}

/** Finer parts than a millisecond are lost. */
export function dateOf(value: Timestamp | undefined): Date | undefined {
  return value && timestampDate(value);
}

/** Throws INVALID_ARGUMENT for what is none, such as a date that JSON has made a text of. */
export function timestampOf(value: Date, what: string): Timestamp;
export function timestampOf(value: Date | undefined, what: string): Timestamp | undefined;
export function timestampOf(value: Date | undefined, what: string): Timestamp | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw invalid(`${what} is no valid date.`);
  return timestampFromDate(value);
}

/**
 * What `JSON.stringify` would write: properties that are undefined are left out, and dates become texts. The protobuf runtime
 * would send null and {} for these. Throws INVALID_ARGUMENT for what JSON cannot say at all, such as a bigint.
 */
export function structOf(value: JsonObject | undefined, what: string): JsonObject | undefined {
  return value && (plainJson(value, what) as JsonObject);
}

/** As {@link structOf}, for a field that takes any JSON value. */
export function jsonValueOf(value: JsonValue, what: string): Value {
  return fromJson(ValueSchema, plainJson(value, what));
}

export function jsonOf(value: Value | undefined): JsonValue | undefined {
  return value && (toJson(ValueSchema, value) as JsonValue);
}

/** An int64 as a number. Throws INTERNAL where it would lose digits; nothing in gestaltd counts that far. */
export function numberOf(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed(`the ${what} ${value}`);
  return number;
}

/** An int32 or int64 to be sent; absent is 0, which the protocol takes for "not given". Throws INVALID_ARGUMENT. */
export function countOf(value: number | undefined, what: string, most = MAX_INT32): number {
  if (value === undefined) return 0;
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw invalid(`${what} must be a whole number from 0 to ${most}, not ${value}.`);
  }
  return value;
}

/** A part that gestaltd always sends. Throws INTERNAL when it is not there. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw malformed(`no ${what}`);
  return value;
}

const MAX_INT32 = 2 ** 31 - 1;

function plainJson(value: JsonValue, what: string): JsonValue {
  try {
    return JSON.parse(JSON.stringify(value)) as JsonValue;
  } catch (error) {
    throw invalid(`${what} cannot be written as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/** An error for what the author has given. */
export function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

/** An error for an answer that is not as the protocol has it: `what` it has, or "no …". */
export function malformed(what: string): ConnectError {
  return new ConnectError(`gestaltd answered with ${what}`, Code.Internal);
}
