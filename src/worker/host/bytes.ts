// Bytes in the forms authors have them.

const encoder = new TextEncoder();

/**
 * A text as UTF-8; undefined for what is neither text nor bytes. What comes from JSON is often a number where its type says
 * text, and `new Uint8Array(5)` would make five zeros of it.
 */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}
