// Keys and their order, as the browser's IndexedDB has it: number, time, text, bytes, array. It knows no booleans as
// keys; here they come first, false before true.
import type { Value } from "@bufbuild/protobuf/wkt";
import type { TypedValue } from "../../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";

export type Key = boolean | number | bigint | string | Instant | Uint8Array | readonly Key[];

export interface Instant {
  readonly seconds: bigint;
  readonly nanos: number;
}

/**
 * Undefined for what is no key: null, NaN, JSON objects. An array in JSON is one, so that a bound can name several
 * fields.
 */
export function keyOf({ kind }: TypedValue): Key | undefined {
  switch (kind.case) {
    case "timeValue":
      return { seconds: kind.value.seconds, nanos: kind.value.nanos };
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

export function keyOfJson({ kind }: Value): Key | undefined {
  switch (kind.case) {
    case "listValue": {
      const keys = kind.value.values.map(keyOfJson);
      return keys.every((key) => key !== undefined) ? keys : undefined;
    }
    case "numberValue":
    case "stringValue":
    case "boolValue":
      return kind.value;
    default:
      return undefined;
  }
}

/** Negative, zero or positive. */
export function compareKeys(one: Key, other: Key): number {
  const [rank, otherRank] = [rankOf(one), rankOf(other)];
  if (rank !== otherRank) return rank - otherRank;
  if (Array.isArray(one)) return compareArrays(one, other as readonly Key[]);
  if (one instanceof Uint8Array) return Buffer.compare(one, other as Uint8Array);
  if (typeof one !== "object") return compare(one, other as typeof one);
  const [instant, later] = [one as Instant, other as Instant];
  return compare(instant.seconds, later.seconds) || instant.nanos - later.nanos;
}

const RANKS = { boolean: 0, number: 1, bigint: 1, string: 3 } as const;
const [TIME, BYTES, ARRAY] = [2, 4, 5];

function rankOf(key: Key): number {
  if (typeof key !== "object") return RANKS[typeof key as keyof typeof RANKS];
  if (Array.isArray(key)) return ARRAY;
  return key instanceof Uint8Array ? BYTES : TIME;
}

/** Texts by UTF-16 code unit; a bigint with a number exactly, whatever the digits. */
function compare<T extends string | number | bigint | boolean>(one: T, other: T): number {
  if (one < other) return -1;
  return one > other ? 1 : 0;
}

/** Element by element, then by length. */
function compareArrays(one: readonly Key[], other: readonly Key[]): number {
  for (const [at, key] of one.entries()) {
    const against = other[at];
    if (against === undefined) return 1;
    const order = compareKeys(key, against);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}
