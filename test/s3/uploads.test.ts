// Writes in parts, as the bridge does them: begin, parts, complete or abort.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { UploadService } from "../../src/gen/gestalt/edge/v1/upload_pb.ts";
import { PresignMethod } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import {
  UPLOAD_HEADER,
  UPLOAD_PART_ETAG_HEADER,
  UPLOAD_PART_NUMBER_HEADER,
  UPLOAD_PART_PATH,
} from "../../src/wire/routes.ts";
import { pattern, read, refused, sha256, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const { s3, uploads, token } = stores.session("mine");
const ref = (key: string, bucket = "files") => ({ bucket, key });

const MIB = 1024 * 1024;

async function begin(open: { ref: { bucket: string; key: string } } & Record<string, unknown>): Promise<string> {
  return (await uploads.begin({ msg: { case: "open", value: open } })).upload;
}

type PartAnswer =
  | { readonly number: number; readonly etag: string }
  | { readonly status: number; readonly code: string; readonly message: string };

/** Sends a part; answers its etag, or the Connect error it met. */
async function part(
  upload: string,
  number: number | string,
  body: string | Buffer<ArrayBuffer> | ReadableStream,
  headers: Record<string, string> = {},
): Promise<PartAnswer> {
  const response = await stores.worker.fetch(UPLOAD_PART_PATH, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await token()}`,
      [UPLOAD_HEADER]: upload,
      [UPLOAD_PART_NUMBER_HEADER]: String(number),
      ...headers,
    },
    body,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });
  if (response.ok) return { number: Number(number), etag: response.headers.get(UPLOAD_PART_ETAG_HEADER) ?? "" };
  return { status: response.status, ...((await response.json()) as { code: string; message: string }) };
}

async function stored(
  upload: string,
  number: number,
  body: Buffer<ArrayBuffer>,
): Promise<{ number: number; etag: string }> {
  const answer = await part(upload, number, body);
  assert.ok("etag" in answer && answer.etag !== "", JSON.stringify(answer));
  return answer;
}

async function refusedPart(answer: ReturnType<typeof part>, code: string): Promise<void> {
  const result = await answer;
  assert.equal("code" in result ? result.code : "accepted", code, JSON.stringify(result));
}

test("20 MiB in three parts, sent in parallel and out of order, keep bytes, headers and metadata", async () => {
  const content = pattern(20 * MIB + 5);
  const upload = await begin({
    ref: ref("large"),
    contentType: "text/css",
    cacheControl: "max-age=60",
    contentDisposition: 'attachment; filename="a.css"',
    contentEncoding: "x-own",
    contentLanguage: "nb",
    metadata: { a: "å" },
  });
  const parts = await Promise.all(
    [3, 1, 2].map((number) => stored(upload, number, content.subarray((number - 1) * 8 * MIB, number * 8 * MIB))),
  );
  await refused(s3.headObject({ ref: ref("large") }), Code.NotFound);
  const { meta } = await uploads.complete({ upload, parts: parts.toSorted((a, b) => a.number - b.number) });
  assert.deepEqual(meta?.ref && [meta.ref.bucket, meta.ref.key], ["files", "large"]);
  assert.deepEqual([meta?.size, meta?.contentType, meta?.metadata], [BigInt(content.length), "text/css", { a: "å" }]);
  const { meta: same, bytes } = await read(s3, { ref: ref("large") });
  assert.equal(sha256(bytes), sha256(content));
  assert.equal(same.etag, meta?.etag);
  assert.equal(
    (
      await read(s3, { ref: ref("large"), range: { start: BigInt(8 * MIB - 3), end: BigInt(8 * MIB + 2) } })
    ).bytes.compare(content.subarray(8 * MIB - 3, 8 * MIB + 3)),
    0,
  );
  const { url } = await s3.presignObject({ ref: ref("large"), method: PresignMethod.HEAD });
  const { headers } = await fetch(url, { method: "HEAD" });
  assert.deepEqual(
    ["cache-control", "content-disposition", "content-encoding", "content-language"].map((name) => headers.get(name)),
    ["max-age=60", 'attachment; filename="a.css"', "x-own", "nb"],
  );
});

test("a part sent again replaces the one before", async () => {
  const upload = await begin({ ref: ref("again") });
  await stored(upload, 1, Buffer.from("first"));
  const second = await stored(upload, 1, Buffer.from("second"));
  await uploads.complete({ upload, parts: [second] });
  assert.equal(await text(s3, { ref: ref("again") }), "second");
});

test("an aborted upload leaves no object, and aborting again is success", async () => {
  const upload = await begin({ ref: ref("aborted") });
  const one = await stored(upload, 1, Buffer.from("x"));
  await uploads.abort({ upload });
  await uploads.abort({ upload });
  await refused(uploads.complete({ upload, parts: [one] }), Code.NotFound);
  await refusedPart(part(upload, 2, "x"), "not_found");
  await refused(s3.headObject({ ref: ref("aborted") }), Code.NotFound);
});

test("completing twice is NOT_FOUND, aborting after it is success and keeps the object", async () => {
  const upload = await begin({ ref: ref("completed") });
  const one = await stored(upload, 1, Buffer.from("x"));
  await uploads.complete({ upload, parts: [one] });
  await refused(uploads.complete({ upload, parts: [one] }), Code.NotFound);
  await uploads.abort({ upload });
  assert.equal(await text(s3, { ref: ref("completed") }), "x");
});

test("wrong parts are INVALID_ARGUMENT with the reason, and the upload can still be aborted", async () => {
  const upload = await begin({ ref: ref("wrong") });
  const [one, two, three] = await Promise.all([
    stored(upload, 1, pattern(6 * MIB)),
    stored(upload, 2, pattern(5 * MIB)),
    stored(upload, 3, pattern(1000)),
  ]);
  const etag = one.etag;
  const wrong: readonly [{ number: number; etag: string }[], RegExp][] = [
    [[], /no parts/],
    [[two], /Part 1 is missing/],
    [[two, one], /out of order/],
    [[one, one], /repeated/],
    [[one, { number: 2, etag: "" }], /no etag/],
    [[one, { number: 2, etag }], /etag is another/],
    [[one, two, { number: 3, etag: "none" }], /missing/],
    [[one, two, three], /one size/],
    [[one, { ...three, number: 2 }, two], /out of order|etag is another|missing/],
  ];
  for (const [parts, reason] of wrong) {
    assert.match(await refused(uploads.complete({ upload, parts }), Code.InvalidArgument), reason);
  }
  await uploads.abort({ upload });
  const small = await begin({ ref: ref("wrong") });
  const parts = [await stored(small, 1, pattern(1000)), await stored(small, 2, pattern(1000))];
  assert.match(await refused(uploads.complete({ upload: small, parts }), Code.InvalidArgument), /5 MiB/);
  await uploads.abort({ upload: small });
  await refused(s3.headObject({ ref: ref("wrong") }), Code.NotFound);
});

test("a part needs a number, a size and a session", async () => {
  const upload = await begin({ ref: ref("bad parts") });
  for (const number of [0, -1, 10_001, 1.5, "", "x", "1e2"])
    await refusedPart(part(upload, number, "x"), "invalid_argument");
  await refusedPart(part(upload, 1, ""), "invalid_argument");
  await refusedPart(part(upload, 1, new Blob(["x"]).stream()), "invalid_argument");
  await refusedPart(part("", 1, "x"), "invalid_argument");
  await refusedPart(part(`${upload}x`, 1, "x"), "invalid_argument");
  const stranger = await stores.worker.fetch(UPLOAD_PART_PATH, { method: "POST", body: "x" });
  assert.equal(stranger.status, 401);
  await uploads.abort({ upload });
});

test("the handle is of use to its own session alone", async () => {
  const upload = await begin({ ref: ref("mine alone") });
  const one = await stored(upload, 1, Buffer.from("x"));
  for (const other of [stores.session("other"), stores.session("mine", "second")]) {
    await refused(other.uploads.complete({ upload, parts: [one] }), Code.InvalidArgument);
    await refused(other.uploads.abort({ upload }), Code.InvalidArgument);
    await refusedPart(part(upload, 2, "x", { authorization: `Bearer ${await other.token()}` }), "invalid_argument");
  }
  for (const forged of ["", "x", upload.slice(0, -2), upload.replace(".", "x")]) {
    await refused(uploads.complete({ upload: forged, parts: [one] }), Code.InvalidArgument);
  }
  const { url } = await s3.presignObject({ ref: ref("mine alone"), method: PresignMethod.PUT });
  const presigned = new URL(url).searchParams.get("access") ?? "";
  await refused(uploads.abort({ upload: presigned }), Code.InvalidArgument);
  await uploads.abort({ upload });
});

test("conditions are looked at when an upload begins, and again before the object appears", async () => {
  const target = ref("conditional");
  const open = { ref: target, ifNoneMatch: "*" };
  const upload = await begin(open);
  const one = await stored(upload, 1, Buffer.from("late"));
  const { etag } = await write(s3, { ref: target }, "early");
  await refused(begin(open), Code.FailedPrecondition);
  await refused(uploads.complete({ upload, parts: [one] }), Code.FailedPrecondition);
  await uploads.abort({ upload });
  assert.equal(await text(s3, { ref: target }), "early");

  const matching = await begin({ ref: target, ifMatch: etag });
  const again = await stored(matching, 1, Buffer.from("new"));
  await uploads.complete({ upload: matching, parts: [again] });
  assert.equal(await text(s3, { ref: target }), "new");
});

test("what a write refuses, an upload refuses when it begins", async () => {
  await refused(begin({ ref: ref("x".repeat(1025)) }), Code.InvalidArgument);
  await refused(begin({ ref: ref("") }), Code.InvalidArgument);
  await refused(begin({ ref: ref("k", "nowhere") }), Code.NotFound);
  await refused(begin({ ref: ref("k"), metadata: { k: "v".repeat(9000) } }), Code.InvalidArgument);
  await refused(uploads.begin({}), Code.InvalidArgument);
  await refused(uploads.begin({ msg: { case: "data", value: Buffer.from("x") } }), Code.InvalidArgument);
});

test("a part that breaks off half-way is no part, and the upload leaves nothing", async () => {
  const upload = await begin({ ref: ref("half", "faulty") });
  const { hostname, port } = new URL(stores.worker.url);
  const socket = connect(Number(port), hostname);
  const head = [
    `POST ${UPLOAD_PART_PATH} HTTP/1.1`,
    "host: worker",
    `authorization: Bearer ${await token()}`,
    `${UPLOAD_HEADER}: ${upload}`,
    `${UPLOAD_PART_NUMBER_HEADER}: 1`,
    `content-length: ${8 * MIB}`,
  ];
  await stores.control("faults", {});
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.write(pattern(MIB));
  // The part is under way when R2 has been asked.
  while (!(await stores.control<{ operations: string[] }>("report")).operations.includes("uploadPart"));
  socket.destroy();
  await refused(uploads.complete({ upload, parts: [{ number: 1, etag: "unknown" }] }), Code.InvalidArgument);
  await uploads.abort({ upload });
  await refused(s3.headObject({ ref: ref("half", "faulty") }), Code.NotFound);
});

test("a store without uploads says so", async () => {
  const { uploads: none, token: memoryToken } = stores.session("memory", "memory");
  const text = /takes no objects over 8 MiB/;
  assert.match(
    await refused(none.begin({ msg: { case: "open", value: { ref: ref("k") } } }), Code.Unimplemented),
    text,
  );
  assert.match(await refused(none.complete({ upload: "x" }), Code.Unimplemented), text);
  assert.match(await refused(none.abort({ upload: "x" }), Code.Unimplemented), text);
  await refusedPart(part("x", 1, "x", { authorization: `Bearer ${await memoryToken()}` }), "unimplemented");
});

test("without the secret uploads are UNIMPLEMENTED and presigning FAILED_PRECONDITION, both saying what to set", async () => {
  for (const secret of [null, "too short"]) {
    const bare = await startStores({ secret });
    try {
      const client = bare.worker.client(UploadService, { provider: "r2" });
      const open = { msg: { case: "open", value: { ref: ref("k") } } } as const;
      assert.match(
        await refused(client.begin(open), Code.Unimplemented),
        /wrangler secret put GESTALT_EDGE_PRESIGN_SECRET/,
      );
      const presign = bare.s3().presignObject({ ref: ref("k"), method: PresignMethod.GET });
      assert.match(await refused(presign, Code.FailedPrecondition), /wrangler secret put GESTALT_EDGE_PRESIGN_SECRET/);
      assert.equal((await bare.worker.fetch("/objects/r2/files/k?access=x")).status, 403);
      await write(bare.s3(), { ref: ref("k") }, "small objects need none");
    } finally {
      await bare.stop();
    }
  }
});
