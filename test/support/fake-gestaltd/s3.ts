// S3 in memory, as gestaltd offers it to plugins: a namespace per plugin, objects in chunks of 64 KiB (reference §4.2).
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
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

interface Stored {
  readonly meta: S3ObjectMeta;
  readonly body: Buffer;
}

export function createS3(): ServiceImpl<typeof S3> {
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
      const range = slice(body, request.range);
      yield { result: { case: "meta", value: meta } };
      for (let at = 0; at < range.length; at += CHUNK_BYTES) {
        yield { result: { case: "data", value: range.subarray(at, at + CHUNK_BYTES) } };
      }
    },
    async writeObject(requests, context) {
      const chunks: Uint8Array[] = [];
      let open: WriteObjectOpen | undefined;
      for await (const { msg } of requests) {
        if (msg.case === "open" && open === undefined) {
          open = msg.value;
          const earlier = objects.get(keyOf(context, msg.value.ref));
          check(earlier?.meta, msg.value.ifMatch, msg.value.ifNoneMatch);
        } else if (msg.case === "data" && open !== undefined) chunks.push(msg.value);
        else throw new ConnectError("write stream must start with open", Code.InvalidArgument);
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
    presignObject({ ref, method, expiresSeconds }) {
      const seconds = expiresSeconds > 0n ? expiresSeconds : DEFAULT_PRESIGN_SECONDS;
      return {
        url: `http://gestaltd.invalid/api/v1/s3/object-access/${encodeURIComponent(ref?.key ?? "")}`,
        method: method === PresignMethod.UNSPECIFIED ? PresignMethod.GET : method,
        expiresAt: timestampFromMs(Date.now() + Number(seconds) * 1000),
      };
    },
  };
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
    throw new ConnectError("s3: precondition failed", Code.FailedPrecondition);
  }
}

/** Inclusive on both ends, whatever the protocol's comment says. */
function slice(body: Buffer, range: ByteRange | undefined): Buffer {
  if (range === undefined) return body;
  const start = Number(range.start ?? 0n);
  const end = range.end === undefined ? body.length - 1 : Number(range.end);
  if (start < 0 || end < start || start >= body.length) throw new ConnectError("s3: invalid range", Code.OutOfRange);
  return body.subarray(start, end + 1);
}
