// Byte ranges: inclusive on both ends, as gestaltd means them.
import { S3InvalidRangeError } from "./errors.ts";
import type { S3Range } from "./objects.ts";

/** Part of an object of known size. */
export interface ResolvedRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * The bytes a range means in an object of `size` bytes. An end past the last byte is cut to it; a start at or past the
 * size throws {@link S3InvalidRangeError}, so no range fits an empty object unless it is open on both ends.
 */
export function resolveRange(range: S3Range | undefined, size: number): ResolvedRange {
  if (range === undefined || (range.start === undefined && range.end === undefined)) return { offset: 0, length: size };
  const offset = range.start ?? 0;
  if (offset >= size) {
    throw new S3InvalidRangeError(`The range starts at byte ${offset}, but the object has ${size} bytes.`);
  }
  const end = Math.min(range.end ?? size - 1, size - 1);
  return { offset, length: end - offset + 1 };
}

/**
 * A range as the protocol carries it. Throws {@link S3InvalidRangeError} for negative bounds and a start beyond the end.
 * No object reaches 2^53 bytes: a start beyond is past any end, and an end beyond is as good as none.
 */
export function rangeFromProtocol(
  range: { readonly start?: bigint | undefined; readonly end?: bigint | undefined } | undefined,
): S3Range | undefined {
  if (range === undefined) return undefined;
  const { start, end } = range;
  if ((start ?? 0n) < 0n || (end ?? 0n) < 0n) throw new S3InvalidRangeError("A range has no negative bounds.");
  if (end !== undefined && (start ?? 0n) > end) {
    throw new S3InvalidRangeError(`The range starts at byte ${start}, which is beyond its end ${end}.`);
  }
  if (start !== undefined && start > MAX_OFFSET) {
    throw new S3InvalidRangeError(`The range starts at byte ${start}, which is beyond any object.`);
  }
  return {
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end > MAX_OFFSET ? MAX_OFFSET : end) }),
  };
}

const MAX_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);
