// The store's side of uploads whose parts the bridge sends.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod/mini";
import type { S3Meta, S3UploadedPart, S3UploadPart, S3WriteOpen } from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { metaOf } from "./meta.ts";
import { abort, beginParts, completeParts, OpenUpload } from "./multipart.ts";

/** What comes back, signed, with each call of an upload. */
const uploadState = z.object({
  bucket: z.string(),
  key: z.string(),
  uploadId: z.string(),
  ifMatch: z.optional(z.string()),
  ifNoneMatch: z.optional(z.string()),
});

type UploadState = z.infer<typeof uploadState>;

type OpenBucket = (name: string) => Bucket;

export async function beginUpload(bucket: Bucket, open: S3WriteOpen): Promise<string> {
  const { key, uploadId } = await beginParts(bucket, open);
  const { ifMatch, ifNoneMatch } = open;
  return JSON.stringify({ bucket: bucket.name, key, uploadId, ifMatch, ifNoneMatch } satisfies UploadState);
}

/** The body goes to R2 as it arrives; its length is the request's own. */
export async function uploadPart(openBucket: OpenBucket, part: S3UploadPart): Promise<{ etag: string }> {
  const { bucket, upload } = resume(openBucket, part.upload);
  return bucket.run((r2) => upload.on(r2).uploadPart(part.number, part.body), "never");
}

export async function completeUpload(
  openBucket: OpenBucket,
  input: { readonly upload: string; readonly parts: readonly S3UploadedPart[] },
): Promise<S3Meta> {
  const { bucket, upload, state } = resume(openBucket, input.upload);
  const parts = input.parts.map(({ number, etag }) => ({ partNumber: number, etag }));
  return metaOf(bucket.name, await completeParts(bucket, state, upload, parts));
}

export async function abortUpload(openBucket: OpenBucket, input: { readonly upload: string }): Promise<void> {
  const { bucket, upload } = resume(openBucket, input.upload);
  try {
    await abort(bucket, upload);
  } catch (error) {
    // It has ended already.
    if (!(error instanceof ConnectError && error.code === Code.NotFound)) throw error;
  }
}

/** The signature has been checked; only another version of this worker can have written another shape. */
function resume(openBucket: OpenBucket, state: string): { bucket: Bucket; upload: OpenUpload; state: UploadState } {
  const parsed = uploadState.safeParse(JSON.parse(state));
  if (!parsed.success) throw new ConnectError("The upload was begun by another version of this worker.", Code.Aborted);
  const { bucket, key, uploadId } = parsed.data;
  return { bucket: openBucket(bucket), upload: new OpenUpload(key, uploadId), state: parsed.data };
}
