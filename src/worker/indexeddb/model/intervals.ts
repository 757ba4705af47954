// Every query as an interval of encoded keys.
import { Code, ConnectError } from "@connectrpc/connect";
import type { KeyRange, TypedValue } from "../../../gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { invalid } from "../errors.ts";
import { compareBytes, justAfter } from "./bytes.ts";
import { ABOVE_ALL, ESCAPED, encodeKeys, encodePrimaryKey } from "./key-encoding.ts";
import { type Key, keyOf } from "./keys.ts";

/** The keys from `from` on and before `to`; none when `from` is not below `to`. */
export interface Interval {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

const BELOW_ALL = new Uint8Array();

export const EVERYTHING: Interval = { from: BELOW_ALL, to: ABOVE_ALL };
const NOTHING: Interval = { from: ABOVE_ALL, to: ABOVE_ALL };

/** One key and no other. */
export function only(key: Uint8Array): Interval {
  return { from: key, to: justAfter(key) };
}

/** Primary keys. An absent range is everything. */
export function storeInterval(range: KeyRange | undefined): Interval {
  return intervalOf(range, (bound) => storeBound(bound));
}

/**
 * Index keys whose first fields are `values` and that lie in `range`, where a bound that is no array stands for its
 * first field alone. No key has a field that is null: nothing is found by it.
 */
export function indexInterval(values: readonly TypedValue[], range: KeyRange | undefined): Interval {
  const within = intervalOf(range, (bound) => encodeKeys(Array.isArray(bound) ? bound : [bound], BOUND));
  if (values.length === 0) return within;
  if (values.some(isNull)) return NOTHING;
  const keys = values.map((value, at) => queried(value, `Value ${at + 1} of the query`));
  const prefix = encodeKeys(keys, "The query's values");
  return { from: later(prefix, within.from), to: earlier(justAfterAll(prefix), within.to) };
}

/** Throws INVALID_ARGUMENT for a value that is no key. */
export function queried(value: TypedValue, what: string): Key {
  const key = keyOf(value);
  if (key !== undefined) return key;
  throw invalid(`${what} is no key: null, NaN, JSON objects and invalid times are none.`);
}

const BOUND = "A bound of the key range";

function intervalOf(range: KeyRange | undefined, encode: (bound: Key) => Uint8Array): Interval {
  if (range === undefined) return EVERYTHING;
  const { lower, upper, lowerOpen, upperOpen } = range;
  const [least, most] = [lower, upper].map((bound) => (isAbsent(bound) ? undefined : encode(queried(bound, BOUND))));
  return {
    from: least === undefined ? BELOW_ALL : lowerOpen ? justAfter(least) : least,
    to: most === undefined ? ABOVE_ALL : upperOpen ? most : justAfter(most),
  };
}

/** gestaltd cannot tell a bound that is null from none. */
function isAbsent(bound: TypedValue | undefined): bound is undefined {
  return bound === undefined || isNull(bound);
}

function isNull({ kind }: TypedValue): boolean {
  return kind.case === undefined || kind.case === "nullValue";
}

/** Primary keys are texts. All else lies below or above every one of them. */
export function storeBound(bound: Key): Uint8Array {
  if (typeof bound === "string") return encodePrimaryKey(bound);
  return Array.isArray(bound) || bound instanceof Uint8Array ? ABOVE_ALL : BELOW_ALL;
}

/** What comes after every key with these first fields, see key-encoding.ts. */
function justAfterAll(fields: Uint8Array): Uint8Array {
  const next = justAfter(fields);
  next[fields.byteLength] = ESCAPED;
  return next;
}

function later(one: Uint8Array, other: Uint8Array): Uint8Array {
  return compareBytes(one, other) > 0 ? one : other;
}

function earlier(one: Uint8Array, other: Uint8Array): Uint8Array {
  return compareBytes(one, other) < 0 ? one : other;
}

/** For providers: throws INVALID_ARGUMENT when a query names more fields than its index has. */
export function assertIndexFields(given: number, keyPath: readonly string[]): void {
  if (given <= keyPath.length) return;
  throw new ConnectError(`The index has ${keyPath.length} fields, and the query names ${given}.`, Code.InvalidArgument);
}
