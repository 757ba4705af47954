// Starts the worker under test and gives clients for its object stores.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { UploadService } from "../../src/gen/gestalt/edge/v1/upload_pb.ts";
import {
  type ReadObjectRequestSchema,
  S3,
  type S3ObjectMeta,
  type WriteObjectOpenSchema,
  type WriteObjectRequestSchema,
} from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { PRESIGN_SECRET_BINDING } from "../../src/wire/bindings.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

export type S3Client = Client<typeof S3>;
export type UploadClient = Client<typeof UploadService>;

/** The providers of stores.worker.ts. */
export type StoreName = "r2" | "second" | "memory" | "odd";

export const PRESIGN_SECRET = "a secret of tests, long enough for HMAC-SHA256";

export interface Stores {
  readonly worker: TestWorker;
  /** A client in a session of its own with this config. */
  s3(store?: StoreName, config?: JsonObject): S3Client;
  /** Clients of one session, by its id. */
  session(sid: string, store?: StoreName): { s3: S3Client; uploads: UploadClient; token(): Promise<string> };
  /** Calls one of the worker's test controls. */
  control<Answer = unknown>(name: string, body?: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

export interface StoresOptions {
  /** The presign secret; null for none. */
  readonly secret?: string | null;
  /** Opens Miniflare's S3 endpoint for both buckets; the worker has these as S3_KEY_ID and S3_SECRET, and a wrong one. */
  readonly s3?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export async function startStores({ secret = PRESIGN_SECRET, s3 }: StoresOptions = {}): Promise<Stores> {
  const worker = await startWorker({
    entry: new URL("./stores.worker.ts", import.meta.url),
    r2Buckets:
      s3 === undefined
        ? ["FILES", "OTHER"]
        : { FILES: { id: "FILES", s3Credentials: s3 }, OTHER: { id: "OTHER", s3Credentials: s3 } },
    vars: {
      [PRESIGN_SECRET_BINDING]: secret ?? undefined,
      S3_KEY_ID: s3?.accessKeyId,
      S3_SECRET: s3?.secretAccessKey,
      WRONG_SECRET: "wrong",
    },
  });
  let sessions = 0;
  return {
    worker,
    s3: (provider = "r2", config = {}) => worker.client(S3, { provider, config, sid: `session-${sessions++}` }),
    session: (sid, provider = "r2") => ({
      s3: worker.client(S3, { provider, sid }),
      uploads: worker.client(UploadService, { provider, sid }),
      token: () => worker.token({ provider, sid }),
    }),
    control: async <Answer>(name: string, body: unknown = null): Promise<Answer> => {
      const response = await worker.fetch(`/test/${name}`, { method: "POST", body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`/test/${name}: ${await response.text()}`);
      return (await response.json()) as Answer;
    },
    stop: () => worker.dispose(),
  };
}

type Open = MessageInitShape<typeof WriteObjectOpenSchema>;

/** gestaltd's own size of data messages. */
const DATA_BYTES = 64 * 1024;

export function* writeMessages(
  open: Open,
  bytes: Uint8Array,
): Generator<MessageInitShape<typeof WriteObjectRequestSchema>> {
  yield { msg: { case: "open", value: open } };
  for (let at = 0; at < bytes.length; at += DATA_BYTES) {
    yield { msg: { case: "data", value: bytes.subarray(at, at + DATA_BYTES) } };
  }
}

/** Writes one object; answers its meta. */
export async function write(s3: S3Client, open: Open, content: string | Uint8Array = ""): Promise<S3ObjectMeta> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const { meta } = await s3.writeObject(iterate(writeMessages(open, bytes)));
  assert.ok(meta);
  return meta;
}

export interface Read {
  readonly meta: S3ObjectMeta;
  readonly bytes: Buffer;
  /** Sizes of the data frames. */
  readonly frames: readonly number[];
}

/** Reads to the end and checks the order of frames. */
export async function read(s3: S3Client, request: MessageInitShape<typeof ReadObjectRequestSchema>): Promise<Read> {
  let meta: S3ObjectMeta | undefined;
  const chunks: Uint8Array[] = [];
  for await (const { result } of s3.readObject(request)) {
    if (result.case === "meta") {
      assert.equal(meta, undefined, "more than one meta");
      meta = result.value;
    } else {
      assert.ok(meta, "data before meta");
      assert.equal(result.case, "data");
      if (result.case === "data") chunks.push(result.value);
    }
  }
  assert.ok(meta, "no meta");
  return { meta, bytes: Buffer.concat(chunks), frames: chunks.map(({ length }) => length) };
}

export async function text(s3: S3Client, request: MessageInitShape<typeof ReadObjectRequestSchema>): Promise<string> {
  return (await read(s3, request)).bytes.toString();
}

/** Fails unless the call fails with this code; answers its text. */
export async function refused(call: Promise<unknown> | (() => Promise<unknown>), code: Code): Promise<string> {
  const error = await (typeof call === "function" ? call() : call).then(
    (value) => assert.fail(`succeeded with ${JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`),
    (failure: unknown) => ConnectError.from(failure),
  );
  assert.equal(Code[error.code], Code[code], error.message);
  return error.rawMessage;
}

/** Bytes that differ everywhere and compare fast, the same in every run. */
export function pattern(length: number, seed = 1): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
