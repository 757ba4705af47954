// Many byte arrays as two, to cross from object to worker: there each array costs a microsecond, however short it is.

export interface Packed {
  /** One behind the other. */
  readonly bytes: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
}

export function pack(items: readonly Uint8Array[]): Packed {
  const ends = new Uint32Array(items.length);
  let length = 0;
  for (const [at, { byteLength }] of items.entries()) {
    length += byteLength;
    ends[at] = length;
  }
  const bytes = new Uint8Array(length);
  for (const [at, item] of items.entries()) bytes.set(item, (ends[at] ?? 0) - item.byteLength);
  return { bytes, ends };
}

/** Views of what was packed. */
export function unpack({ bytes, ends }: Packed): Uint8Array[] {
  return Array.from(ends, (end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}
