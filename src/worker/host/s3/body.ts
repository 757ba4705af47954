// What may be written into an object, as chunks small enough for messages.
import { Code } from "@connectrpc/connect";
import { asBytes } from "../bytes.ts";
import { InvalidArgumentError } from "../errors.ts";

/** A text is written as UTF-8. Streams and iterables are read as fast as gestaltd takes them. */
export type S3WriteBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

/**
 * Bytes in one message of a write. Far below the 4 MiB that gestaltd takes, so that a message never waits long for its turn, and
 * enough that what each one costs does not count.
 */
const WRITE_CHUNK_BYTES = 256 * 1024;

export interface BodyChunks {
  /** None is empty, none is larger than {@link WRITE_CHUNK_BYTES}. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Nobody will read on: lets go of the source. */
  cancel(reason: unknown): void;
}

export function bodyChunks(body: S3WriteBody): BodyChunks {
  if (body instanceof Blob) return bodyChunks(body.stream());
  if (body instanceof ReadableStream) {
    const reader = body.getReader();
    return {
      chunks: cut(readAll(reader)),
      cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
    };
  }
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body) {
    const source = body[Symbol.asyncIterator]();
    return {
      chunks: cut({ [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }),
      cancel: () => void Promise.resolve(source.return?.()).catch(() => undefined),
    };
  }
  return { chunks: cut([body]), cancel() {} };
}

async function* readAll(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

type Piece = Uint8Array | ArrayBuffer | string;

async function* cut(source: AsyncIterable<Piece> | Iterable<Piece>): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    const bytes = asBytes(piece);
    if (bytes === undefined) {
      const text = `An object is made of text or bytes, not of ${piece === null ? piece : typeof piece}.`;
      throw new InvalidArgumentError("s3", Code.InvalidArgument, text);
    }
    for (let at = 0; at < bytes.byteLength; at += WRITE_CHUNK_BYTES) yield bytes.subarray(at, at + WRITE_CHUNK_BYTES);
  }
}
