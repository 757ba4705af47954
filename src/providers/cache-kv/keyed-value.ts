// An entry under a hashed name carries its key in front of its value, so that it can be told from a stranger with the
// same hash, and so that a copy of the namespace still says which key each entry had.

const LENGTH_BYTES = 4;

/** Key length (32 bits, big endian), key, value. */
export function packKeyed(key: string, value: Uint8Array): Uint8Array {
  const keyBytes = new TextEncoder().encode(key);
  const packed = new Uint8Array(LENGTH_BYTES + keyBytes.byteLength + value.byteLength);
  new DataView(packed.buffer).setUint32(0, keyBytes.byteLength);
  packed.set(keyBytes, LENGTH_BYTES);
  packed.set(value, LENGTH_BYTES + keyBytes.byteLength);
  return packed;
}

/** The value, or undefined when the bytes belong to another key. */
export function unpackKeyed(key: string, packed: Uint8Array): Uint8Array | undefined {
  if (packed.byteLength < LENGTH_BYTES) return undefined;
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  const keyBytes = packed.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  // `ignoreBOM` keeps a byte order mark: to a key it is a character like any other.
  if (new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(keyBytes) !== key) return undefined;
  return packed.subarray(LENGTH_BYTES + length);
}
