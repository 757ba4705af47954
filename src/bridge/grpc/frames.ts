// The length-prefixed messages of gRPC, which Connect's envelopes share: one byte of flags, four of length, the payload.
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";

/** Bytes before each payload: flags, then the length as an unsigned big-endian number. */
export const PREFIX_BYTES = 5;

/** The payload is compressed as the `grpc-encoding` (or `connect-content-encoding`) header says. */
export const FLAG_COMPRESSED = 0x01;

/** Connect only: the payload is the JSON that ends the stream. */
export const FLAG_END_STREAM = 0x02;

/**
 * One frame, prefix included, in the pieces it came in, which are views of the chunks; the first holds the whole prefix.
 * Not joined until somebody needs that: a large object would otherwise be copied for nothing, and the copies be garbage.
 */
export type Pieces = readonly Buffer[];

/** Shorter pieces are copied together, in bytes: a view costs more than that, and keeps its whole chunk in memory. */
const SMALL_PIECE_BYTES = 1024;

/**
 * Takes whole frames out of chunks of any size. The announced length is checked first, and room is made only for bytes
 * that have arrived.
 */
export class FrameParser {
  readonly #onFrame: (frame: Pieces) => void;
  readonly #onBegin: ((size: number) => void) | undefined;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #partial: PartialFrame | undefined;

  /** `onBegin` hears the size, prefix included, of each frame of which only a part is here. */
  constructor(onFrame: (frame: Pieces) => void, onBegin?: (size: number) => void) {
    this.#onFrame = onFrame;
    this.#onBegin = onBegin;
  }

  /** Takes the next chunk; calls back for each frame it completes. Throws RESOURCE_EXHAUSTED for one over the limit. */
  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#partial !== undefined) offset = this.#continue(this.#partial, chunk, offset);
      else if (this.#prefixBytes > 0 || chunk.length - offset < PREFIX_BYTES) offset = this.#takePrefix(chunk, offset);
      else offset = this.#begin(chunk, offset);
    }
  }

  /** Bytes of a frame that has begun and not ended. At the end of a stream anything but 0 means it was cut. */
  get pendingBytes(): number {
    return this.#prefixBytes + (this.#partial?.have ?? 0);
  }

  #begin(chunk: Buffer, offset: number): number {
    const size = frameSize(chunk, offset);
    const piece = chunk.subarray(offset, offset + size);
    if (piece.length === size) this.#onFrame([piece]);
    else this.#beginPartial(piece, size);
    return offset + piece.length;
  }

  /** Gathers a prefix that is spread over chunks. */
  #takePrefix(chunk: Buffer, offset: number): number {
    const taken = chunk.copy(this.#prefix, this.#prefixBytes, offset);
    this.#prefixBytes += taken;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#prefixBytes = 0;
      const whole = Buffer.from(this.#prefix);
      const size = frameSize(whole, 0);
      if (size === PREFIX_BYTES) this.#onFrame([whole]);
      else this.#beginPartial(whole, size);
    }
    return offset + taken;
  }

  #beginPartial(first: Buffer, size: number): void {
    this.#partial = new PartialFrame(first, size);
    this.#onBegin?.(size);
  }

  #continue(partial: PartialFrame, chunk: Buffer, offset: number): number {
    const piece = chunk.subarray(offset, offset + partial.size - partial.have);
    partial.add(piece);
    if (partial.have === partial.size) {
      this.#partial = undefined;
      this.#onFrame(partial.pieces);
    }
    return offset + piece.length;
  }
}

/** A frame of which the prefix and perhaps more is here. */
class PartialFrame {
  readonly pieces: Buffer[];
  readonly size: number;
  have: number;
  /** Room for small pieces; the last of the pieces is a view of its beginning. */
  #room: Buffer | undefined;
  #used = 0;

  constructor(first: Buffer, size: number) {
    this.pieces = [first];
    this.size = size;
    this.have = first.length;
  }

  add(piece: Buffer): void {
    this.have += piece.length;
    if (piece.length >= SMALL_PIECE_BYTES) {
      this.pieces.push(piece);
      this.#room = undefined;
    } else this.#addSmall(piece);
  }

  /** The room doubles with what has come, so that a message in single bytes costs no more than one in large pieces. */
  #addSmall(piece: Buffer): void {
    if (this.#room !== undefined && this.#used + piece.length <= this.#room.length) this.pieces.pop();
    else {
      this.#room = Buffer.allocUnsafe(Math.max(SMALL_PIECE_BYTES, Math.min(this.have, this.size)));
      this.#used = 0;
    }
    this.#used += piece.copy(this.#room, this.#used);
    this.pieces.push(this.#room.subarray(0, this.#used));
  }
}

function frameSize(buffer: Buffer, offset: number): number {
  const length = buffer.readUInt32BE(offset + 1);
  if (length > MAX_MESSAGE_BYTES) {
    throw new BridgeError(
      GrpcCode.resourceExhausted,
      `message of ${length} bytes is larger than the limit of ${MAX_MESSAGE_BYTES} bytes`,
    );
  }
  return PREFIX_BYTES + length;
}

/** A frame in one piece; copied only when it came in several. */
export function join(pieces: Pieces): Buffer {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

/** Size of a frame in bytes, prefix included. */
export function sizeOf(pieces: Pieces): number {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  return size;
}

/** Flags of a frame. */
export function flagsOf(pieces: Pieces): number {
  return pieces[0]?.[0] ?? 0;
}

/** Payload of a frame, in one piece. */
export function payloadOf(pieces: Pieces): Buffer {
  return join(pieces).subarray(PREFIX_BYTES);
}

/** Payload of a frame, in the pieces it came in. */
export function payloadPieces(pieces: Pieces): Pieces {
  const [first, ...more] = pieces;
  return first === undefined ? [] : [first.subarray(PREFIX_BYTES), ...more];
}

/** The five bytes that go before a payload. */
export function framePrefix(length: number, flags = 0): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = flags;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

/** A payload with its prefix, in one buffer. */
export function frame(payload: Uint8Array, flags = 0): Buffer {
  const whole = Buffer.allocUnsafe(PREFIX_BYTES + payload.length);
  whole[0] = flags;
  whole.writeUInt32BE(payload.length, 1);
  whole.set(payload, PREFIX_BYTES);
  return whole;
}
