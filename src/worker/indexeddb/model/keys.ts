// Keys: what records are found by and ordered by.
import type { Value } from "@bufbuild/protobuf/wkt";
import type { TypedValue } from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { MAX_KEY_DEPTH } from "../limits.ts";

/**
 * In ascending order: false, true, numbers, times, texts, bytes, arrays. That is W3C IndexedDB's order, which knows no
 * booleans; they come first. A bigint is an int64, a number a double; the two compare by value, exactly. Texts compare
 * by UTF-16 unit.
 */
export type Key = boolean | number | bigint | Instant | string | Uint8Array | readonly Key[];

/** A time to the nanosecond, as protobuf has it. */
export interface Instant {
  /** Since the epoch; before it negative. */
  readonly seconds: bigint;
  /** From 0 to 999,999,999, always forwards. */
  readonly nanos: number;
}

/** What protobuf's Timestamp allows, in seconds: the years 1 to 9999. */
const EARLIEST = -62_135_596_800n;
const LATEST = 253_402_300_799n;
const NANOS_PER_SECOND = 1_000_000_000;

/** gestaltd cannot read any other time, nor any answer that has one in it. */
export function isValidTime({ seconds, nanos }: Instant): boolean {
  return seconds >= EARLIEST && seconds <= LATEST && nanos >= 0 && nanos < NANOS_PER_SECOND;
}

/** Undefined for what is no key: null, NaN, no valid time, a JSON object, an array with such a thing in it. */
export function keyOf({ kind }: TypedValue): Key | undefined {
  switch (kind.case) {
    case "timeValue":
      return isValidTime(kind.value) ? { seconds: kind.value.seconds, nanos: kind.value.nanos } : undefined;
    case "jsonValue":
      return keyOfJson(kind.value);
    case "floatValue":
      return Number.isNaN(kind.value) ? undefined : kind.value;
    case "stringValue":
    case "intValue":
    case "boolValue":
    case "bytesValue":
      return kind.value;
    default:
      return undefined;
  }
}

function keyOfJson({ kind }: Value, depth = 0): Key | undefined {
  switch (kind.case) {
    case "listValue": {
      if (depth === MAX_KEY_DEPTH) return undefined;
      const keys = kind.value.values.map((value) => keyOfJson(value, depth + 1));
      return keys.every((key) => key !== undefined) ? keys : undefined;
    }
    case "numberValue":
      return Number.isNaN(kind.value) ? undefined : kind.value;
    case "stringValue":
    case "boolValue":
      return kind.value;
    default:
      return undefined;
  }
}
