// An object store bound to the session.

import { Code } from "@connectrpc/connect";
import { S3 as S3Service } from "../../../gen/gestalt/provider/v1/s3_pb.ts";
import { S3InvalidRangeError, S3NotFoundError, S3PreconditionFailedError } from "../../s3/errors.ts";
import type { S3EtagConditions, S3Meta, S3Ref } from "../../s3/objects.ts";
import { withoutUndefined } from "../../without-undefined.ts";
import { hostCalls } from "../calls.ts";
import type { HostErrors } from "../errors.ts";
import type { HostCallOptions, HostLink } from "../link.ts";
import { listPages, type S3ListOptions, type S3Page } from "./list.ts";
import { metaFrom, refTo } from "./messages.ts";
import { type S3Object, s3Object } from "./object.ts";

/**
 * Keys are this plugin's own: others bound to the same store do not see them. A missing object is `S3NotFoundError`, a condition
 * that does not hold `S3PreconditionFailedError`, a range the object does not have `S3InvalidRangeError`.
 */
export interface S3 {
  /** One object, or one version of it. Asks nothing yet. */
  object(bucket: string, key: string, versionId?: string): S3Object;
  /** All objects with the prefix, in UTF-8 byte order of their keys; pages are asked for as they are needed. */
  list(bucket: string, options?: S3ListOptions): AsyncIterable<S3Meta>;
  /** The same by pages, with common prefixes when there is a delimiter. */
  listPages(bucket: string, options?: S3ListOptions): AsyncIterable<S3Page>;
  /** Copies within the store, and returns what is known of the destination. The conditions are on the source. */
  copy(source: S3Ref, destination: S3Ref, options?: S3CopyOptions): Promise<S3Meta>;
}

export interface S3CopyOptions extends S3EtagConditions, HostCallOptions {}

export function s3Client(link: HostLink): S3 {
  const calls = hostCalls(S3Service, "s3", link, ERRORS);
  return {
    object: (bucket, key, versionId) => s3Object(link, calls, { bucket, key, versionId }),
    async *list(bucket, options) {
      for await (const { objects } of listPages(link, calls, bucket, options)) yield* objects;
    },
    listPages: (bucket, options) => listPages(link, calls, bucket, options),
    async copy(source, destination, options = {}) {
      const { ifMatch, ifNoneMatch } = options;
      const request = {
        source: refTo(source),
        destination: refTo(destination),
        ...withoutUndefined({ ifMatch, ifNoneMatch }),
      };
      return metaFrom((await calls.copyObject(request, link.options(options))).meta);
    },
  };
}

/** Reference §4.2, "Codes → host". */
const ERRORS: HostErrors = {
  [Code.NotFound]: (message, options) => new S3NotFoundError(message, options),
  [Code.FailedPrecondition]: (message, options) => new S3PreconditionFailedError(message, options),
  [Code.OutOfRange]: (message, options) => new S3InvalidRangeError(message, options),
};
