// Conditions on an object's etag and date, decided on its metadata.
import type { S3Conditions } from "./objects.ts";

/** What conditions look at. */
export interface ConditionSubject {
  readonly etag: string;
  readonly lastModified?: Date | undefined;
}

/**
 * The first condition that does not hold, by its HTTP name, or undefined when all hold. `subject` is undefined when there
 * is no object. Etags compare as RFC 9110 §13.1 says: If-Match strongly, If-None-Match weakly, `*` for any object. Dates
 * compare in whole seconds, the granularity of HTTP dates.
 */
export function failedCondition(
  subject: ConditionSubject | undefined,
  conditions: S3Conditions,
): "If-Match" | "If-None-Match" | "If-Modified-Since" | "If-Unmodified-Since" | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (given(ifMatch) && !(subject && matches(ifMatch, subject.etag, "strong"))) return "If-Match";
  if (given(ifUnmodifiedSince) && seconds(subject?.lastModified) > seconds(ifUnmodifiedSince)) {
    return "If-Unmodified-Since";
  }
  if (given(ifNoneMatch) && subject && matches(ifNoneMatch, subject.etag, "weak")) return "If-None-Match";
  if (given(ifModifiedSince) && seconds(subject?.lastModified) <= seconds(ifModifiedSince)) return "If-Modified-Since";
  return undefined;
}

/** An etag as a condition names it. `value` has no quotes. */
export interface EtagPattern {
  readonly value: string;
  readonly weak: boolean;
}

/** The etags of a condition; `*` alone gives "any". Takes lists, quotes, and what some clients send: neither. */
export function parseEtags(condition: string): readonly EtagPattern[] | "any" {
  if (condition.trim() === "*") return "any";
  return Array.from(condition.matchAll(ETAG), ([, weak, quoted, bare]) => ({
    value: quoted ?? bare ?? "",
    weak: weak !== undefined,
  }));
}

const ETAG = /(W\/)?(?:"([^"]*)"|([^\s,"]+))/g;

function matches(condition: string, etag: string, comparison: "strong" | "weak"): boolean {
  const patterns = parseEtags(condition);
  if (patterns === "any") return true;
  const [own] = parseEtags(etag);
  return patterns.some(({ value, weak }) => {
    if (comparison === "strong" && (weak || (typeof own === "object" && own.weak))) return false;
    return typeof own === "object" && value === own.value;
  });
}

/** An empty string is no condition: that is how the protocol says "absent". */
function given<T>(condition: T | undefined): condition is T {
  return condition !== undefined && condition !== "";
}

/** Unknown dates count as the epoch: never modified. */
function seconds(date: Date | undefined): number {
  return Math.floor((date?.getTime() ?? 0) / 1000);
}
