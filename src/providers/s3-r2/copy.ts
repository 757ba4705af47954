// Copies through the worker: the R2 binding has no copy of its own (cloudflare/workerd#1349).

import { MAX_UPLOAD_PARTS } from "../../wire/limits.ts";
import { inParallel, type S3CopyInput, S3PreconditionFailedError, type S3WriteOpen } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { COPY_PART_BYTES, PARALLEL_COPY_PARTS } from "./limits.ts";
import { abortQuietly, beginParts, completeParts, type OpenUpload } from "./multipart.ts";
import { checkWritable } from "./object-checks.ts";
import { open } from "./read.ts";
import { put } from "./write.ts";

/** Bytes, content headers and metadata. What is copied is one state of the source, also when it is written meanwhile. */
export async function copy(source: Bucket, destination: Bucket, input: S3CopyInput): Promise<R2Object> {
  checkWritable(input.destination);
  const { ifMatch, ifNoneMatch } = input;
  const object = await open(source, { ref: input.source, ifMatch, ifNoneMatch });
  const target = { ref: input.destination, metadata: object.customMetadata ?? {} };
  if (object.size <= COPY_PART_BYTES) return put(destination, target, object.body, "stream", object.httpMetadata);
  await object.body.cancel();
  return copyParts(source, destination, object, target);
}

async function copyParts(
  source: Bucket,
  destination: Bucket,
  object: R2Object,
  target: S3WriteOpen,
): Promise<R2Object> {
  const upload = await beginParts(destination, target, object.httpMetadata);
  try {
    const partBytes = Math.max(COPY_PART_BYTES, Math.ceil(object.size / MAX_UPLOAD_PARTS));
    const numbers = Array.from({ length: Math.ceil(object.size / partBytes) }, (_, index) => index + 1);
    const parts: R2UploadedPart[] = [];
    await inParallel(
      numbers,
      async (number) => {
        parts[number - 1] = await copyPart(source, destination, object, upload, number, partBytes);
      },
      PARALLEL_COPY_PARTS,
    );
    return await completeParts(destination, target, upload, parts);
  } catch (error) {
    await abortQuietly(destination, upload);
    throw error;
  }
}

/** Reading and writing are tried again together: a stream that broke off cannot be read on. */
async function copyPart(
  source: Bucket,
  destination: Bucket,
  object: R2Object,
  upload: OpenUpload,
  number: number,
  partBytes: number,
): Promise<R2UploadedPart> {
  const range = { offset: (number - 1) * partBytes, length: partBytes };
  return destination.run(async (r2) => {
    const part = await source.run((from) => from.get(object.key, { range, onlyIf: { etagMatches: object.etag } }));
    if (part === null || !("body" in part) || part.body === null) {
      throw new S3PreconditionFailedError("The source was written or deleted while it was copied.");
    }
    return upload.on(r2).uploadPart(number, part.body);
  });
}
