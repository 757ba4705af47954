// S3 in memory, as gestaltd offers it to plugins: a namespace per plugin, objects in chunks of 64 KiB (reference §4.2).
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type ByteRange,
  PresignMethod,
  type S3,
  type S3ObjectMeta,
  S3ObjectMetaSchema,
  type S3ObjectRef,
  S3ObjectRefSchema,
  type WriteObjectOpen,
} from "../../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { callerOf } from "./caller.ts";

const CHUNK_BYTES = 64 * 1024;
const DEFAULT_MAX_KEYS = 1000;
const DEFAULT_PRESIGN_SECONDS = 900n;

/** What tests want to know of the calls. */
export interface S3Watch {
  /** Reads whose stream is open. */
  reading: number;
  /** Data frames that reads have handed out. */
  framesRead: number;
  /** Sizes of the data messages of writes. */
  readonly written: number[];
  /** The first messages of writes. */
  readonly opened: WriteObjectOpen[];
  /** Writes whose stream is open. */
  writing: number;
  /** While it is there, writes wait for it before they read on. */
  gate: Promise<void> | undefined;
  /** gestaltd has no address it can be reached at from outside. */
  withoutBaseUrl: boolean;
}

interface Stored {
  readonly meta: S3ObjectMeta;
  readonly body: Buffer;
}

export function createS3(watch: S3Watch = createS3Watch()): ServiceImpl<typeof S3> {
  const objects = new Map<string, Stored>();
  const find = (context: HandlerContext, ref: S3ObjectRef | undefined) => {
    const stored = objects.get(keyOf(context, ref));
    if (stored === undefined) throw new ConnectError("s3: object not found", Code.NotFound);
    return stored;
  };
  const store = (context: HandlerContext, given: S3ObjectRef | undefined, body: Buffer, type: string, more = {}) => {
    const ref = create(S3ObjectRefSchema, { bucket: given?.bucket ?? "", key: given?.key ?? "" });
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    const fields = { ref, etag, size: BigInt(body.length), contentType: type, metadata: more };
    const meta = create(S3ObjectMetaSchema, { ...fields, lastModified: timestampFromMs(Date.now()) });
    objects.set(keyOf(context, ref), { meta, body });
    return { meta };
  };
  return {
    headObject: ({ ref }, context) => ({ meta: find(context, ref).meta }),
    async *readObject(request, context) {
      const { meta, body } = find(context, request.ref);
      check(meta, request.ifMatch, request.ifNoneMatch);
      checkTimes(meta, request.ifModifiedSince, request.ifUnmodifiedSince);
      const range = slice(body, request.range);
      watch.reading++;
      try {
        yield { result: { case: "meta", value: meta } };
        for (let at = 0; at < range.length; at += CHUNK_BYTES) {
          watch.framesRead++;
          yield { result: { case: "data", value: range.subarray(at, at + CHUNK_BYTES) } };
        }
      } finally {
        watch.reading--;
      }
    },
    async writeObject(requests, context) {
      const chunks: Uint8Array[] = [];
      let open: WriteObjectOpen | undefined;
      watch.writing++;
      try {
        for await (const { msg } of requests) {
          await watch.gate;
          if (msg.case === "open" && open === undefined) {
            open = msg.value;
            watch.opened.push(open);
            const earlier = objects.get(keyOf(context, msg.value.ref));
            check(earlier?.meta, msg.value.ifMatch, msg.value.ifNoneMatch);
          } else if (msg.case === "data" && open !== undefined) {
            watch.written.push(msg.value.byteLength);
            chunks.push(msg.value);
          } else throw new ConnectError("write stream must start with open", Code.InvalidArgument);
        }
      } finally {
        watch.writing--;
      }
      if (open === undefined) throw new ConnectError("write stream must start with open", Code.InvalidArgument);
      return store(context, open.ref, Buffer.concat(chunks), open.contentType, open.metadata);
    },
    deleteObject({ ref }, context) {
      objects.delete(keyOf(context, ref));
      return {};
    },
    listObjects(request, context) {
      return list(keyOf(context, undefined, request.bucket), objects, request);
    },
    copyObject(request, context) {
      const { meta, body } = find(context, request.source);
      check(meta, request.ifMatch, request.ifNoneMatch);
      return store(context, request.destination, body, meta.contentType, meta.metadata);
    },
    presignObject({ ref, method, expiresSeconds, contentType, headers }) {
      if (watch.withoutBaseUrl) throw new ConnectError("object access needs a base URL", Code.FailedPrecondition);
      const seconds = expiresSeconds > 0n ? expiresSeconds : DEFAULT_PRESIGN_SECONDS;
      return {
        url: `http://gestaltd.invalid/api/v1/s3/object-access/${encodeURIComponent(ref?.key ?? "")}`,
        method: method === PresignMethod.UNSPECIFIED ? PresignMethod.GET : method,
        expiresAt: timestampFromMs(Date.now() + Number(seconds) * 1000),
        headers: { ...headers, ...(contentType === "" ? {} : { "content-type": contentType }) },
      };
    },
  };
}

export function createS3Watch(): S3Watch {
  return { reading: 0, framesRead: 0, written: [], opened: [], writing: 0, gate: undefined, withoutBaseUrl: false };
}

interface ListRequest {
  readonly prefix: string;
  readonly delimiter: string;
  readonly continuationToken: string;
  readonly startAfter: string;
  readonly maxKeys: number;
}

function list(scope: string, objects: ReadonlyMap<string, Stored>, request: ListRequest) {
  const { prefix, delimiter, maxKeys } = request;
  const after = request.continuationToken === "" ? request.startAfter : decodeToken(request.continuationToken);
  const limit = maxKeys > 0 ? maxKeys : DEFAULT_MAX_KEYS;
  const found: S3ObjectMeta[] = [];
  const commonPrefixes = new Set<string>();
  let last = "";
  const inScope = [...objects].filter(([key]) => key.startsWith(scope)).map(([, { meta }]) => meta);
  for (const meta of inScope.sort((one, other) => Buffer.compare(bytesOf(one), bytesOf(other)))) {
    const key = meta.ref?.key ?? "";
    if (!key.startsWith(prefix) || key <= after || (after !== "" && commonOf(key, prefix, delimiter) === after))
      continue;
    const common = commonOf(key, prefix, delimiter);
    if (common !== undefined && commonPrefixes.has(common)) continue;
    if (found.length + commonPrefixes.size === limit) {
      return { objects: found, commonPrefixes: [...commonPrefixes], hasMore: true, nextContinuationToken: token(last) };
    }
    if (common === undefined) found.push(meta);
    else commonPrefixes.add(common);
    last = common ?? key;
  }
  return { objects: found, commonPrefixes: [...commonPrefixes] };
}

function commonOf(key: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function token(last: string): string {
  return `gestalt_s3_ct_${Buffer.from(last).toString("base64url")}`;
}

function decodeToken(text: string): string {
  return Buffer.from(text.replace(/^gestalt_s3_ct_/, ""), "base64url").toString();
}

function bytesOf(meta: S3ObjectMeta): Buffer {
  return Buffer.from(meta.ref?.key ?? "");
}

function keyOf(context: HandlerContext, ref: S3ObjectRef | undefined, bucket = ref?.bucket ?? ""): string {
  const { plugin, variable } = callerOf(context);
  return [variable, bucket, `plugin_${plugin.length}_${plugin}/${ref?.key ?? ""}`].join("\n");
}

/** Of a condition that fails the code is what counts. */
function check(meta: S3ObjectMeta | undefined, ifMatch: string, ifNoneMatch: string): void {
  const matches = (etag: string) => meta !== undefined && (etag === "*" || etag === meta.etag);
  if ((ifMatch !== "" && !matches(ifMatch)) || (ifNoneMatch !== "" && matches(ifNoneMatch))) {
    throw preconditionFailed();
  }
}

function preconditionFailed(): ConnectError {
  return new ConnectError("s3: precondition failed", Code.FailedPrecondition);
}

/** To the second, as HTTP dates are. */
function checkTimes(meta: S3ObjectMeta, modifiedSince: Timestamp | undefined, unmodified: Timestamp | undefined): void {
  const changed = meta.lastModified?.seconds ?? 0n;
  if (modifiedSince !== undefined && changed <= modifiedSince.seconds) throw preconditionFailed();
  if (unmodified !== undefined && changed > unmodified.seconds) throw preconditionFailed();
}

/** Inclusive on both ends, whatever the protocol's comment says. */
function slice(body: Buffer, range: ByteRange | undefined): Buffer {
  if (range === undefined) return body;
  const start = Number(range.start ?? 0n);
  const end = range.end === undefined ? body.length - 1 : Number(range.end);
  if (start < 0 || end < start || start >= body.length) throw new ConnectError("s3: invalid range", Code.OutOfRange);
  return body.subarray(start, end + 1);
}
