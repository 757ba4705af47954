// Encoded keys as keys again.
import { END, ESCAPED, TAGS } from "./key-encoding.ts";
import type { Key } from "./keys.ts";
import { NUMBER_BYTES, readNumber } from "./number-encoding.ts";
import { decodeText } from "./text-encoding.ts";

/** What a number was stored as. The key itself does not tell, since 1 and 1.0 are one key. */
export const NumberKind = { Int: 0, Double: 1, NegativeZero: 2 } as const;
export type NumberKind = (typeof NumberKind)[keyof typeof NumberKind];

/** Bits of each field in `IndexKey.kinds`. */
const BITS = 2;

/** `kinds` holds the {@link NumberKind} of each field, the first in the lowest bits. */
export function packKinds(keys: readonly Key[]): number {
  return keys.reduce<number>((kinds, key, at) => kinds + kindOf(key) * 2 ** (BITS * at), 0);
}

function kindOf(key: Key): NumberKind {
  if (typeof key !== "number") return NumberKind.Int;
  return Object.is(key, -0) ? NumberKind.NegativeZero : NumberKind.Double;
}

/** The fields of an index key. They hold no arrays. */
export function decodeIndexKey(key: Uint8Array, kinds: number): Key[] {
  const fields: Key[] = [];
  for (let at = 0; at < key.byteLength; ) {
    const kind = Math.floor(kinds / 2 ** (BITS * fields.length)) % 2 ** BITS;
    const { value, next } = decodeField(key, at, kind as NumberKind);
    fields.push(value);
    at = next;
  }
  return fields;
}

export function decodePrimaryKey(key: Uint8Array): string {
  return decodeText(key);
}

interface Decoded {
  readonly value: Key;
  /** Where the next field begins. */
  readonly next: number;
}

function decodeField(key: Uint8Array, at: number, kind: NumberKind): Decoded {
  const start = at + 1;
  switch (key[at]) {
    case TAGS.false:
      return { value: false, next: start };
    case TAGS.true:
      return { value: true, next: start };
    case TAGS.number:
      return { value: decodeNumber(key, start, kind), next: start + NUMBER_BYTES };
    case TAGS.time: {
      const view = new DataView(key.buffer, key.byteOffset + start, 12);
      return {
        value: { seconds: view.getBigUint64(0) - (1n << 63n), nanos: view.getUint32(8) },
        next: start + 12,
      };
    }
    case TAGS.text: {
      const { bytes, next } = unescaped(key, start);
      return { value: decodeText(bytes), next };
    }
    case TAGS.bytes: {
      const { bytes, next } = unescaped(key, start);
      return { value: bytes, next };
    }
    default:
      throw new Error("The index key was not made by this encoding.");
  }
}

function decodeNumber(key: Uint8Array, at: number, kind: NumberKind): number | bigint {
  const { double, above } = readNumber(key, at);
  if (kind === NumberKind.Int) return BigInt(double) + BigInt(above);
  return kind === NumberKind.NegativeZero ? -0 : double;
}

function unescaped(key: Uint8Array, from: number): { readonly bytes: Uint8Array; readonly next: number } {
  const bytes: number[] = [];
  let at = from;
  for (; at < key.byteLength; at++) {
    const byte = key[at] as number;
    if (byte !== END) bytes.push(byte);
    else if (key[at + 1] === ESCAPED) {
      bytes.push(END);
      at += 1;
    } else break;
  }
  return { bytes: Uint8Array.from(bytes), next: at + 1 };
}
