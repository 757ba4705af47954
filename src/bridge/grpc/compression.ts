// Message compression: gzip, and identity. gestaltd uses none, other clients may.
import { gunzipSync, gzipSync } from "node:zlib";
import { GrpcCode } from "../../wire/codes.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { BridgeError } from "../errors.ts";
import { FLAG_COMPRESSED, flagsOf, frame, type Pieces, payloadOf, sizeOf } from "./frames.ts";
import { MIN_COMPRESS_BYTES } from "./limits.ts";

/** What the server takes, for `grpc-accept-encoding`. */
export const ACCEPTED_ENCODINGS = "identity,gzip";

export type Encoding = "identity" | "gzip";

/** The request's encoding. Throws UNIMPLEMENTED for one we do not know; the caller then learns which we do. */
export function requestEncoding(header: string | undefined): Encoding {
  if (header === undefined || header === "identity") return "identity";
  if (header === "gzip") return "gzip";
  throw new BridgeError(
    GrpcCode.unimplemented,
    `compression ${JSON.stringify(header)} is not supported; use one of ${ACCEPTED_ENCODINGS}`,
  );
}

/** Replies are compressed for a caller that compresses and says it takes gzip: the way grpc-go decides. */
export function replyEncoding(request: Encoding, accept: string | undefined): Encoding {
  if (request !== "gzip" || accept === undefined) return "identity";
  return accept.split(",").some((name) => name.trim() === "gzip") ? "gzip" : "identity";
}

/** A frame with a plain payload. Throws INTERNAL when the flag contradicts the header, as grpc-go does. */
export function inflateFrame(compressed: Pieces, encoding: Encoding): Pieces {
  if ((flagsOf(compressed) & FLAG_COMPRESSED) === 0) return compressed;
  if (encoding === "identity") {
    throw new BridgeError(GrpcCode.internal, "compressed message without a grpc-encoding header");
  }
  try {
    return [frame(gunzipSync(payloadOf(compressed), { maxOutputLength: MAX_MESSAGE_BYTES }))];
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      throw new BridgeError(
        GrpcCode.resourceExhausted,
        `message is larger than the limit of ${MAX_MESSAGE_BYTES} bytes after decompression`,
      );
    }
    throw new BridgeError(GrpcCode.internal, "message is not valid gzip", { cause: error });
  }
}

/** A frame compressed if that makes it shorter. */
export function deflateFrame(plain: Pieces, encoding: Encoding): Pieces {
  const size = sizeOf(plain);
  if (encoding === "identity" || size < MIN_COMPRESS_BYTES) return plain;
  const packed = frame(gzipSync(payloadOf(plain), { level: 1 }), FLAG_COMPRESSED);
  return packed.length < size ? [packed] : plain;
}
