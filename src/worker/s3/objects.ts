// Objects as an author's code sees them: plain values and web streams, nothing of the protocol's messages.

/** Names an object. */
export interface S3Ref {
  /** As the caller says it; never empty. */
  readonly bucket: string;
  /** Valid Unicode, never empty. gestaltd puts `plugin_<length>_<name>/` before a plugin's own key. */
  readonly key: string;
  /** A particular version; absent means the current one. Must be honoured or refused, never ignored. */
  readonly versionId?: string | undefined;
}

/** What is known about an object. The answer's `ref` must carry the full key. */
export interface S3Meta {
  readonly ref: S3Ref;
  /** As conditions compare it. Quoted (`"…"`), because gestaltd sends it as an HTTP header just as it is. */
  readonly etag: string;
  /** Bytes of the whole object, also when a range is read. At most 2^53 - 1. */
  readonly size: number;
  readonly contentType?: string | undefined;
  readonly lastModified?: Date | undefined;
  /** The writer's own names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly storageClass?: string | undefined;
}

/** Bytes of an object, both ends inclusive; checked to be non-negative and in order. See {@link resolveRange}. */
export interface S3Range {
  /** First byte; absent means 0. */
  readonly start?: number | undefined;
  /** Last byte, itself included; absent means the last one of the object. Never a suffix length. */
  readonly end?: number | undefined;
}

/** Conditions on etags: one etag, several with commas between, or `*`; quoted or not. */
export interface S3EtagConditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** All that are given must hold. See {@link failedCondition}. */
export interface S3Conditions extends S3EtagConditions {
  readonly ifModifiedSince?: Date | undefined;
  readonly ifUnmodifiedSince?: Date | undefined;
}

export interface S3ReadInput extends S3Conditions {
  readonly ref: S3Ref;
  /** Absent reads the whole object. */
  readonly range?: S3Range | undefined;
}

export interface S3ReadResult {
  readonly meta: S3Meta;
  /** The bytes asked for; null for none. Cancelled, or returned from, when the caller goes away. */
  readonly body: S3Body | null;
}

/** Bytes of an object on their way out. A stream with BYOB readers, as R2's are, is read with the fewest copies. */
export type S3Body = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** What travels with an object's bytes when it is written. */
export interface S3ContentHeaders {
  readonly contentType?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly contentLanguage?: string | undefined;
}

/** An object about to be written, less its bytes. */
export interface S3WriteOpen extends S3ContentHeaders, S3EtagConditions {
  readonly ref: S3Ref;
  /** The writer's own names and values; replaces what the object had. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface S3WriteInput extends S3WriteOpen {
  /** Fails when the caller's stream breaks off: what was written until then must not become an object. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes of the body, when known beforehand. */
  readonly size?: number | undefined;
}

export interface S3ListInput {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty means none; otherwise any string, not just one character. */
  readonly delimiter: string;
  /** From the page before; empty on the first. */
  readonly continuationToken: string;
  /** Only keys after this one; always empty when there is a continuation token. */
  readonly startAfter: string;
  /** Most objects and common prefixes together, from 1; 1000 when the caller did not say. */
  readonly maxKeys: number;
}

export interface S3ListResult {
  /** In UTF-8 byte order. */
  readonly objects: readonly S3Meta[];
  /** In UTF-8 byte order, each once in all the pages together. */
  readonly commonPrefixes?: readonly string[] | undefined;
  /** Present when there is more. */
  readonly nextContinuationToken?: string | undefined;
}

/** The conditions apply to the source. */
export interface S3CopyInput extends S3EtagConditions {
  readonly source: S3Ref;
  readonly destination: S3Ref;
}

export type S3PresignMethod = "GET" | "PUT" | "DELETE" | "HEAD";

export interface S3PresignInput {
  readonly ref: S3Ref;
  readonly method: S3PresignMethod;
  /** Lifetime of the URL, 1 second to 24 hours; 15 minutes when the caller did not say. */
  readonly expiresSeconds: number;
  /** For PUT: the upload must name exactly this type. */
  readonly contentType?: string | undefined;
  /** For GET: sent with the object. */
  readonly contentDisposition?: string | undefined;
  /** Further headers that the request must carry with these values. */
  readonly headers: Readonly<Record<string, string>>;
  /** Scheme, host and port at which this worker was called, for URLs that lead back to it. */
  readonly origin: string;
  /** The provider's name in `serve({ … })`: the second segment of `/objects/<provider>/…`. */
  readonly provider: string;
}

export interface S3PresignResult {
  readonly url: string;
  readonly expiresAt: Date;
  /** What the user of the URL has to send. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface S3UploadPart {
  /** What `begin` returned. */
  readonly upload: string;
  /** From 1 to {@link MAX_UPLOAD_PARTS}. */
  readonly number: number;
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes of the body. */
  readonly size: number;
}

export interface S3UploadedPart {
  readonly number: number;
  readonly etag: string;
}
