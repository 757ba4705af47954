// What is written can be described, read, and deleted: the object store on R2, through the protocol.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { iterate, pattern, read, refused, sha256, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const s3 = stores.s3();
const ref = (key: string, bucket = "files") => ({ bucket, key });

test("every answer about an object carries its whole reference, etag, size, date, type and metadata", async () => {
  const before = Date.now();
  const open = {
    ref: ref("plugin_3_abc/dir/a b+é😀.txt"),
    contentType: "text/plain",
    metadata: { Color: "blå", n: "" },
  };
  const written = await write(s3, open, "hello");
  const { meta: described } = await s3.headObject({ ref: open.ref });
  const { meta: beforeBytes } = await read(s3, { ref: open.ref });
  const [listed] = (await s3.listObjects({ bucket: "files", prefix: "plugin_3_abc/" })).objects;
  for (const meta of [written, described, beforeBytes, listed]) {
    assert.ok(meta?.ref && meta.lastModified);
    assert.deepEqual(
      { bucket: meta.ref.bucket, key: meta.ref.key, version: meta.ref.versionId },
      { ...open.ref, version: "" },
    );
    assert.match(meta.etag, /^"[0-9a-f]{32}"$/);
    assert.equal(meta.size, 5n);
    assert.equal(meta.contentType, "text/plain");
    assert.deepEqual(meta.metadata, open.metadata);
    const age = timestampDate(meta.lastModified).getTime() - before;
    assert.ok(age > -2000 && age < 60_000, `${age} ms`);
  }
});

test("a write replaces bytes, type and metadata", async () => {
  await write(s3, { ref: ref("replaced"), contentType: "text/plain", metadata: { a: "1" } }, "first");
  await write(s3, { ref: ref("replaced") }, "second");
  const { meta, bytes } = await read(s3, { ref: ref("replaced") });
  assert.equal(bytes.toString(), "second");
  assert.deepEqual([meta.contentType, meta.metadata], ["", {}]);
});

test("an empty object is its metadata alone", async () => {
  await write(s3, { ref: ref("empty") });
  const { meta, frames } = await read(s3, { ref: ref("empty") });
  assert.deepEqual([meta.size, frames], [0n, []]);
  assert.deepEqual((await read(s3, { ref: ref("empty"), range: {} })).frames, []);
});

test("data comes in frames of 256 KiB, the last one shorter", async () => {
  const content = pattern(3 * 256 * 1024 + 17);
  await write(s3, { ref: ref("frames") }, content);
  const { bytes, frames } = await read(s3, { ref: ref("frames") });
  assert.deepEqual(frames, [262_144, 262_144, 262_144, 17]);
  assert.equal(sha256(bytes), sha256(content));
});

test("a write through one request may be larger than a part, and is made of parts then", async () => {
  const content = pattern(2 * 8 * 1024 * 1024 + 4711);
  const meta = await write(s3, { ref: ref("large"), contentType: "x/y", metadata: { k: "v" } }, content);
  assert.match(meta.etag, /-3"$/);
  assert.deepEqual([meta.size, meta.contentType, meta.metadata], [BigInt(content.length), "x/y", { k: "v" }]);
  const { bytes } = await read(s3, { ref: ref("large") });
  assert.equal(sha256(bytes), sha256(content));
  const whole = pattern(2 * 8 * 1024 * 1024);
  assert.match((await write(s3, { ref: ref("whole") }, whole)).etag, /-2"$/);
  assert.equal(sha256((await read(s3, { ref: ref("whole") })).bytes), sha256(whole));
});

test("what is missing is NOT_FOUND, and deleting it is success", async () => {
  assert.match(await refused(s3.headObject({ ref: ref("none") }), Code.NotFound), /"none" in bucket "files"/);
  await refused(read(s3, { ref: ref("none") }), Code.NotFound);
  await refused(read(s3, { ref: ref("none"), range: { start: 3n } }), Code.NotFound);
  await s3.deleteObject({ ref: ref("none") });
  await write(s3, { ref: ref("gone") }, "x");
  await s3.deleteObject({ ref: ref("gone") });
  await refused(s3.headObject({ ref: ref("gone") }), Code.NotFound);
});

test("buckets are apart, and an unknown one is NOT_FOUND by the caller's name for it", async () => {
  await write(s3, { ref: ref("same") }, "files");
  await write(s3, { ref: ref("same", "other") }, "other");
  assert.equal(await text(s3, { ref: ref("same") }), "files");
  assert.equal(await text(s3, { ref: ref("same", "other") }), "other");
  for (const bucket of ["nowhere", "FILES", "constructor", "__proto__"]) {
    const calls = [
      () => s3.headObject({ ref: ref("same", bucket) }),
      () => read(s3, { ref: ref("same", bucket) }),
      () => write(s3, { ref: ref("same", bucket) }, "x"),
      () => s3.deleteObject({ ref: ref("same", bucket) }),
      () => s3.listObjects({ bucket }),
      () => s3.copyObject({ source: ref("same"), destination: ref("same", bucket) }),
      () => s3.presignObject({ ref: ref("same", bucket), method: 1 }),
    ];
    for (const call of calls) assert.equal(await refused(call, Code.NotFound), `There is no bucket "${bucket}".`);
  }
});

test("keys: up to 1,024 bytes of UTF-8, any characters, never empty", async () => {
  const keys = ["é".repeat(512), "a/../b", "..", "//", "/", " ", "a\nb", "%2F", "?#&", "\u{10FFFF}", "e\u0301", "é"];
  for (const key of keys) await write(s3, { ref: ref(key) }, key);
  for (const key of keys) assert.equal(await text(s3, { ref: ref(key) }), key);
  for (const key of ["x".repeat(1025), `${"é".repeat(512)}x`]) {
    const calls = [
      () => s3.headObject({ ref: ref(key) }),
      () => read(s3, { ref: ref(key) }),
      () => write(s3, { ref: ref(key) }),
      () => s3.deleteObject({ ref: ref(key) }),
    ];
    for (const call of calls)
      assert.match(await refused(call, Code.InvalidArgument), /1025 bytes; R2 takes at most 1024/);
  }
  for (const bad of [undefined, ref(""), ref("a", "")]) {
    const wrong = bad === undefined ? {} : { ref: bad };
    const calls = [
      () => s3.headObject(wrong),
      () => read(s3, wrong),
      () => write(s3, wrong, "x"),
      () => s3.deleteObject(wrong),
    ];
    for (const call of calls) await refused(call, Code.InvalidArgument);
  }
});

test("a version_id is honoured or refused, never ignored", async () => {
  await write(s3, { ref: ref("versioned") }, "v");
  const current = (await (await stores.worker.miniflare.getR2Bucket("FILES")).head("versioned"))?.version;
  assert.ok(current);
  const now = { ...ref("versioned"), versionId: current };
  const old = { ...ref("versioned"), versionId: "old" };
  assert.equal((await s3.headObject({ ref: now })).meta?.size, 1n);
  assert.equal(await text(s3, { ref: now }), "v");
  await s3.copyObject({ source: now, destination: ref("copied") });
  const refusals = [
    () => s3.headObject({ ref: old }),
    () => read(s3, { ref: old }),
    () => s3.deleteObject({ ref: old }),
    () => s3.copyObject({ source: old, destination: ref("copied") }),
    () => s3.copyObject({ source: ref("versioned"), destination: now }),
    () => write(s3, { ref: now }, "x"),
    () => s3.presignObject({ ref: now, method: 1 }),
  ];
  for (const call of refusals) assert.match(await refused(call, Code.InvalidArgument), /version/);
  await s3.deleteObject({ ref: now });
  await refused(s3.headObject({ ref: ref("versioned") }), Code.NotFound);
  await s3.deleteObject({ ref: old });
});

test("metadata over R2's limit is refused with the numbers, small or large object alike", async () => {
  const metadata = { k: "v".repeat(8192) };
  assert.match(
    await refused(write(s3, { ref: ref("fat"), metadata }, "x"), Code.InvalidArgument),
    /metadata have 8193 bytes; R2 takes at most 8192/,
  );
  // Miniflare's own limit is lower; what R2 itself refuses reads the same way.
  await refused(write(s3, { ref: ref("fat"), metadata: { k: "v".repeat(4000) } }, "x"), Code.InvalidArgument);
  await refused(s3.headObject({ ref: ref("fat") }), Code.NotFound);
});

test("a write stream out of order is refused, and leaves no object", async () => {
  const open = { msg: { case: "open", value: { ref: ref("disorder") } } } as const;
  const data = { msg: { case: "data", value: Buffer.from("x") } } as const;
  const streams = [[], [data], [data, open], [open, open], [open, data, open, data], [{}], [open, {}]];
  for (const messages of streams) await refused(s3.writeObject(iterate(messages)), Code.InvalidArgument);
  await refused(s3.headObject({ ref: ref("disorder") }), Code.NotFound);
});

test("a write that breaks off leaves no object and no open upload", async () => {
  await stores.control("faults", {});
  for (const before of [1, 3 * 8 * 16]) {
    const aborter = new AbortController();
    const messages = async function* () {
      yield { msg: { case: "open", value: { ref: ref("broken", "faulty") } } } as const;
      for (let sent = 0; sent < before; sent++) yield { msg: { case: "data", value: pattern(65_536) } } as const;
      aborter.abort();
      await new Promise(() => {});
    };
    await refused(s3.writeObject(messages(), { signal: aborter.signal }), Code.Canceled);
  }
  // The second one had begun an upload; the worker aborts it when it learns that the caller has gone.
  for (;;) {
    const { operations } = await stores.control<{ operations: string[] }>("report");
    if (
      operations.filter((name) => name === "abort").length ===
      operations.filter((name) => name === "createMultipartUpload").length
    )
      break;
  }
  await refused(s3.headObject({ ref: ref("broken", "faulty") }), Code.NotFound);
});

test("a large object that is overwritten while it is read ends in an error, never in a mixture", async () => {
  const old = pattern(40 * 1024 * 1024, 1);
  await write(s3, { ref: ref("overwritten") }, old);
  let at = 0;
  const stream = async () => {
    for await (const { result } of s3.readObject({ ref: ref("overwritten") })) {
      if (result.case !== "data") continue;
      if (at === 0) await write(s3, { ref: ref("overwritten") }, "new");
      assert.equal(Buffer.compare(result.value, old.subarray(at, at + result.value.length)), 0);
      at += result.value.length;
    }
  };
  assert.match(await refused(stream, Code.Aborted), /while it was read/);
  assert.ok(at > 0 && at < old.length);
});
