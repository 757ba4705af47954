// Which keys belong to a range.
import type { KeyRange, TypedValue } from "../../../../src/gen/gestalt/provider/v1/indexeddb_value_pb.ts";
import { invalid } from "./errors.ts";
import { compareKeys, type Key, keyOf } from "./keys.ts";

/** Absent is everything. The bounds of an index range are arrays; one that is not stands for the array of it alone. */
export function rangeTest(range: KeyRange | undefined, of: "store" | "index"): (key: Key) => boolean {
  const lower = boundOf(range?.lower, of);
  const upper = boundOf(range?.upper, of);
  return (key) => {
    const above = lower === undefined ? 1 : compareKeys(key, lower);
    const below = upper === undefined ? 1 : compareKeys(upper, key);
    return (range?.lowerOpen ? above > 0 : above >= 0) && (range?.upperOpen ? below > 0 : below >= 0);
  };
}

/** gestaltd cannot tell a bound that is null from none. */
function boundOf(bound: TypedValue | undefined, of: "store" | "index"): Key | undefined {
  if (bound === undefined || bound.kind.case === undefined || bound.kind.case === "nullValue") return undefined;
  const key = keyOf(bound);
  if (key === undefined) throw invalid("a bound of the key range is no key");
  return of === "index" && !Array.isArray(key) ? [key] : key;
}
