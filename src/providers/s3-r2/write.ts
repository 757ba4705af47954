// Writing whole objects: in one operation when they fit into a part, else in parts.

import { UPLOAD_PART_BYTES } from "../../wire/limits.ts";
import {
  parseEtags,
  type S3EtagConditions,
  S3PreconditionFailedError,
  type S3WriteInput,
  type S3WriteOpen,
} from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { httpMetadataOf } from "./meta.ts";
import { abortQuietly, beginParts, completeParts } from "./multipart.ts";
import { checkMetadata, checkWritable } from "./object-checks.ts";
import { PartReader } from "./part-reader.ts";

/** Writes a body of unknown length. Holds one part at a time. */
export async function write(bucket: Bucket, input: S3WriteInput): Promise<R2Object> {
  const reader = new PartReader(input.body, UPLOAD_PART_BYTES);
  try {
    checkWritable(input.ref);
    checkMetadata(input.metadata);
    const first = await reader.next();
    return reader.ended ? await put(bucket, input, first, "bytes") : await writeParts(bucket, input, first, reader);
  } finally {
    await reader.cancel();
  }
}

/**
 * One put. A stream must have a length that R2 can see: a request's or an R2 object's own body.
 *
 * @param kind `bytes` can be sent again when R2 failed, a `stream` cannot.
 */
export async function put(
  bucket: Bucket,
  open: S3WriteOpen,
  value: Uint8Array | ReadableStream<Uint8Array>,
  kind: "bytes" | "stream",
  httpMetadata: R2HTTPMetadata = httpMetadataOf(open),
): Promise<R2Object> {
  const onlyIf = conditionHeaders(open);
  const options = { httpMetadata, customMetadata: { ...open.metadata } };
  // A write under a condition may have broken its own condition before the answer was lost.
  const repeatable = kind === "stream" ? "never" : onlyIf === undefined ? "always" : "refused";
  const written = await bucket.run(
    async (r2): Promise<R2Object | null> =>
      onlyIf === undefined ? r2.put(open.ref.key, value, options) : r2.put(open.ref.key, value, { ...options, onlyIf }),
    repeatable,
  );
  if (written === null) throw new S3PreconditionFailedError("The condition on the object to be written does not hold.");
  return written;
}

async function writeParts(bucket: Bucket, open: S3WriteOpen, first: Uint8Array, reader: PartReader): Promise<R2Object> {
  const upload = await beginParts(bucket, open);
  try {
    const parts: R2UploadedPart[] = [];
    for (let part = first; part.byteLength > 0; part = reader.ended ? EMPTY : await reader.next()) {
      const bytes = part;
      parts.push(await bucket.run((r2) => upload.on(r2).uploadPart(parts.length + 1, bytes)));
    }
    return await completeParts(bucket, open, upload, parts);
  } catch (error) {
    await abortQuietly(bucket, upload);
    throw error;
  }
}

const EMPTY = new Uint8Array();

/** R2 takes lists of etags, and checks them as it writes, only in the form of HTTP headers. */
function conditionHeaders({ ifMatch, ifNoneMatch }: S3EtagConditions): Headers | undefined {
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  const headers = new Headers();
  if (ifMatch !== undefined) headers.set("if-match", headerValue(ifMatch));
  if (ifNoneMatch !== undefined) headers.set("if-none-match", headerValue(ifNoneMatch));
  return headers;
}

function headerValue(condition: string): string {
  const patterns = parseEtags(condition);
  if (patterns === "any") return "*";
  return patterns.map(({ value, weak }) => `${weak ? "W/" : ""}"${value}"`).join(", ");
}
