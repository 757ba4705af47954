// Places between keys, which are bytes here.

/** Before every key. */
export const BELOW_ALL = new Uint8Array();

/** Past every key: none begins so. */
export const ABOVE_ALL = Uint8Array.of(0xff);

/** The first place past a key. */
export function justAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.byteLength + 1);
  after.set(key);
  return after;
}
