// Numbers as bytes that compare as the numbers do, an int64 with a double exactly: 2^53 + 1 lies between two doubles.
//
// Ten bytes: the greatest double that is not above the number, and how far the number lies above that. The second is 0
// for every double, and under 1,024 for an int64, because doubles near 2^63 are 1,024 apart.
import type { ByteWriter } from "./bytes.ts";

/** Bytes of a number. */
export const NUMBER_BYTES = 10;

const SIGN = 1n << 63n;

const view = new DataView(new ArrayBuffer(8));

/** -0 is written as 0: keys know no difference. */
export function writeNumber(writer: ByteWriter, value: number | bigint): void {
  const below = typeof value === "bigint" ? greatestDoubleTo(value) : value;
  writer.uint64(orderedBits(below));
  writer.uint16(typeof value === "bigint" && !Number.isSafeInteger(below) ? Number(value - BigInt(below)) : 0);
}

/** The double, and what lies above it. */
export function readNumber(bytes: Uint8Array, at: number): { readonly double: number; readonly above: number } {
  const data = new DataView(bytes.buffer, bytes.byteOffset + at, NUMBER_BYTES);
  const ordered = data.getBigUint64(0);
  view.setBigUint64(0, (ordered & SIGN) === 0n ? ~ordered & 0xffff_ffff_ffff_ffffn : ordered ^ SIGN);
  return { double: view.getFloat64(0), above: data.getUint16(8) };
}

/** IEEE 754 bits compare as the numbers once the sign bit is turned over, and all bits of the negative ones. */
function orderedBits(value: number): bigint {
  view.setFloat64(0, value === 0 ? 0 : value);
  const bits = view.getBigUint64(0);
  return (bits & SIGN) === 0n ? bits | SIGN : ~bits & 0xffff_ffff_ffff_ffffn;
}

function greatestDoubleTo(value: bigint): number {
  const nearest = Number(value);
  return BigInt(nearest) <= value ? nearest : nextBelow(nearest);
}

/** For doubles beyond 2^53, on either side. */
function nextBelow(double: number): number {
  view.setFloat64(0, double);
  view.setBigUint64(0, view.getBigUint64(0) + (double > 0 ? -1n : 1n));
  return view.getFloat64(0);
}
