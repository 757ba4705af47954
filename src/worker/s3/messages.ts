// Between the protocol's messages and an author's shapes. What is malformed is refused here, once for every provider.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type CopyObjectRequest,
  type ListObjectsRequest,
  type ListObjectsResponseSchema,
  PresignMethod,
  type PresignObjectRequest,
  type ReadObjectRequest,
  type S3ObjectMetaSchema,
  type S3ObjectRef,
  type WriteObjectOpen,
} from "../../gen/gestalt/provider/v1/s3_pb.ts";
import type {
  S3CopyInput,
  S3ListInput,
  S3ListResult,
  S3Meta,
  S3PresignInput,
  S3PresignMethod,
  S3ReadInput,
  S3Ref,
  S3WriteOpen,
} from "./objects.ts";
import { rangeFromProtocol } from "./ranges.ts";

/** Keys in a page when the caller does not say (S3 API, ListObjectsV2). */
const DEFAULT_MAX_KEYS = 1000;

/** Lifetime of a presigned URL when the caller does not say, in seconds; gestaltd's own default. */
const DEFAULT_PRESIGN_SECONDS = 15 * 60;

/** Longest lifetime of a presigned URL, in seconds: gestaltd's own limit, so that a plugin meets the same one everywhere. */
const MAX_PRESIGN_SECONDS = 24 * 60 * 60;

/** Throws INVALID_ARGUMENT when bucket or key is missing; `what` names the field in the text. */
export function refFromProtocol(ref: S3ObjectRef | undefined, what = "object"): S3Ref {
  if (ref === undefined || ref.bucket === "") throw invalid(`The ${what} has no bucket.`);
  if (ref.key === "") throw invalid(`The ${what} has no key.`);
  // A lone surrogate has no UTF-8 form: two such keys would become one. Only a JSON request can carry it.
  if (!ref.key.isWellFormed()) throw invalid(`The ${what}'s key is not valid Unicode.`);
  return { bucket: ref.bucket, key: ref.key, ...(ref.versionId === "" ? {} : { versionId: ref.versionId }) };
}

export function readFromProtocol(request: ReadObjectRequest): S3ReadInput {
  return {
    ref: refFromProtocol(request.ref),
    range: rangeFromProtocol(request.range),
    ifMatch: text(request.ifMatch),
    ifNoneMatch: text(request.ifNoneMatch),
    ifModifiedSince: date(request.ifModifiedSince),
    ifUnmodifiedSince: date(request.ifUnmodifiedSince),
  };
}

export function openFromProtocol(open: WriteObjectOpen): S3WriteOpen {
  return {
    ref: refFromProtocol(open.ref),
    contentType: text(open.contentType),
    cacheControl: text(open.cacheControl),
    contentDisposition: text(open.contentDisposition),
    contentEncoding: text(open.contentEncoding),
    contentLanguage: text(open.contentLanguage),
    metadata: open.metadata,
    ifMatch: text(open.ifMatch),
    ifNoneMatch: text(open.ifNoneMatch),
  };
}

export function copyFromProtocol(request: CopyObjectRequest): S3CopyInput {
  return {
    source: refFromProtocol(request.source, "source"),
    destination: refFromProtocol(request.destination, "destination"),
    ifMatch: text(request.ifMatch),
    ifNoneMatch: text(request.ifNoneMatch),
  };
}

export function listFromProtocol(request: ListObjectsRequest): S3ListInput {
  if (request.bucket === "") throw invalid("The list request has no bucket.");
  return {
    bucket: request.bucket,
    prefix: request.prefix,
    delimiter: request.delimiter,
    continuationToken: request.continuationToken,
    startAfter: request.continuationToken === "" ? request.startAfter : "",
    maxKeys: request.maxKeys > 0 ? request.maxKeys : DEFAULT_MAX_KEYS,
  };
}

export function presignFromProtocol(request: PresignObjectRequest): Omit<S3PresignInput, "origin" | "provider"> {
  const method = METHODS.get(request.method);
  if (method === undefined) throw invalid("A presigned URL needs one of the methods GET, PUT, DELETE and HEAD.");
  const seconds = request.expiresSeconds === 0n ? DEFAULT_PRESIGN_SECONDS : Number(request.expiresSeconds);
  if (seconds < 1 || seconds > MAX_PRESIGN_SECONDS) {
    throw invalid(`A presigned URL lives for 1 to ${MAX_PRESIGN_SECONDS} seconds, not for ${seconds}.`);
  }
  return {
    ref: refFromProtocol(request.ref),
    method,
    expiresSeconds: seconds,
    contentType: text(request.contentType),
    contentDisposition: text(request.contentDisposition),
    headers: request.headers,
  };
}

const METHODS = new Map<PresignMethod, S3PresignMethod>([
  [PresignMethod.GET, "GET"],
  [PresignMethod.PUT, "PUT"],
  [PresignMethod.DELETE, "DELETE"],
  [PresignMethod.HEAD, "HEAD"],
]);

/** Throws INTERNAL when a provider answered without a ref, or with a size that is none. */
export function metaToProtocol(meta: S3Meta): MessageInitShape<typeof S3ObjectMetaSchema> {
  if (!Number.isSafeInteger(meta.size) || meta.size < 0) {
    throw new ConnectError(`The provider answered with the object size ${meta.size}.`, Code.Internal);
  }
  return {
    ref: { bucket: meta.ref.bucket, key: meta.ref.key, versionId: meta.ref.versionId ?? "" },
    etag: meta.etag,
    size: BigInt(meta.size),
    contentType: meta.contentType ?? "",
    lastModified: meta.lastModified && timestampFromDate(meta.lastModified),
    metadata: { ...meta.metadata },
    storageClass: meta.storageClass ?? "",
  };
}

export function listToProtocol(result: S3ListResult): MessageInitShape<typeof ListObjectsResponseSchema> {
  return {
    objects: result.objects.map(metaToProtocol),
    commonPrefixes: [...(result.commonPrefixes ?? [])],
    nextContinuationToken: result.nextContinuationToken ?? "",
    hasMore: result.nextContinuationToken !== undefined,
  };
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}

/** The protocol says "absent" with an empty string. */
function text(value: string): string | undefined {
  return value === "" ? undefined : value;
}

function date(value: Timestamp | undefined): Date | undefined {
  return value && timestampDate(value);
}
