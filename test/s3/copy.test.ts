// Copies: through the worker in one piece or in parts, and by R2's S3 API.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { PresignMethod } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { pattern, read, refused, sha256, startStores, text, write } from "./stores.ts";

const ACCESS_KEYS = { accessKeyId: "test-key-id", secretAccessKey: "test-secret-key" };
const stores = await startStores({ s3: ACCESS_KEYS });
after(() => stores.stop());
const s3 = stores.s3();
const ref = (key: string, bucket = "files") => ({ bucket, key });

const HEADERS = {
  contentType: "text/html",
  cacheControl: "max-age=1",
  contentDisposition: "inline",
  contentEncoding: "x-own",
  contentLanguage: "nb",
};

async function headersOf(key: string, bucket: string): Promise<Record<string, string | null>> {
  const { url } = await s3.presignObject({ ref: ref(key, bucket), method: PresignMethod.HEAD });
  const { headers } = await fetch(url, { method: "HEAD" });
  const names = ["content-type", "cache-control", "content-disposition", "content-encoding", "content-language"];
  return Object.fromEntries(names.map((name) => [name, headers.get(name)]));
}

test("a copy has the bytes, the headers and the metadata, and a description of its own", async () => {
  await write(s3, { ref: ref("source"), ...HEADERS, metadata: { a: "å" } }, "content");
  const { meta } = await s3.copyObject({ source: ref("source"), destination: ref("copy", "other") });
  assert.deepEqual(meta?.ref && [meta.ref.bucket, meta.ref.key], ["other", "copy"]);
  assert.deepEqual([meta?.size, meta?.contentType, meta?.metadata], [7n, "text/html", { a: "å" }]);
  assert.equal(await text(s3, { ref: ref("copy", "other") }), "content");
  assert.deepEqual(await headersOf("copy", "other"), await headersOf("source", "files"));
});

test("an empty object, an object onto itself, and one over another", async () => {
  await write(s3, { ref: ref("empty") });
  await s3.copyObject({ source: ref("empty"), destination: ref("empty-copy") });
  assert.equal(await text(s3, { ref: ref("empty-copy") }), "");
  await s3.copyObject({ source: ref("source"), destination: ref("source") });
  assert.equal(await text(s3, { ref: ref("source") }), "content");
  await s3.copyObject({ source: ref("source"), destination: ref("empty-copy") });
  assert.equal(await text(s3, { ref: ref("empty-copy") }), "content");
});

test("what cannot be copied says which part is wrong", async () => {
  assert.match(await refused(s3.copyObject({ source: ref("none"), destination: ref("x") }), Code.NotFound), /"none"/);
  assert.match(await refused(s3.copyObject({ destination: ref("x") }), Code.InvalidArgument), /source/);
  assert.match(await refused(s3.copyObject({ source: ref("source") }), Code.InvalidArgument), /destination/);
  const long = ref("x".repeat(1025));
  await refused(s3.copyObject({ source: ref("source"), destination: long }), Code.InvalidArgument);
});

test("an object over 32 MiB is copied in parts, again where a part fails, and leaves nothing when it cannot be", async () => {
  const content = pattern(32 * 1024 * 1024 + 77);
  await write(s3, { ref: ref("big", "faulty"), ...HEADERS, metadata: { k: "v" } }, content);
  await stores.control("faults", { uploadPart: [10001, "network"] });
  const { meta } = await s3.copyObject({ source: ref("big", "faulty"), destination: ref("big-copy", "faulty") });
  assert.match(meta?.etag ?? "", /-2"$/);
  assert.deepEqual([meta?.size, meta?.contentType, meta?.metadata], [BigInt(content.length), "text/html", { k: "v" }]);
  assert.equal(sha256((await read(s3, { ref: ref("big-copy", "faulty") })).bytes), sha256(content));
  assert.deepEqual(await headersOf("big-copy", "files"), await headersOf("big", "files"));

  await stores.control("faults", { uploadPart: Array(9).fill(10001) });
  await refused(s3.copyObject({ source: ref("big", "faulty"), destination: ref("lost", "faulty") }), Code.Unavailable);
  const { operations } = await stores.control<{ operations: string[] }>("report");
  assert.ok(operations.includes("abort") && !operations.includes("complete"));
  await refused(s3.headObject({ ref: ref("lost") }), Code.NotFound);
});

const S3_API = {
  buckets: {
    files: { binding: "FILES", name: "FILES" },
    other: { binding: "OTHER", name: "OTHER" },
    nameless: "FILES",
  },
  s3: { endpoint: "", accessKeyId: "S3_KEY_ID", secretAccessKey: "S3_SECRET" },
};

/** A session whose copies go through Miniflare's own S3 endpoint, which checks signatures as R2's does. */
async function sessionWithS3Api(secretAccessKey = "S3_SECRET") {
  const endpoint = new URL("/cdn-cgi/local/r2/s3", await stores.worker.miniflare.ready).href;
  return stores.s3("r2", { ...S3_API, s3: { ...S3_API.s3, endpoint, secretAccessKey } });
}

test("by the S3 API a copy keeps bytes, headers, metadata and etag, and its conditions", async () => {
  const client = await sessionWithS3Api();
  const key = "dir/a b+(ü)!.txt";
  const { etag } = await write(s3, { ref: ref(key), ...HEADERS, metadata: { a: "b" } }, "by api");
  const source = ref(key);
  const { meta } = await client.copyObject({ source, destination: ref(`${key}2`, "other"), ifMatch: etag });
  assert.deepEqual(meta?.ref && [meta.ref.bucket, meta.ref.key], ["other", `${key}2`]);
  assert.deepEqual([meta?.etag, meta?.contentType, meta?.metadata], [etag, "text/html", { a: "b" }]);
  assert.equal(await text(s3, { ref: ref(`${key}2`, "other") }), "by api");
  assert.deepEqual(await headersOf(`${key}2`, "other"), await headersOf(key, "files"));
  await refused(client.copyObject({ source, destination: ref("x"), ifMatch: '"x"' }), Code.FailedPrecondition);
  await refused(client.copyObject({ source, destination: ref("x"), ifNoneMatch: "*" }), Code.FailedPrecondition);
  await refused(client.copyObject({ source: ref("none"), destination: ref("x") }), Code.NotFound);
});

test("the S3 API is used where it can be: not for buckets without a name, nor keys that are no path", async () => {
  // With a wrong key every copy by the API fails, so a copy that succeeds did not use it.
  const client = await sessionWithS3Api("WRONG_SECRET");
  await write(s3, { ref: ref("a/../b") }, "dots");
  const error = await refused(client.copyObject({ source: ref("source"), destination: ref("x") }), Code.Internal);
  assert.match(error, /S3 API refused the copy: 403 SignatureDoesNotMatch/);
  await client.copyObject({ source: ref("source", "nameless"), destination: ref("x") });
  await client.copyObject({ source: ref("a/../b"), destination: ref("y") });
  assert.equal(await text(s3, { ref: ref("y") }), "dots");
});

test("a missing secret of the S3 API is found when the session is configured", async () => {
  const client = await sessionWithS3Api("NO_SUCH_SECRET");
  assert.match(
    await refused(client.listObjects({ bucket: "files" }), Code.InvalidArgument),
    /wrangler secret put NO_SUCH_SECRET/,
  );
});
