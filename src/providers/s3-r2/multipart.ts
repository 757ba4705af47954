// R2's multipart uploads: how every object begins, ends or is given up that is not written in one operation.
import type { S3EtagConditions, S3WriteOpen } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { httpMetadataOf } from "./meta.ts";
import { checkMetadata, checkWritable } from "./object-checks.ts";
import { checkConditions } from "./read.ts";

/** An upload that is open at R2. */
export class OpenUpload {
  readonly key: string;
  readonly uploadId: string;

  constructor(key: string, uploadId: string) {
    this.key = key;
    this.uploadId = uploadId;
  }

  on(r2: R2Bucket): R2MultipartUpload {
    return r2.resumeMultipartUpload(this.key, this.uploadId);
  }
}

/** Opens an upload, after the conditions have been looked at a first time. */
export async function beginParts(
  bucket: Bucket,
  open: S3WriteOpen,
  httpMetadata: R2HTTPMetadata = httpMetadataOf(open),
): Promise<OpenUpload> {
  const { ref, metadata } = open;
  checkWritable(ref);
  checkMetadata(metadata);
  await checkTarget(bucket, ref.key, open);
  const options = { httpMetadata, customMetadata: { ...metadata } };
  const { uploadId } = await bucket.run((r2) => r2.createMultipartUpload(ref.key, options), "refused");
  return new OpenUpload(ref.key, uploadId);
}

/**
 * Makes the object. R2 has no condition on this step, so they are looked at right before it: a write of another that
 * lands in between, a few milliseconds, is overwritten.
 */
export async function completeParts(
  bucket: Bucket,
  conditions: S3EtagConditions,
  upload: OpenUpload,
  parts: R2UploadedPart[],
): Promise<R2Object> {
  await checkTarget(bucket, upload.key, conditions);
  // A repetition after success would find no upload.
  return bucket.run((r2) => upload.on(r2).complete(parts), "refused");
}

export async function abort(bucket: Bucket, upload: OpenUpload): Promise<void> {
  await bucket.run((r2) => upload.on(r2).abort());
}

/** For use after another error, which is the one to report. R2 itself drops an upload after seven days. */
export async function abortQuietly(bucket: Bucket, upload: OpenUpload): Promise<void> {
  await abort(bucket, upload).catch(() => {});
}

async function checkTarget(bucket: Bucket, key: string, { ifMatch, ifNoneMatch }: S3EtagConditions): Promise<void> {
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const object = await bucket.run((r2) => r2.head(key));
  checkConditions(object ?? undefined, { ifMatch, ifNoneMatch });
}
