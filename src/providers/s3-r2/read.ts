// Looking at objects and reading them.
import {
  failedCondition,
  resolveRange,
  type S3Conditions,
  S3NotFoundError,
  S3PreconditionFailedError,
  type S3Range,
  type S3ReadInput,
  type S3Ref,
} from "../../worker/index.ts";
import type { Bucket } from "./buckets.ts";
import { notFound } from "./meta.ts";
import { checkKey, checkVersion } from "./object-checks.ts";

/** Throws NOT_FOUND for a missing object and for the wrong version of one. */
export async function head(bucket: Bucket, ref: S3Ref): Promise<R2Object> {
  checkKey(ref.key);
  const object = await bucket.run((r2) => r2.head(ref.key));
  if (object === null) throw notFound(ref);
  checkVersion(ref, object);
  return object;
}

/**
 * Begins to read. The conditions are decided here, on the metadata that comes with the bytes: R2's own leave out what the
 * protocol wants (all of them hold at once, dates in whole seconds, equal dates count as unmodified).
 */
export async function open(bucket: Bucket, { ref, range, ...conditions }: S3ReadInput): Promise<R2ObjectBody> {
  checkKey(ref.key);
  const object = await get(bucket, ref, range, conditions);
  try {
    checkVersion(ref, object);
    checkConditions(object, conditions);
    resolveRange(range, object.size);
    return object;
  } catch (error) {
    await object.body.cancel();
    throw error;
  }
}

/** Throws FAILED_PRECONDITION, naming the condition. `object` is undefined when there is none. */
export function checkConditions(object: R2Object | undefined, conditions: S3Conditions): void {
  const subject = object && { etag: object.httpEtag, lastModified: object.uploaded };
  const failed = failedCondition(subject, conditions);
  if (failed !== undefined) throw new S3PreconditionFailedError(`The condition ${failed} does not hold.`);
}

async function get(
  bucket: Bucket,
  ref: S3Ref,
  range: S3Range | undefined,
  conditions: S3Conditions,
): Promise<R2ObjectBody> {
  const r2Range = range && toR2Range(range);
  try {
    const object = await bucket.run((r2) => r2.get(ref.key, r2Range && { range: r2Range }));
    if (object === null) throw notFound(ref);
    return object;
  } catch (error) {
    if (r2Range === undefined || error instanceof S3NotFoundError) throw error;
    // R2 says only that the range is bad, and Miniflare fails on one that starts right at the end. A condition that does
    // not hold comes first, and the size belongs into the text.
    const object = await head(bucket, ref);
    checkConditions(object, conditions);
    resolveRange(range, object.size);
    throw error;
  }
}

function toR2Range({ start, end }: S3Range): R2Range | undefined {
  if (end !== undefined) return { offset: start ?? 0, length: end - (start ?? 0) + 1 };
  return start === undefined ? undefined : { offset: start };
}
