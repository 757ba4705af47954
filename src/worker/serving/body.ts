// Reads a request body into memory, never more than allowed.
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The whole body. RESOURCE_EXHAUSTED when it is over `limit` bytes: at once if the length was announced, else as soon
 * as too much has arrived.
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced === null) return request.body === null ? new Uint8Array() : readStream(request.body, limit);
  if (Number(announced) > limit) throw tooLarge("request", limit, Number(announced));
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.byteLength > limit) throw tooLarge("request", limit, body.byteLength);
  return body;
}

/** Collects a stream up to `limit` bytes and cancels the rest. */
export async function readStream(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (length > limit) throw tooLarge("request", limit);
    chunks.push(chunk);
  }
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** The error for a message over the limit. `length` is in bytes, when it is known. */
export function tooLarge(what: "request" | "reply", limit: number, length?: number): ConnectError {
  const size = length === undefined ? "" : ` of ${length} bytes`;
  return new ConnectError(`The ${what} message${size} is over the limit of ${limit} bytes.`, Code.ResourceExhausted);
}
