// Frames as a client sends them: masked, each in one buffer with its head.
//
// Written by hand because undici's WebSocket, as `ws`, copies every message in order to mask it byte by byte: at 64 MiB through the
// channel half of the bridge's time went into that and into collecting the copies.
import { randomFillSync } from "node:crypto";
import { FINAL, LENGTH_IN_2, LENGTH_IN_8, MASKED, SHORT_BYTES } from "./frame.ts";

/** Left free before a payload for the head of its frame, in bytes: 14 at most, and masks are put on four bytes at a time. */
const HEAD_ROOM_BYTES = 16;
const MASK_BYTES = 4;

/** Room for a payload of at least so many bytes, to be sent by {@link frameInPlace}. Its content is undefined. */
export function payloadRoom(bytes: number): Uint8Array<ArrayBuffer> {
  const whole = Math.ceil(bytes / MASK_BYTES) * MASK_BYTES;
  return new Uint8Array(Buffer.allocUnsafeSlow(HEAD_ROOM_BYTES + whole).buffer, HEAD_ROOM_BYTES);
}

/** The frame of a payload that is the beginning of a {@link payloadRoom}. The payload is masked where it lies, and is lost. */
export function frameInPlace(opcode: number, payload: Uint8Array): Buffer {
  const { buffer, length } = payload;
  if (payload.byteOffset !== HEAD_ROOM_BYTES) throw new RangeError("there is no room for the head of a frame");
  const extended = length <= SHORT_BYTES ? 0 : length <= 0xffff ? 2 : 8;
  const start = HEAD_ROOM_BYTES - MASK_BYTES - extended - 2;
  const frame = Buffer.from(buffer, start, HEAD_ROOM_BYTES - start + length);
  frame[0] = FINAL | opcode;
  frame[1] = MASKED | (extended === 0 ? length : extended === 2 ? LENGTH_IN_2 : LENGTH_IN_8);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const words = new Int32Array(buffer, HEAD_ROOM_BYTES - MASK_BYTES, 1 + Math.ceil(length / MASK_BYTES));
  maskWords(words, nextMask());
  return frame;
}

/** The frame of any bytes, which are copied together. */
export function frameOf(opcode: number, ...pieces: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const payload = payloadRoom(length).subarray(0, length);
  let at = 0;
  for (const piece of pieces) {
    payload.set(piece, at);
    at += piece.length;
  }
  return frameInPlace(opcode, payload);
}

/** The first word is the mask's own place. */
function maskWords(words: Int32Array, mask: number): void {
  words[0] = mask;
  for (let i = 1; i < words.length; i++) words[i] = (words[i] ?? 0) ^ mask;
}

/** Masks must not be predictable (RFC 6455 §5.3). Drawn many at a time, because a call into the generator costs microseconds. */
const masks = new Int32Array(1024);
let unused = 0;

function nextMask(): number {
  if (unused === 0) {
    randomFillSync(masks);
    unused = masks.length;
  }
  unused -= 1;
  return masks[unused] ?? 0;
}
