// Gzip for the generic router, on the platform's own streams.

import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { readStream } from "./body.ts";

export const DAMAGED_GZIP = "The request's gzip data is damaged.";

const MAGIC = [0x1f, 0x8b] as const;

/**
 * Takes what is not gzip as it is: Cloudflare may have decompressed a body and left its `content-encoding` there. No
 * JSON text and no protobuf message begins with the magic bytes (field 3 of wire type 7, which does not exist).
 */
export const gzip: Compression = {
  name: "gzip",
  compress: (bytes) => pump(bytes, new CompressionStream("gzip"), Number.POSITIVE_INFINITY),
  async decompress(bytes, readMaxBytes) {
    if (bytes[0] !== MAGIC[0] || bytes[1] !== MAGIC[1]) return copy(bytes);
    try {
      return await pump(bytes, new DecompressionStream("gzip"), readMaxBytes);
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      throw new ConnectError(DAMAGED_GZIP, Code.InvalidArgument);
    }
  },
};

async function pump(
  bytes: Uint8Array,
  through: CompressionStream | DecompressionStream,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return copy(await readStream(new Blob([bytes]).stream().pipeThrough(through), limit));
}

/** The router's types want bytes on a buffer of their own kind. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
