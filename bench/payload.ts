// What every rival answers: a value whose size the key names, made once.

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/** The value for a key such as `64` or `65536`: that many bytes. */
export function payloadFor(key: string): Uint8Array<ArrayBuffer> {
  let value = made.get(key);
  if (value === undefined) {
    value = new Uint8Array(Number(key)).fill(120);
    made.set(key, value);
  }
  return value;
}
