// Between the protocol's messages and the shapes that `host.s3` gives and takes.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { ReadObjectRequestSchema, S3ObjectMeta } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import { S3InvalidRangeError } from "../../s3/errors.ts";
import type { S3Conditions, S3Meta, S3Range, S3Ref } from "../../s3/objects.ts";
import { withoutUndefined } from "../../without-undefined.ts";
import { HostServiceError, hostServiceError } from "../errors.ts";
import { dateOf, textOf, timestampOf } from "../fields.ts";

/** Throws INTERNAL for an answer without metadata, or with a size that is none. */
export function metaFrom(meta: S3ObjectMeta | undefined): S3Meta {
  if (meta === undefined) throw malformed("no metadata");
  const size = Number(meta.size);
  if (!Number.isSafeInteger(size) || size < 0) throw malformed(`the size ${meta.size}`);
  const { bucket = "", key = "", versionId = "" } = meta.ref ?? {};
  return {
    ref: { bucket, key, ...(versionId === "" ? {} : { versionId }) },
    etag: meta.etag,
    size,
    contentType: textOf(meta.contentType),
    lastModified: dateOf(meta.lastModified),
    metadata: meta.metadata,
    storageClass: textOf(meta.storageClass),
  };
}

export function readRequest(
  ref: S3Ref,
  options: S3Conditions & { readonly range?: S3Range | undefined },
): MessageInitShape<typeof ReadObjectRequestSchema> {
  const { range, ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = options;
  return {
    ref: refTo(ref),
    ...withoutUndefined({ ifMatch, ifNoneMatch }),
    ...(range !== undefined && { range: rangeTo(range) }),
    ...(ifModifiedSince !== undefined && { ifModifiedSince: timeTo(ifModifiedSince, "ifModifiedSince") }),
    ...(ifUnmodifiedSince !== undefined && { ifUnmodifiedSince: timeTo(ifUnmodifiedSince, "ifUnmodifiedSince") }),
  };
}

export function refTo({ bucket, key, versionId }: S3Ref): { bucket: string; key: string; versionId: string } {
  return { bucket, key, versionId: versionId ?? "" };
}

function timeTo(date: Date, what: string): Timestamp {
  try {
    return timestampOf(date, what);
  } catch (error) {
    throw hostServiceError("s3", error);
  }
}

/** Fractions and negative bounds have no form on the wire that says what was meant. */
function rangeTo(range: S3Range): { start?: bigint; end?: bigint } {
  for (const bound of [range.start, range.end]) {
    if (bound === undefined || (Number.isSafeInteger(bound) && bound >= 0)) continue;
    throw new S3InvalidRangeError(`${bound} is no position in an object: positions are whole numbers from 0.`);
  }
  const { start, end } = range;
  return {
    ...(start === undefined ? {} : { start: BigInt(start) }),
    ...(end === undefined ? {} : { end: BigInt(end) }),
  };
}

export function malformed(what: string): HostServiceError {
  return new HostServiceError("s3", Code.Internal, `gestaltd answered with ${what}`);
}
