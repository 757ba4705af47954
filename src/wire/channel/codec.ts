// Frames to bytes and back. One WebSocket message is a packet: frames one after the other, each with its length before it.
import { type GrpcCode, nameOfGrpcCode } from "../codes.ts";
import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { ByteReader, type ByteWriter, Malformed } from "./bytes.ts";
import type { Frame, Leave, Metadata, OpenFrame, OutgoingFrame, Streaming } from "./frames.ts";
import {
  CHUNK_BYTES,
  MAX_FRAME_BYTES,
  MAX_METADATA_BYTES,
  MAX_METADATA_PAIRS,
  MAX_PACKET_BYTES,
  MAX_PATH_BYTES,
  MAX_SERVICE_BYTES,
  MAX_STATUS_MESSAGE_BYTES,
  MAX_TIMEOUT_MS,
} from "./limits.ts";

/** What a packet says: its frames, or in what it is wrong. */
export type Decoded = { readonly frames: readonly Frame[] } | { readonly malformed: string };

/** First byte of each frame. Unknown ones below {@link IGNORED_FROM} are an error; from there on they are passed over. */
const TYPE = {
  ...{ hello: 1, open: 2, message: 3, more: 4, "half-close": 5, status: 6, cancel: 7, credit: 8 },
  ...{ ping: 9, pong: 10, leave: 11 },
} as const satisfies Record<Frame["type"], number>;

const TYPES = new Map<number, Frame["type"]>(Object.entries(TYPE).map(([name, type]) => [type, name as Frame["type"]]));

/** Types from here on may be ignored by who does not know them: a later version adds hints there without a new version. */
const IGNORED_FROM = 0x80;

/** By number, as they cross. */
const STREAMING = ["unary", "client", "server", "bidi"] as const satisfies readonly Streaming[];
const LEAVE = ["superseded", "shutdown"] as const satisfies readonly Leave[];

/** Appends a frame. Its texts and sizes must be within the limits; `chunk` is copied. */
export function encodeFrame(writer: ByteWriter, frame: OutgoingFrame): void {
  const start = writer.openLength();
  writer.byte(TYPE[frame.type]);
  writeBody(writer, frame);
  writer.fillLength(start);
}

/**
 * Reads a packet, whatever its bytes are. Nothing is allocated for a length that is only announced. A `chunk` is a view of the
 * packet, or a copy when it would keep a much larger packet alive.
 */
export function decodePacket(packet: Uint8Array): Decoded {
  if (packet.length > MAX_PACKET_BYTES) return { malformed: `packet of ${packet.length} bytes` };
  const frames: Frame[] = [];
  try {
    const reader = new ByteReader(packet);
    while (reader.left > 0) {
      const length = reader.length();
      if (length > MAX_FRAME_BYTES) return { malformed: `frame of ${length} bytes` };
      const frame = readFrame(new ByteReader(reader.raw(length)), packet.length);
      if (frame !== undefined) frames.push(frame);
    }
  } catch (error) {
    if (error instanceof Malformed) return { malformed: error.message };
    throw error;
  }
  return { frames };
}

function writeBody(writer: ByteWriter, frame: OutgoingFrame): void {
  if ("id" in frame) writer.number(frame.id);
  switch (frame.type) {
    case "hello":
      writer.number(frame.version);
      writer.number(frame.incarnation);
      break;
    case "open":
      writeOpen(writer, frame);
      break;
    case "message":
      writer.number(frame.size);
      writer.raw(frame.chunk);
      break;
    case "more":
      writer.raw(frame.chunk);
      break;
    case "status":
      writer.byte(frame.code);
      writer.text(frame.message);
      writeMetadata(writer, frame.metadata);
      break;
    case "credit":
      writer.number(frame.bytes);
      break;
    case "ping":
    case "pong":
      writer.number(frame.token);
      break;
    case "leave":
      writer.byte(LEAVE.indexOf(frame.why));
      break;
  }
}

function writeOpen(writer: ByteWriter, frame: OpenFrame): void {
  writer.byte(STREAMING.indexOf(frame.streaming));
  // 0 is "no deadline".
  writer.number(frame.timeoutMs ?? 0);
  writer.text(frame.service);
  writer.text(frame.path);
  writeMetadata(writer, frame.metadata);
}

function readFrame(reader: ByteReader, packetBytes: number): Frame | undefined {
  const number = reader.byte();
  const type = TYPES.get(number);
  if (type === undefined) {
    if (number >= IGNORED_FROM) return undefined;
    throw new Malformed(`frame of unknown type ${number}`);
  }
  const frame = readBody(type, reader, packetBytes);
  if (reader.left > 0) throw new Malformed(`${reader.left} bytes after a ${type} frame`);
  return frame;
}

function readBody(type: Frame["type"], reader: ByteReader, packetBytes: number): Frame {
  switch (type) {
    case "hello":
      return { type, version: reader.number(), incarnation: reader.number() };
    case "open":
      return readOpen(reader);
    case "message":
      return readMessage(reader, packetBytes);
    case "more":
      return { type, id: readId(reader), chunk: readChunk(reader, packetBytes) };
    case "status": {
      const id = readId(reader);
      const code = reader.byte();
      if (nameOfGrpcCode(code as GrpcCode) === undefined) throw new Malformed(`status code ${code}`);
      const message = reader.text(MAX_STATUS_MESSAGE_BYTES);
      return { type, id, code: code as GrpcCode, message, metadata: readMetadata(reader) };
    }
    case "credit":
      return { type, id: reader.number(), bytes: reader.number() };
    case "half-close":
    case "cancel":
      return { type, id: readId(reader) };
    case "ping":
    case "pong":
      return { type, token: reader.number() };
    case "leave":
      return { type, why: oneOf(LEAVE, reader.byte()) };
  }
}

function readOpen(reader: ByteReader): Frame {
  const id = readId(reader);
  const streaming = oneOf(STREAMING, reader.byte());
  const timeoutMs = upTo(reader, MAX_TIMEOUT_MS) || undefined;
  const service = reader.text(MAX_SERVICE_BYTES);
  const path = reader.text(MAX_PATH_BYTES);
  return { type: "open", id, service, path, streaming, timeoutMs, metadata: readMetadata(reader) };
}

function readMessage(reader: ByteReader, packetBytes: number): Frame {
  const id = readId(reader);
  const size = upTo(reader, MAX_MESSAGE_BYTES);
  const chunk = readChunk(reader, packetBytes);
  if (chunk.length !== Math.min(size, CHUNK_BYTES)) throw new Malformed(`${chunk.length} first bytes of ${size}`);
  return { type: "message", id, size, chunk };
}

function readId(reader: ByteReader): number {
  const id = reader.number();
  if (id === 0) throw new Malformed("call 0");
  return id;
}

function readChunk(reader: ByteReader, packetBytes: number): Uint8Array {
  if (reader.left > CHUNK_BYTES) throw new Malformed(`piece of ${reader.left} bytes`);
  const chunk = reader.raw(reader.left);
  return 2 * chunk.length < packetBytes ? chunk.slice() : chunk;
}

function writeMetadata(writer: ByteWriter, metadata: Metadata): void {
  const pairs = metadata.length >>> 1;
  writer.number(pairs);
  for (const text of metadata.slice(0, 2 * pairs)) writer.text(text);
}

function readMetadata(reader: ByteReader): string[] {
  const pairs = upTo(reader, MAX_METADATA_PAIRS);
  const before = reader.left;
  const metadata: string[] = [];
  for (let i = 0; i < 2 * pairs; i++) metadata.push(reader.text(MAX_METADATA_BYTES));
  if (before - reader.left > MAX_METADATA_BYTES) throw new Malformed("metadata is too large");
  return metadata;
}

function upTo(reader: ByteReader, max: number): number {
  const value = reader.number();
  if (value > max) throw new Malformed(`${value} is over ${max}`);
  return value;
}

function oneOf<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Malformed(`${index} is none of ${values.length} choices`);
  return value;
}
