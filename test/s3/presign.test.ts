// Presigned URLs: made by the worker, checked by it, and served as a plain HTTP object server.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { MessageShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { decodeJwt, SignJWT, UnsecuredJWT } from "jose";
import { PresignMethod, type PresignObjectRequestSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { PRESIGN_SECRET, pattern, read, refused, sha256, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const s3 = stores.s3();
const { GET, PUT, DELETE, HEAD } = PresignMethod;
const ref = (key: string, bucket = "files") => ({ bucket, key });

type Wanted = Partial<
  Pick<
    MessageShape<typeof PresignObjectRequestSchema>,
    "contentType" | "contentDisposition" | "headers" | "expiresSeconds"
  >
>;

async function presigned(method: PresignMethod, key: string, wanted: Wanted = {}): Promise<string> {
  return (await s3.presignObject({ ref: ref(key), method, ...wanted })).url;
}

/** The status, the JSON error, and the answer itself. */
async function answer(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  const body = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return {
    status: response.status,
    error: isJson && body.length > 0 ? String(JSON.parse(body.toString()).error) : "",
    body,
    response,
  };
}

await write(s3, { ref: ref("dir/file.txt"), contentType: "text/plain", cacheControl: "max-age=5" }, "0123456789");

test("the answer names method, expiry and headers; the URL leads to the object on this worker", async () => {
  const before = Date.now();
  const answered = await s3.presignObject({
    ref: ref("dir/file.txt"),
    method: PUT,
    contentType: "text/css",
    headers: { "X-Own": "1" },
  });
  assert.equal(answered.method, PUT);
  assert.deepEqual(answered.headers, { "content-type": "text/css", "x-own": "1" });
  assert.ok(answered.expiresAt);
  const lifetime = timestampDate(answered.expiresAt).getTime() - before;
  assert.ok(lifetime > 895_000 && lifetime < 905_000, `${lifetime} ms`);
  const url = new URL(answered.url);
  assert.equal(`${url.origin}${url.pathname}`, `${stores.worker.url}/objects/r2/files/dir/file.txt`);
  assert.equal(decodeJwt(url.searchParams.get("access") ?? "").exp, timestampDate(answered.expiresAt).getTime() / 1000);
});

test("publicUrl replaces scheme and host", async () => {
  const client = stores.s3("r2", { publicUrl: "https://files.acme.com" });
  const { url } = await client.presignObject({ ref: ref("k"), method: GET });
  assert.match(url, /^https:\/\/files\.acme\.com\/objects\/r2\/files\/k\?access=/);
});

test("a lifetime is 1 second to 24 hours, a method one of four", async () => {
  for (const expiresSeconds of [-1n, 86_401n, 2n ** 60n]) {
    await refused(s3.presignObject({ ref: ref("k"), method: GET, expiresSeconds }), Code.InvalidArgument);
  }
  for (const method of [PresignMethod.UNSPECIFIED, 9 as PresignMethod]) {
    await refused(s3.presignObject({ ref: ref("k"), method }), Code.InvalidArgument);
  }
  for (const headers of [{ "bad name": "x" }, { ok: "line\nbreak" }]) {
    await refused(s3.presignObject({ ref: ref("k"), method: GET, headers }), Code.InvalidArgument);
  }
  await s3.presignObject({ ref: ref("k"), method: GET, expiresSeconds: 86_400n });
});

test("GET answers bytes and headers, harmless to the origin they come from", async () => {
  const { status, body, response } = await answer(await presigned(GET, "dir/file.txt"));
  assert.deepEqual([status, body.toString()], [200, "0123456789"]);
  const { meta } = await s3.headObject({ ref: ref("dir/file.txt") });
  const expected = {
    "accept-ranges": "bytes",
    "cache-control": "max-age=5",
    "content-length": "10",
    "content-security-policy": "sandbox",
    "content-type": "text/plain",
    "access-control-allow-origin": "*",
    etag: meta?.etag,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(response.headers.get(name), value, name);
  assert.match(response.headers.get("last-modified") ?? "", / GMT$/);
});

test("HEAD answers the same without bytes", async () => {
  const { status, response } = await answer(await presigned(HEAD, "dir/file.txt"), { method: "HEAD" });
  assert.deepEqual([status, response.headers.get("content-length")], [200, "10"]);
  assert.equal(response.headers.get("content-type"), "text/plain");
});

test("a content disposition given when signing goes out with the object", async () => {
  const url = await presigned(GET, "dir/file.txt", { contentDisposition: 'attachment; filename="x.txt"' });
  const { response } = await answer(url);
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="x.txt"');
});

test("what is stored encoded goes out as it is stored", async () => {
  await write(s3, { ref: ref("zipped"), contentType: "text/plain", contentEncoding: "gzip" }, gzipSync("unzipped"));
  const { body, response } = await answer(await presigned(GET, "zipped"));
  assert.deepEqual([body.toString(), response.headers.get("content-encoding")], ["unzipped", "gzip"]);
});

const RANGES: readonly [string, number, string, string | null][] = [
  ["bytes=2-5", 206, "2345", "bytes 2-5/10"],
  ["bytes=7-", 206, "789", "bytes 7-9/10"],
  ["bytes=-3", 206, "789", "bytes 7-9/10"],
  ["bytes=-30", 206, "0123456789", "bytes 0-9/10"],
  ["bytes=8-100", 206, "89", "bytes 8-9/10"],
  ["bytes=0-0", 206, "0", "bytes 0-0/10"],
  ["bytes=10-", 416, "", "bytes */10"],
  ["bytes=10-12", 416, "", "bytes */10"],
  ["bytes=99999999999999999999-", 416, "", "bytes */10"],
  ["bytes=-0", 416, "", "bytes */10"],
  ["bytes=5-2", 200, "0123456789", null],
  ["bytes=0-1,3-4", 200, "0123456789", null],
  ["lines=1-2", 200, "0123456789", null],
  ["bytes=-", 200, "0123456789", null],
];

for (const [range, status, content, contentRange] of RANGES) {
  test(`GET with range ${range} is ${status}`, async () => {
    const got = await answer(await presigned(GET, "dir/file.txt"), { headers: { range } });
    assert.deepEqual([got.status, got.response.headers.get("content-range")], [status, contentRange]);
    if (status === 416) assert.match(got.error, /10 bytes/);
    else assert.equal(got.body.toString(), content);
  });
}

test("no range fits an empty object", async () => {
  await write(s3, { ref: ref("empty") });
  const url = await presigned(GET, "empty");
  assert.equal((await answer(url)).status, 200);
  for (const range of ["bytes=0-", "bytes=-1", "bytes=0-5"]) {
    const { status, response } = await answer(url, { headers: { range } });
    assert.deepEqual([status, response.headers.get("content-range")], [416, "bytes */0"]);
  }
});

test("conditional headers, as HTTP orders them", async () => {
  const { meta } = await s3.headObject({ ref: ref("dir/file.txt") });
  assert.ok(meta?.lastModified);
  const { etag } = meta;
  const own = timestampDate(meta.lastModified).toUTCString();
  const past = new Date(0).toUTCString();
  const cases: readonly [Record<string, string>, number][] = [
    [{ "if-match": etag }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-modified-since": own }, 304],
    [{ "if-modified-since": past }, 200],
    [{ "if-unmodified-since": own }, 200],
    [{ "if-unmodified-since": past }, 412],
    [{ "if-unmodified-since": past, "if-match": etag }, 200],
    [{ "if-modified-since": own, "if-none-match": '"x"' }, 200],
    [{ "if-modified-since": "not a date" }, 200],
    [{ "if-none-match": etag, range: "bytes=100-" }, 304],
    [{ "if-range": etag, range: "bytes=0-1" }, 206],
    [{ "if-range": '"x"', range: "bytes=0-1" }, 200],
    [{ "if-range": own, range: "bytes=0-1" }, 206],
    [{ "if-range": past, range: "bytes=0-1" }, 200],
  ];
  const urls = { GET: await presigned(GET, "dir/file.txt"), HEAD: await presigned(HEAD, "dir/file.txt") };
  for (const [headers, status] of cases) {
    const got = await answer(urls.GET, { headers });
    assert.equal(got.status, status, JSON.stringify(headers));
    if (status === 304) assert.equal(got.response.headers.get("etag"), etag);
    if (headers.range === undefined) {
      assert.equal((await answer(urls.HEAD, { method: "HEAD", headers })).status, status, JSON.stringify(headers));
    }
  }
});

test("a missing object is 404 in JSON", async () => {
  const { status, error } = await answer(await presigned(GET, "none"));
  assert.deepEqual([status, error], [404, 'There is no object "none" in bucket "files".']);
  assert.equal((await answer(await presigned(GET, "none"), { headers: { range: "bytes=5-" } })).status, 404);
  assert.equal((await answer(await presigned(HEAD, "none"), { method: "HEAD" })).status, 404);
});

test("PUT stores bytes and content headers, up to what one request carries", async () => {
  const content = pattern(3_000_000);
  const headers = { "content-type": "image/png", "cache-control": "no-cache", "content-language": "nb" };
  const { status, response } = await answer(await presigned(PUT, "put"), { method: "PUT", body: content, headers });
  assert.equal(status, 200);
  const { meta, bytes } = await read(s3, { ref: ref("put") });
  assert.equal(sha256(bytes), sha256(content));
  assert.deepEqual([meta.etag, meta.contentType], [response.headers.get("etag"), "image/png"]);
  const got = await answer(await presigned(GET, "put"));
  assert.deepEqual(
    ["cache-control", "content-language"].map((name) => got.response.headers.get(name)),
    ["no-cache", "nb"],
  );
  assert.equal((await answer(await presigned(PUT, "put"), { method: "PUT" })).status, 200);
  assert.equal(await text(s3, { ref: ref("put") }), "");
});

test("PUT keeps to If-Match and If-None-Match", async () => {
  const url = await presigned(PUT, "put-if");
  const put = (body: string, headers: Record<string, string>) => answer(url, { method: "PUT", body, headers });
  assert.equal((await put("a", { "if-match": "*" })).status, 412);
  const first = await put("a", { "if-none-match": "*" });
  assert.equal(first.status, 200);
  assert.equal((await put("b", { "if-none-match": "*" })).status, 412);
  assert.equal((await put("c", { "if-match": first.response.headers.get("etag") ?? "" })).status, 200);
  assert.equal(await text(s3, { ref: ref("put-if") }), "c");
});

test("PUT demands the type and headers it was signed with", async () => {
  const url = await presigned(PUT, "typed", { contentType: "text/plain", headers: { "X-Batch": "7" } });
  const put = (headers: Record<string, string>) => answer(url, { method: "PUT", body: "x", headers });
  assert.match((await put({ "x-batch": "7", "content-type": "text/html" })).error, /content-type/);
  assert.match((await put({ "content-type": "text/plain" })).error, /x-batch/);
  assert.equal((await put({ "x-batch": "8", "content-type": "text/plain" })).status, 403);
  assert.equal((await put({ "x-batch": "7", "content-type": "text/plain" })).status, 200);
});

test("PUT without a length is 411, with too large a one 413, before anything is read", async () => {
  const url = new URL(await presigned(PUT, "lengths"));
  assert.equal(await statusOf(url, "transfer-encoding: chunked", "1\r\nx\r\n0\r\n\r\n"), 411);
  assert.equal(await statusOf(url, "content-length: 100000001", "x"), 413);
  await refused(s3.headObject({ ref: ref("lengths") }), Code.NotFound);
});

test("DELETE is 204, also when there is nothing", async () => {
  await write(s3, { ref: ref("deleted") }, "x");
  const url = await presigned(DELETE, "deleted");
  assert.equal((await answer(url, { method: "DELETE" })).status, 204);
  await refused(s3.headObject({ ref: ref("deleted") }), Code.NotFound);
  assert.equal((await answer(url, { method: "DELETE" })).status, 204);
});

test("a URL is for its one method", async () => {
  for (const [method, name] of [
    [GET, "GET"],
    [PUT, "PUT"],
    [DELETE, "DELETE"],
    [HEAD, "HEAD"],
  ] as const) {
    const url = await presigned(method, "dir/file.txt");
    for (const other of ["GET", "PUT", "DELETE", "HEAD", "POST", "PATCH"].filter((each) => each !== name)) {
      const { status, response } = await answer(url, { method: other });
      assert.deepEqual([status, response.headers.get("allow")], [405, name], other);
    }
  }
  assert.equal(await text(s3, { ref: ref("dir/file.txt") }), "0123456789");
});

test("a page of any origin may do what the URL grants", async () => {
  const url = await presigned(PUT, "cors");
  const preflight = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "content-type,x-a",
    origin: "https://a.example",
  };
  const { status, response } = await answer(url, { method: "OPTIONS", headers: preflight });
  assert.equal(status, 204);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.equal(response.headers.get("access-control-allow-methods"), "PUT");
  assert.equal(response.headers.get("access-control-allow-headers"), "content-type,x-a");
  assert.equal((await answer(url.slice(0, -3), { method: "OPTIONS" })).status, 403);
});

test("keys of any characters have URLs", async () => {
  const keys = ["a b/ü😀", "a/../b", "./a", "//a//", "/", "100%", "a?b#c&d=e", "x'()*!~", "%2F", "a\\b", "tab\tx"];
  for (const key of keys) {
    await write(s3, { ref: ref(key) }, `content of ${key}`);
    const { status, body } = await answer(await presigned(GET, key));
    assert.deepEqual([status, body.toString()], [200, `content of ${key}`], key);
  }
  for (const key of [".", ".."]) await refused(presigned(GET, key), Code.InvalidArgument);
});

test("an altered, expired, foreign or unsigned URL is 403", async () => {
  const url = await presigned(GET, "dir/file.txt");
  const token = new URL(url).searchParams.get("access") ?? "";
  const base = url.slice(0, url.indexOf("?"));
  const claims = decodeJwt(token);
  const key = new TextEncoder().encode(PRESIGN_SECRET);
  const sign = (changed: object, secret = key, alg = "HS256") =>
    new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg }).sign(secret);
  assert.equal((await answer(`${base}?access=${await sign({})}`)).status, 200);
  assert.match(
    (await answer(`${base}?access=${await sign({ exp: Math.floor(Date.now() / 1000) - 1 })}`)).error,
    /expired/,
  );
  const bad = [
    "",
    "?access=",
    "?access=x",
    `?access=${token.split(".").slice(0, 2).join(".")}.`,
    `?access=${new UnsecuredJWT(claims).encode()}`,
    `?access=${await sign({ exp: undefined })}`,
    `?access=${await sign({ aud: "gestalt-edge/uploads" })}`,
    `?access=${await sign({ provider: "second" })}`,
    `?access=${await sign({ bucket: "other" })}`,
    `?access=${await sign({ method: "POST" })}`,
    `?access=${await sign({}, new TextEncoder().encode("another secret of the same kind and length"))}`,
    `?access=${await sign({}, new Uint8Array(64), "HS512")}`,
    `?access=${(await stores.worker.token({ provider: "r2" })).toString()}`,
  ];
  for (const query of bad) assert.equal((await answer(base + query)).status, 403, query);
  const elsewhere = [
    "/objects/second/files/dir/file.txt",
    "/objects/r2/other/dir/file.txt",
    "/objects/r2/files/dir/file",
    "/objects/r2/files",
  ];
  for (const path of elsewhere) {
    assert.equal((await answer(`${stores.worker.url}${path}?access=${token}`)).status, 403, path);
  }
});

test("no change of a single character of a URL is accepted", async () => {
  const url = await presigned(GET, "dir/file.txt");
  const start = stores.worker.url.length + "/objects/r2/".length;
  // The last character of a signature has two bits that mean nothing.
  const position = fc.integer({ min: start, max: url.length - 2 });
  const property = fc.asyncProperty(position, fc.constantFrom(..."aZ0-_.%2/"), async (at, character) => {
    fc.pre(url[at] !== character);
    const { status } = await answer(url.slice(0, at) + character + url.slice(at + 1));
    assert.ok(status === 403 || status === 401 || status === 404, String(status));
  });
  await fc.assert(property, { numRuns: 150 });
});

/** The status of a PUT that no fetch would send. */
function statusOf(url: URL, header: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.once("error", reject);
    socket.once("data", (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString())?.[1]));
      socket.destroy();
    });
    socket.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${header}\r\n\r\n${body}`);
  });
}
