// An object's bytes as the data frames of a ReadObject stream.
import { READ_CHUNK_BYTES } from "../../wire/limits.ts";
import type { S3Body } from "./objects.ts";

/**
 * Cuts and joins a body into pieces of {@link READ_CHUNK_BYTES}, the last one shorter; none is empty. Reads nothing before it
 * is asked to. Stopping early cancels the body.
 *
 * @param expected Bytes the body has at most, so that a small object takes a small piece of memory.
 */
export function dataFrames(body: S3Body, expected: number): AsyncGenerator<Uint8Array> {
  // workerd hands an R2 body out in 4 KiB pieces unless it is given the memory to fill.
  const reader = body instanceof ReadableStream ? byobReader(body) : undefined;
  return reader === undefined ? joinedFrames(body) : filledFrames(reader, expected);
}

async function* filledFrames(reader: ReadableStreamBYOBReader, expected: number): AsyncGenerator<Uint8Array> {
  let left = expected;
  try {
    for (;;) {
      // At least one byte, to see the end and not just to believe in it.
      const room = Math.max(1, Math.min(left, READ_CHUNK_BYTES));
      const { value, done } = await reader.readAtLeast(room, new Uint8Array(room));
      if (value !== undefined && value.byteLength > 0) yield value;
      if (done) return;
      left -= value.byteLength;
    }
  } finally {
    // After the end this does nothing; before it, it tells the source to stop.
    await reader.cancel().catch(ignore);
  }
}

async function* joinedFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let frame: Uint8Array | undefined;
  let filled = 0;
  for await (const chunk of body) {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (filled === 0 && rest.byteLength === READ_CHUNK_BYTES) {
        yield rest;
        break;
      }
      frame ??= new Uint8Array(READ_CHUNK_BYTES);
      const taken = Math.min(rest.byteLength, READ_CHUNK_BYTES - filled);
      frame.set(rest.subarray(0, taken), filled);
      filled += taken;
      rest = rest.subarray(taken);
      if (filled < READ_CHUNK_BYTES) continue;
      yield frame;
      frame = undefined;
      filled = 0;
    }
  }
  if (frame !== undefined) yield frame.subarray(0, filled);
}

/** A reader that fills the memory it is given, or undefined where the stream has none. */
function byobReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return undefined; // A stream of an author's own, without `type: "bytes"`.
  }
}

/** A source that fails while it is being told to stop has nothing to say any more. */
function ignore(): void {}
