// The conditional headers of a presigned request, with the precedence of RFC 9110 §13.2.2.
import { failedCondition, type S3Conditions } from "../../worker/index.ts";

/** What the headers ask: a date counts only where no etag of the same direction is given. Malformed dates count for nothing. */
export function httpConditions(headers: Headers): S3Conditions {
  const ifMatch = headers.get("if-match") ?? undefined;
  const ifNoneMatch = headers.get("if-none-match") ?? undefined;
  return {
    ifMatch,
    ifNoneMatch,
    ifUnmodifiedSince: ifMatch === undefined ? httpDate(headers.get("if-unmodified-since")) : undefined,
    ifModifiedSince: ifNoneMatch === undefined ? httpDate(headers.get("if-modified-since")) : undefined,
  };
}

/** The status that a read with these conditions ends with, or undefined when they hold. */
export function conditionStatus(object: R2Object, conditions: S3Conditions): 304 | 412 | undefined {
  const failed = failedCondition({ etag: object.httpEtag, lastModified: object.uploaded }, conditions);
  if (failed === undefined) return undefined;
  return failed === "If-None-Match" || failed === "If-Modified-Since" ? 304 : 412;
}

/** Whether `If-Range` lets a range apply: its etag or its date must be the object's own (RFC 9110 §13.1.5). */
export function rangeApplies(ifRange: string, object: R2Object): boolean {
  if (ifRange.startsWith('"')) return ifRange === object.httpEtag;
  return httpDate(ifRange)?.getTime() === Math.floor(object.uploaded.getTime() / 1000) * 1000;
}

function httpDate(text: string | null): Date | undefined {
  const time = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}
