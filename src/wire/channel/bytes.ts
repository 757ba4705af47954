// Writing and reading of numbers, text and bytes, with nothing believed that has not arrived.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** First room of a writer, in bytes: most packets are one small call. */
const FIRST_ROOM_BYTES = 512;

/** Bytes of the largest number, 2^53 - 1, in groups of seven bits. */
const MAX_NUMBER_BYTES = 8;

/** Thrown by {@link ByteReader}; the codec makes a value of it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Grows as it is written to. */
export class ByteWriter {
  #room = new Uint8Array(FIRST_ROOM_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes written; the writer begins anew with other room. */
  take(): Uint8Array {
    const bytes = this.#room.subarray(0, this.#length);
    this.#room = new Uint8Array(FIRST_ROOM_BYTES);
    this.#length = 0;
    return bytes;
  }

  byte(value: number): void {
    this.#grow(1);
    this.#room[this.#length++] = value;
  }

  /** A whole number up to 2^53 - 1, seven bits a byte, lowest first (protobuf's varint). */
  number(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** Length and UTF-8. */
  text(value: string): void {
    const bytes = encoder.encode(value);
    this.number(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#room.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Leaves three bytes open; {@link fillLength} writes into them how many bytes followed. */
  openLength(): number {
    this.#grow(3);
    this.#length += 3;
    return this.#length;
  }

  fillLength(start: number): void {
    const length = this.#length - start;
    this.#room[start - 3] = length >>> 16;
    this.#room[start - 2] = length >>> 8;
    this.#room[start - 1] = length;
  }

  #grow(bytes: number): void {
    const need = this.#length + bytes;
    if (need <= this.#room.length) return;
    const room = new Uint8Array(Math.max(need, 2 * this.#room.length));
    room.set(this.#room.subarray(0, this.#length));
    this.#room = room;
  }
}

/** Reads what a {@link ByteWriter} wrote. Every method throws {@link Malformed} when the bytes do not say it. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new Malformed("ends too early");
    this.#at += 1;
    return value;
  }

  number(): number {
    let value = 0;
    for (let i = 0; i < MAX_NUMBER_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 0x80 ** i;
      if (byte > 0x7f) continue;
      if (Number.isSafeInteger(value)) return value;
      break;
    }
    throw new Malformed("number is too large");
  }

  text(maxBytes: number): string {
    const length = this.number();
    if (length > maxBytes) throw new Malformed(`text of ${length} bytes is over ${maxBytes}`);
    try {
      return decoder.decode(this.raw(length));
    } catch (error) {
      throw error instanceof Malformed ? error : new Malformed("text is not UTF-8");
    }
  }

  /** A view. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw new Malformed("ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A length of three bytes. */
  length(): number {
    return (this.byte() << 16) | (this.byte() << 8) | this.byte();
  }
}

/** Size of a text in UTF-8, in bytes. */
export function textBytes(text: string): number {
  // ASCII is by far the most, and no text is shorter in bytes than in units.
  return /^[\0-\x7f]*$/.test(text) ? text.length : encoder.encode(text).length;
}

/** As much of a text as fits into so many bytes of UTF-8, cut between characters. */
export function fitText(text: string, maxBytes: number): string {
  if (3 * text.length <= maxBytes) return text;
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(maxBytes)).read);
}
