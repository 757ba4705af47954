// What the author of an object store writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { Provider, ProviderOptions, PublicContext } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import type {
  S3CopyInput,
  S3ListInput,
  S3ListResult,
  S3Meta,
  S3PresignInput,
  S3PresignResult,
  S3ReadInput,
  S3ReadResult,
  S3Ref,
  S3UploadedPart,
  S3UploadPart,
  S3WriteInput,
  S3WriteOpen,
} from "./objects.ts";
import { readRoutes } from "./raw-read.ts";
import { s3Surface } from "./surface.ts";
import { uploadRoutes, uploadSurface } from "./uploads.ts";

/**
 * The handlers of an object store. Buckets and keys are there and ranges are in order before a handler runs. To be thrown:
 * `S3NotFoundError`, `S3PreconditionFailedError`, `S3InvalidRangeError`. A `ConnectError` goes out as it is, anything else
 * as INTERNAL.
 */
export interface S3Handlers<Config = unknown> {
  headObject(input: { readonly ref: S3Ref }, request: ProviderRequest<Config>): Promise<S3Meta> | S3Meta;
  /** `meta.size` is the size of the whole object, also when a range is read. */
  readObject(input: S3ReadInput, request: ProviderRequest<Config>): Promise<S3ReadResult> | S3ReadResult;
  /** The object appears whole when the body has ended, or not at all. Bytes left unread are dropped. */
  writeObject(input: S3WriteInput, request: ProviderRequest<Config>): Promise<S3Meta> | S3Meta;
  /** Deleting what is not there is success. */
  deleteObject(input: { readonly ref: S3Ref }, request: ProviderRequest<Config>): Promise<void> | void;
  listObjects(input: S3ListInput, request: ProviderRequest<Config>): Promise<S3ListResult> | S3ListResult;
  /**
   * Answers what is known of the destination. When left out, the source is read and written again, which keeps the
   * content type and the metadata, but none of the other headers: reading does not tell them.
   */
  copyObject?(input: S3CopyInput, request: ProviderRequest<Config>): Promise<S3Meta> | S3Meta;
  /** UNIMPLEMENTED when left out. gestaltd makes such URLs itself and does not ask for them. */
  presignObject?(input: S3PresignInput, request: ProviderRequest<Config>): Promise<S3PresignResult> | S3PresignResult;
  /** Writes larger than one request of 8 MiB, in parts. When left out, those are UNIMPLEMENTED. */
  readonly uploads?: S3UploadHandlers<Config>;
}

/**
 * An upload in parts. The string that `begin` returns comes back with each call of the same upload, from the session that
 * began it and from no other; callers cannot read meaning into it, but it is not secret to the bridge.
 */
export interface S3UploadHandlers<Config = unknown> {
  begin(input: S3WriteOpen, request: ProviderRequest<Config>): Promise<string> | string;
  /** Parts come in parallel and in any order. The same number again replaces the part. */
  part(
    input: S3UploadPart,
    request: ProviderRequest<Config>,
  ): Promise<{ readonly etag: string }> | { readonly etag: string };
  /** `parts` are numbered from 1 without a gap. */
  complete(
    input: { readonly upload: string; readonly parts: readonly S3UploadedPart[] },
    request: ProviderRequest<Config>,
  ): Promise<S3Meta> | S3Meta;
  /** Leaves neither object nor parts. An upload that has ended is success. */
  abort(input: { readonly upload: string }, request: ProviderRequest<Config>): Promise<void> | void;
}

export interface S3ProviderOptions<Config = unknown> extends ProviderOptions<Config>, S3Handlers<Config> {
  /**
   * Serves `/objects/<provider>/…` to whoever comes, for the URLs that `presignObject` makes. No session, no token: it must
   * check a signature of its own before it looks at anything.
   */
  readonly publicObjects?: (request: Request, context: PublicContext) => Promise<Response>;
}

/** Makes an object store for `serve({ … })`. */
export function defineS3Provider<Config = Record<string, unknown>>(options: S3ProviderOptions<Config>): Provider {
  const { uploads } = options;
  return {
    kind: "s3",
    ...providerBase(options),
    surfaces: [s3Surface(options), uploadSurface(uploads)],
    routes: { ...readRoutes(options), ...(uploads && uploadRoutes(uploads)) },
    publicObjects: options.publicObjects,
  };
}
