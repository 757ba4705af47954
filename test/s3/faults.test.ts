// When R2 is busy or fails: what is tried again, what is not, and what the caller hears.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { PresignMethod } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { pattern, refused, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const { s3, uploads } = stores.session("faults");
const ref = (key: string) => ({ bucket: "faulty", key });
const report = () => stores.control<{ operations: string[]; pauses: number[] }>("report");

await write(s3, { ref: ref("object") }, "content");

const BUSY = 10058;
const INTERNAL = 10001;
const UNAVAILABLE = 10043;

/** What can be repeated without harm, with the R2 operation behind it. */
const SAFE: readonly [string, string, () => Promise<unknown>][] = [
  ["HeadObject", "head", () => s3.headObject({ ref: ref("object") })],
  ["ReadObject", "get", () => text(s3, { ref: ref("object") })],
  ["ListObjects", "list", () => s3.listObjects({ bucket: "faulty" })],
  ["DeleteObject", "delete", () => s3.deleteObject({ ref: ref("none") })],
  ["WriteObject", "put", () => write(s3, { ref: ref("written") }, "x")],
];

for (const [name, operation, call] of SAFE) {
  test(`${name} is tried again after 429, 500, 503 and a lost connection, with growing pauses`, async () => {
    await stores.control("faults", { [operation]: [BUSY, INTERNAL, UNAVAILABLE] });
    await call();
    assert.deepEqual(await report(), { operations: Array(4).fill(operation), pauses: [50, 100, 200] });
    await stores.control("faults", { [operation]: ["network"] });
    await call();
    assert.equal((await report()).operations.length, 2);
  });

  test(`${name} gives up as UNAVAILABLE after four tries`, async () => {
    await stores.control("faults", { [operation]: Array(9).fill(BUSY) });
    assert.match(await refused(call, Code.Unavailable), /429/);
    assert.equal((await report()).operations.length, 4);
  });
}

test("a write under a condition is tried again only when R2 did nothing", async () => {
  const conditional = (key: string) => write(s3, { ref: ref(key), ifNoneMatch: "*" }, "x");
  await stores.control("faults", { put: [BUSY, BUSY] });
  await conditional("refused first");
  await stores.control("faults", { put: ["lost"] });
  // The write happened, its answer was lost: a second try would report a condition that this very write broke.
  await refused(conditional("answer lost"), Code.Unavailable);
  assert.equal(await text(s3, { ref: ref("answer lost") }), "x");
});

test("a lost answer to a write without conditions is made good", async () => {
  await stores.control("faults", { put: ["lost"] });
  await write(s3, { ref: ref("lost") }, "x");
  assert.equal((await report()).operations.length, 2);
});

test("completing an upload is not repeated after a lost answer, but after 429", async () => {
  const complete = async (faults: readonly unknown[]) => {
    const { upload } = await uploads.begin({ msg: { case: "open", value: { ref: ref("completed") } } });
    const bucket = await stores.worker.fetch("/gestalt.edge.v1.UploadService/Part", {
      method: "POST",
      body: "x",
      headers: {
        authorization: `Bearer ${await stores.session("faults").token()}`,
        "gestalt-upload": upload,
        "gestalt-upload-part": "1",
      },
    });
    const parts = [{ number: 1, etag: bucket.headers.get("gestalt-upload-etag") ?? "" }];
    await stores.control("faults", { complete: faults });
    return uploads.complete({ upload, parts });
  };
  await complete([BUSY, BUSY]);
  await refused(complete(["lost"]), Code.Unavailable);
  assert.deepEqual((await report()).operations, ["complete"]);
});

test("a stream that R2 did not take is not sent again", async () => {
  await stores.control("faults", { put: [INTERNAL] });
  const { url } = await s3.presignObject({ ref: ref("stream"), method: PresignMethod.PUT });
  const answer = await fetch(url, { method: "PUT", body: "x" });
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "1"]);
  assert.deepEqual(Object.keys((await answer.json()) as object), ["error"]);
  assert.equal((await report()).operations.length, 1);
});

test("a part that cannot be stored ends a large write, and the upload with it", async () => {
  await stores.control("faults", { uploadPart: Array(9).fill(INTERNAL) });
  await refused(write(s3, { ref: ref("large") }, pattern(9 * 1024 * 1024)), Code.Unavailable);
  assert.deepEqual((await report()).operations, ["createMultipartUpload", ...Array(4).fill("uploadPart"), "abort"]);
  await refused(s3.headObject({ ref: ref("large") }), Code.NotFound);
});

const MEANINGS: readonly [number, Code, RegExp][] = [
  [10002, Code.PermissionDenied, /may not use/],
  [10006, Code.NotFound, /bucket of this binding does not exist/],
  [10012, Code.InvalidArgument, /metadata/],
  [10020, Code.InvalidArgument, /key/],
  [10031, Code.FailedPrecondition, /condition/],
  [10042, Code.PermissionDenied, /no R2 subscription/],
  [10069, Code.PermissionDenied, /locked by a rule/],
  [100100, Code.InvalidArgument, /larger than R2 takes/],
  [19999, Code.Internal, /refused the operation \(19999\)/],
];

for (const [code, expected, words] of MEANINGS) {
  test(`R2's ${code} is ${Code[expected]}, without R2's own text`, async () => {
    await stores.control("faults", { put: [code] });
    const message = await refused(write(s3, { ref: ref("refused") }, "x"), expected);
    assert.match(message, words);
    assert.doesNotMatch(message, /injected/);
    assert.equal((await report()).operations.length, 1);
  });
}
