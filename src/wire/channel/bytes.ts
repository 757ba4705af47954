// Writing and reading of numbers, text and bytes, with nothing believed that has not arrived.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** First room of a writer, in bytes: most packets are one small call. */
const FIRST_ROOM_BYTES = 512;

const NO_ROOM = new Uint8Array();

/** Bytes of the largest number, 2^53 - 1, in groups of seven bits. */
const MAX_NUMBER_BYTES = 8;

/** Thrown by {@link ByteReader}; the codec makes a value of it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Bytes in one place, or in several to be read one after the other. */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** Gives room for at least so many bytes, of any content; `before` is what there was and has become too small. */
export type Rooms = (bytes: number, before: number) => Uint8Array;

/** Grows as it is written to. */
export class ByteWriter {
  readonly #rooms: Rooms;
  #room: Uint8Array = NO_ROOM;
  #length = 0;

  constructor(rooms: Rooms = newRoom) {
    this.#rooms = rooms;
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written, the beginning of their room; the writer begins anew with another. */
  take(): Uint8Array {
    const bytes = this.#room.subarray(0, this.#length);
    this.#room = NO_ROOM;
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

  raw(bytes: Bytes): void {
    this.#grow(sizeOf(bytes));
    if (bytes instanceof Uint8Array) this.#put(bytes);
    else for (const part of bytes) this.#put(part);
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

  #put(bytes: Uint8Array): void {
    this.#room.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(bytes: number): void {
    const need = this.#length + bytes;
    if (need <= this.#room.length) return;
    const room = this.#rooms(need, this.#room.length);
    room.set(this.#room.subarray(0, this.#length));
    this.#room = room;
  }
}

/** Fourfold, because what follows a large piece is mostly another. */
function newRoom(bytes: number, before: number): Uint8Array {
  return new Uint8Array(Math.max(bytes, 4 * before, FIRST_ROOM_BYTES));
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

/** Size in bytes. */
export function sizeOf(bytes: Bytes): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  let size = 0;
  for (const { length } of bytes) size += length;
  return size;
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
