// Frames as a server sends them, taken from a socket's chunks and put together to messages.
import { CLOSE, FINAL, LENGTH_IN_2, LENGTH_IN_8, MASKED, OPCODE, RESERVED, SHORT_BYTES } from "./frame.ts";

export interface IncomingEvents {
  /** A whole message; the bytes are the receiver's. */
  message(kind: "text" | "binary", bytes: Uint8Array): void;
  /** `code` is 1005 when there is none. */
  close(code: number, reason: string): void;
  ping(payload: Uint8Array): void;
}

/** The other side does not keep to the protocol, or sends too much. */
export class FrameFault extends Error {
  override readonly name = "FrameFault";
  /** For the close frame. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Frame = { readonly opcode: number; readonly final: boolean; readonly length: number };

const LARGEST_HEAD_BYTES = 10;

export class IncomingFrames {
  readonly #events: IncomingEvents;
  readonly #maxBytes: number;
  readonly #head = Buffer.alloc(LARGEST_HEAD_BYTES);
  #headBytes = 0;
  /** The frame whose payload is being read, and what of that has come when it did not come at once. */
  #frame: Frame | undefined;
  #gathered: Buffer | undefined;
  #have = 0;
  /** The message whose frames are being read. */
  #kind: "text" | "binary" | undefined;
  #parts: Buffer[] = [];
  #partBytes = 0;

  /** A message of more bytes than that is a fault, before room is made for it. */
  constructor(maxBytes: number, events: IncomingEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Takes the next chunk. Throws {@link FrameFault}; nothing may be pushed after that. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const frame = this.#frame;
      at = frame === undefined ? this.#takeHead(chunk, at) : this.#takePayload(frame, chunk, at);
    }
  }

  #takeHead(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && this.#headBytes < this.#headLength()) this.#head[this.#headBytes++] = chunk[at++] ?? 0;
    if (this.#headBytes < this.#headLength()) return at;
    this.#headBytes = 0;
    const frame = this.#checked(this.#readHead());
    if (frame.length > 0) this.#frame = frame;
    else this.#finish(frame, EMPTY);
    return at;
  }

  /** As far as it is known. */
  #headLength(): number {
    if (this.#headBytes < 2) return 2;
    const short = this.#head.readUInt8(1) & ~MASKED;
    return short === LENGTH_IN_8 ? 10 : short === LENGTH_IN_2 ? 4 : 2;
  }

  #readHead(): Frame {
    const head = this.#head;
    const first = head.readUInt8(0);
    const second = head.readUInt8(1);
    if ((first & RESERVED) !== 0) throw new FrameFault(CLOSE.protocolError, "an extension that was not agreed on");
    if ((second & MASKED) !== 0) throw new FrameFault(CLOSE.protocolError, "a masked frame");
    const short = second & ~MASKED;
    const length =
      short === LENGTH_IN_8 ? Number(head.readBigUInt64BE(2)) : short === LENGTH_IN_2 ? head.readUInt16BE(2) : short;
    return { opcode: first & 0x0f, final: (first & FINAL) !== 0, length };
  }

  #checked(frame: Frame): Frame {
    const { opcode, final, length } = frame;
    switch (opcode) {
      case OPCODE.close:
      case OPCODE.ping:
      case OPCODE.pong:
        if (!final || length > SHORT_BYTES) throw new FrameFault(CLOSE.protocolError, "a control frame of wrong form");
        return frame;
      case OPCODE.text:
      case OPCODE.binary:
        if (this.#kind !== undefined) throw new FrameFault(CLOSE.protocolError, "a message within a message");
        this.#kind = opcode === OPCODE.text ? "text" : "binary";
        break;
      case OPCODE.continuation:
        if (this.#kind === undefined) throw new FrameFault(CLOSE.protocolError, "a frame of no message");
        break;
      default:
        throw new FrameFault(CLOSE.protocolError, "a frame of unknown kind");
    }
    const size = this.#partBytes + length;
    if (size > this.#maxBytes) throw new FrameFault(CLOSE.tooLarge, `a message of ${size} bytes or more`);
    return frame;
  }

  #takePayload(frame: Frame, chunk: Buffer, at: number): number {
    const piece = chunk.subarray(at, at + frame.length - this.#have);
    if (piece.length === frame.length) {
      this.#frame = undefined;
      // A view keeps the whole chunk in memory.
      this.#finish(frame, 2 * piece.length < chunk.length ? Buffer.from(piece) : piece);
    } else this.#gather(frame, piece);
    return at + piece.length;
  }

  #gather(frame: Frame, piece: Buffer): void {
    this.#gathered ??= Buffer.allocUnsafeSlow(frame.length);
    piece.copy(this.#gathered, this.#have);
    this.#have += piece.length;
    if (this.#have < frame.length) return;
    const whole = this.#gathered;
    this.#gathered = undefined;
    this.#have = 0;
    this.#frame = undefined;
    this.#finish(frame, whole);
  }

  #finish(frame: Frame, payload: Buffer): void {
    if (frame.opcode === OPCODE.close) this.#close(payload);
    else if (frame.opcode === OPCODE.ping) this.#events.ping(payload);
    else if (frame.opcode !== OPCODE.pong) this.#finishPart(frame.final, payload);
  }

  #finishPart(final: boolean, payload: Buffer): void {
    const whole = this.#parts.length === 0 && final;
    if (!whole) {
      this.#parts.push(payload);
      this.#partBytes += payload.length;
    }
    if (!final) return;
    const kind = this.#kind ?? "binary";
    const message = whole ? payload : Buffer.concat(this.#parts);
    this.#kind = undefined;
    this.#parts = [];
    this.#partBytes = 0;
    this.#events.message(kind, message);
  }

  #close(payload: Buffer): void {
    if (payload.length === 1) throw new FrameFault(CLOSE.protocolError, "half a close code");
    const code = payload.length === 0 ? CLOSE.none : payload.readUInt16BE(0);
    this.#events.close(code, payload.toString("utf8", 2));
  }
}

const EMPTY = Buffer.alloc(0);
