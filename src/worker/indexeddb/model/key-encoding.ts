// Keys as bytes that compare, byte by byte, as the keys do. So any storage that orders bytes orders keys.
//
// Several put behind each other compare element by element, then by number: that is how the fields of an index key
// stand. Behind a field comes a tag or nothing; 0xFF comes only where the field itself goes on. So the keys that have
// certain first fields are those from these fields on and before these fields with 0xFF behind them.
import { invalid } from "../errors.ts";
import { MAX_KEY_BYTES } from "../limits.ts";
import { ByteWriter } from "./bytes.ts";
import type { Instant, Key } from "./keys.ts";
import { writeNumber } from "./number-encoding.ts";
import { encodeText } from "./text-encoding.ts";

/**
 * First byte of each kind, in the order of kinds. 0 ends what has no length of its own, and 0xFF lies above all keys.
 */
export const TAGS = {
  false: 0x10,
  true: 0x11,
  number: 0x20,
  time: 0x30,
  text: 0x40,
  bytes: 0x50,
  array: 0x60,
} as const;

export const END = 0x00;

/** What stands behind a zero byte within a text or bytes, and behind no end: there a tag follows, or nothing. */
export const ESCAPED = 0xff;

/** Above every key. */
export const ABOVE_ALL = Uint8Array.of(0xff);

/** INVALID_ARGUMENT when they are too long together. */
export function encodeKeys(keys: readonly Key[], what: string): Uint8Array {
  const writer = new ByteWriter();
  for (const key of keys) {
    writeKey(writer, key);
    if (writer.length > MAX_KEY_BYTES) throw tooLong(what);
  }
  return writer.take();
}

/** A primary key, which is always text, stands alone: it needs neither tag nor end. */
export function encodePrimaryKey(id: string): Uint8Array {
  const key = encodeText(id);
  if (key.byteLength > MAX_KEY_BYTES) throw tooLong("The primary key");
  return key;
}

function writeKey(writer: ByteWriter, key: Key): void {
  if (typeof key === "boolean") writer.byte(key ? TAGS.true : TAGS.false);
  else if (typeof key === "number" || typeof key === "bigint") {
    writer.byte(TAGS.number);
    writeNumber(writer, key);
  } else if (typeof key === "string") writeEscaped(writer, TAGS.text, encodeText(key));
  else if (key instanceof Uint8Array) writeEscaped(writer, TAGS.bytes, key);
  else if (isInstant(key)) writeTime(writer, key);
  else {
    writer.byte(TAGS.array);
    for (const element of key) writeKey(writer, element);
    writer.byte(END);
  }
}

function isInstant(key: Instant | readonly Key[]): key is Instant {
  return "seconds" in key;
}

/** Seconds from the least int64, so that none is negative. */
function writeTime(writer: ByteWriter, { seconds, nanos }: Instant): void {
  writer.byte(TAGS.time);
  writer.uint64(seconds + (1n << 63n));
  writer.uint32(nanos);
}

function writeEscaped(writer: ByteWriter, tag: number, bytes: Uint8Array): void {
  writer.byte(tag);
  let from = 0;
  for (let zero = bytes.indexOf(END); zero !== -1; zero = bytes.indexOf(END, from)) {
    writer.append(bytes.subarray(from, zero + 1));
    writer.byte(ESCAPED);
    from = zero + 1;
  }
  writer.append(bytes.subarray(from));
  writer.byte(END);
}

function tooLong(what: string) {
  return invalid(`${what} is over the limit of ${MAX_KEY_BYTES.toLocaleString("en-US")} bytes.`);
}
