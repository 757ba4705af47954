// The object store's handlers, each a few steps on R2.
import type {
  BackoffSources,
  ProviderRequest,
  S3CopyInput,
  S3Handlers,
  S3ListInput,
  S3ListResult,
  S3Meta,
  S3ReadInput,
  S3ReadResult,
  S3Ref,
  S3WriteInput,
} from "../../worker/index.ts";
import { type Bucket, bucketOf } from "./buckets.ts";
import { type R2StoreConfig, type StoreSettings, settingsOf } from "./config.ts";
import { copy } from "./copy.ts";
import { copyByS3Api, hasS3Api } from "./copy-by-s3-api.ts";
import { list } from "./list.ts";
import { metaOf } from "./meta.ts";
import { checkKey, checkVersion } from "./object-checks.ts";
import { bodyOf } from "./piecewise.ts";
import { presign } from "./presign.ts";
import { head, open } from "./read.ts";
import { abortUpload, beginUpload, completeUpload, uploadPart } from "./uploads.ts";
import { write } from "./write.ts";

export type R2StoreRequest = ProviderRequest<R2StoreConfig>;

/** A factory's defaults, as every call meets them. */
export interface Store {
  readonly defaults: R2StoreConfig;
  readonly sources: BackoffSources | undefined;
}

export function r2Handlers(store: Store): Required<S3Handlers<R2StoreConfig>> {
  const bucket = (name: string, request: R2StoreRequest) => openBucket(store, name, request);
  return {
    headObject: async ({ ref }, request) => metaOf(ref.bucket, await head(bucket(ref.bucket, request), ref)),
    readObject: (input, request) => readObject(bucket(input.ref.bucket, request), input),
    writeObject: (input, request) => writeObject(bucket(input.ref.bucket, request), input),
    deleteObject: ({ ref }, request) => deleteObject(bucket(ref.bucket, request), ref),
    listObjects: (input, request) => listObjects(bucket(input.bucket, request), input),
    copyObject: (input, request) => copyObject(store, input, request),
    presignObject: (input, request) =>
      presign(bucket(input.ref.bucket, request), settings(store, request), input, request),
    uploads: {
      begin: (input, request) => beginUpload(bucket(input.ref.bucket, request), input),
      part: (input, request) => uploadPart((name) => bucket(name, request), input),
      complete: (input, request) => completeUpload((name) => bucket(name, request), input),
      abort: (input, request) => abortUpload((name) => bucket(name, request), input),
    },
  };
}

export function settings(store: Store, request: R2StoreRequest): StoreSettings {
  return settingsOf(store.defaults, request.config);
}

function openBucket(store: Store, name: string, request: R2StoreRequest): Bucket {
  return bucketOf(settings(store, request), name, request.bindings, request, store.sources);
}

async function readObject(bucket: Bucket, input: S3ReadInput): Promise<S3ReadResult> {
  const object = await open(bucket, input);
  return { meta: metaOf(bucket.name, object), body: await bodyOf(bucket, object, input.range) };
}

async function writeObject(bucket: Bucket, input: S3WriteInput): Promise<S3Meta> {
  return metaOf(bucket.name, await write(bucket, input));
}

/** R2 cannot delete one version: it is compared first, and a write in between is deleted with it. */
async function deleteObject(bucket: Bucket, ref: S3Ref): Promise<void> {
  checkKey(ref.key);
  if (ref.versionId !== undefined) {
    const object = await bucket.run((r2) => r2.head(ref.key));
    if (object === null) return;
    checkVersion(ref, object);
  }
  await bucket.run((r2) => r2.delete(ref.key));
}

async function listObjects(bucket: Bucket, input: S3ListInput): Promise<S3ListResult> {
  return list(bucket, input);
}

async function copyObject(store: Store, input: S3CopyInput, request: R2StoreRequest): Promise<S3Meta> {
  const source = openBucket(store, input.source.bucket, request);
  const destination = openBucket(store, input.destination.bucket, request);
  const { s3 } = settings(store, request);
  const copied =
    s3 !== undefined && hasS3Api(source, destination, input)
      ? await copyByS3Api(source, destination, input, s3, request)
      : await copy(source, destination, input);
  return metaOf(destination.name, copied);
}
