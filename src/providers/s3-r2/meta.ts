// R2's description of an object, as a provider answers it.
import { type S3ContentHeaders, type S3Meta, S3NotFoundError, type S3Ref } from "../../worker/index.ts";

/**
 * The version stays out: R2 keeps only one, so a reference that carries it would break with the next write instead of
 * meaning the object.
 */
export function metaOf(bucket: string, object: R2Object): S3Meta {
  return {
    ref: { bucket, key: object.key },
    etag: object.httpEtag,
    size: object.size,
    contentType: object.httpMetadata?.contentType,
    lastModified: object.uploaded,
    metadata: object.customMetadata,
    storageClass: object.storageClass,
  };
}

/** The content headers in R2's words. Without the absent ones: R2 takes no `undefined`. */
export function httpMetadataOf(headers: S3ContentHeaders): R2HTTPMetadata {
  const { contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage } = headers;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(contentDisposition === undefined ? {} : { contentDisposition }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(contentLanguage === undefined ? {} : { contentLanguage }),
  };
}

export function notFound({ bucket, key }: S3Ref): S3NotFoundError {
  return new S3NotFoundError(`There is no object "${key}" in bucket "${bucket}".`);
}
