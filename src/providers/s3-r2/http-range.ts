// The Range header of a presigned read (RFC 9110 §14).
import type { ResolvedRange } from "../../worker/index.ts";

/** A single byte range as asked for, before the object's size is known. */
export type HttpRange = { readonly offset: number; readonly length?: number } | { readonly suffix: number };

/**
 * Undefined when the whole object is to be sent: without the header, and, as the RFC wants, when it is malformed, in
 * another unit, or asks for several ranges.
 */
export function parseHttpRange(header: string | null): HttpRange | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") return { suffix: position(last) };
  const offset = position(first);
  if (last === "") return { offset };
  const length = position(last) - offset + 1;
  return length > 0 ? { offset, length } : undefined;
}

/** The bytes meant in an object of `size` bytes; undefined when there are none: 416. */
export function resolveHttpRange(range: HttpRange, size: number): ResolvedRange | undefined {
  if ("suffix" in range) {
    const length = Math.min(range.suffix, size);
    return length === 0 ? undefined : { offset: size - length, length };
  }
  if (range.offset >= size) return undefined;
  return { offset: range.offset, length: Math.min(range.length ?? size, size - range.offset) };
}

/** `bytes 0-499/1234`; with an unsatisfiable range, the size alone. */
export function contentRange(range: ResolvedRange | undefined, size: number): string {
  return range === undefined ? `bytes */${size}` : `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`;
}

/** Digits beyond 2^53 lie past any object, exactly or not. */
function position(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}
