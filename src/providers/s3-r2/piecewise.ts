// The bytes of an opened object. On a real R2 they are one stream; on Miniflare's a large object is read piece by piece.
import { Code, ConnectError } from "@connectrpc/connect";
import { dataFrames, type ResolvedRange, resolveRange, type S3Body, type S3Range } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { PIECE_BYTES } from "./limits.ts";

/**
 * Miniflare's R2 reads an object that was written in parts as fast as the disk gives it, however slowly it is taken: 1 GiB
 * stood in workerd's memory (measured with 4.20260730.0). In pieces it is one or two parts.
 */
export async function bodyOf(bucket: Bucket, object: R2ObjectBody, range: S3Range | undefined): Promise<S3Body> {
  const wanted = resolveRange(range, object.size);
  if (!isSimulated(object) || !isOfParts(object) || wanted.length <= PIECE_BYTES) return object.body;
  await object.body.cancel();
  return pieces(bucket, object, wanted);
}

/** Objects of a real R2 always have a storage class. */
function isSimulated({ storageClass }: R2Object): boolean {
  return !storageClass;
}

/** The etag of such an object ends in the number of its parts. */
function isOfParts({ etag }: R2Object): boolean {
  return /-\d+$/.test(etag);
}

async function* pieces(
  bucket: Bucket,
  object: R2Object,
  { offset, length }: ResolvedRange,
): AsyncGenerator<Uint8Array> {
  for (let read = 0; read < length; read += PIECE_BYTES) {
    const range = { offset: offset + read, length: Math.min(PIECE_BYTES, length - read) };
    const piece = await bucket.run((r2) => r2.get(object.key, { range, onlyIf: { etagMatches: object.etag } }));
    if (piece === null || !("body" in piece) || piece.body === null) {
      throw new ConnectError("The object was written or deleted while it was read.", Code.Aborted);
    }
    yield* dataFrames(piece.body, range.length);
  }
}
