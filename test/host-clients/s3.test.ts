// host.s3 inside a worker: writing, reading, ranges, conditions, lists, copies, URLs, and streams that end early.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { until } from "../support/bridge-process.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

type Errors = Record<string, ScenarioError>;

const etagOf = (text: string) => `"${createHash("md5").update(text).digest("hex")}"`;
const MIB = 1024 * 1024;

test("host.s3", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, {
    scenarios: new URL("./s3.worker.ts", import.meta.url),
    hosts: ["S3", "S3_BLOBS"],
  });
  const { s3 } = harness.gestaltd;
  const nothingOpen = () => until(() => s3.reading === 0 && s3.writing === 0, "no stream is open");

  await t.test("writes whatever holds bytes, with its content type", async () => {
    const { written, read, json } = await harness.run<Record<string, unknown>>("writes");
    assert.deepEqual(written, {
      ref: { bucket: "docs", key: "text" },
      etag: etagOf("grüße"),
      size: 7,
      contentType: "text/plain",
      metadata: { author: "Ada" },
      storageClass: null,
    });
    assert.deepEqual(read, {
      text: ["grüße", "text/plain"],
      bytes: ["bytes", null],
      buffer: ["bytes", null],
      blob: ["<p>", "text/html"],
      "blob-typed": ["<p>", "text/x"],
      stream: ["a stream", null],
      pieces: ["one, two", null],
      json: ['{"a":[1,null]}', "application/json"],
      empty: ["", null],
    });
    assert.deepEqual(json, { a: [1, null] });
  });

  await t.test("sends everything that travels with an object", async () => {
    await harness.run("headers");
    const { $typeName: _, ref, ...open } = s3.opened.at(-1) ?? {};
    assert.equal(ref?.key, "headers");
    assert.deepEqual(open, {
      contentType: "a/b",
      cacheControl: "no-store",
      contentDisposition: "inline",
      contentEncoding: "identity",
      contentLanguage: "de",
      metadata: { k: "v" },
      ifMatch: "",
      ifNoneMatch: "",
    });
  });

  await t.test("reads all, a range, or nothing, and says why not", async () => {
    const read = await harness.run<Errors>("reads");
    const { exists, gone, size, part, from, upTo, bytes, stream, notJson } = read;
    assert.deepEqual({ exists, gone, size, part }, { exists: true, gone: false, size: 10, part: "2345" });
    assert.deepEqual(
      { from, upTo, bytes, stream },
      { from: "789", upTo: "012", bytes: { bytes: "0" }, stream: "0123456789" },
    );
    for (const name of ["past", "reversed", "negative", "fraction"]) {
      assert.equal(read[name]?.name, "S3InvalidRangeError", name);
      assert.equal(read[name]?.code, "OutOfRange");
    }
    const missing = { name: "S3NotFoundError", message: "s3: object not found", code: "NotFound", service: "s3" };
    assert.deepEqual([read.missing, read.missingStat, notJson], [missing, missing, "SyntaxError"]);
    assert.equal(await harness.run("typed"), true);
  });

  await t.test("holds to conditions, on writes, reads and copies", async () => {
    const { writeSame, readSame, ...failed } = await harness.run<Errors>("conditions");
    assert.deepEqual({ writeSame, readSame }, { writeSame: true, readSame: "one" });
    assert.equal(Object.keys(failed).length, 7);
    for (const [name, error] of Object.entries(failed)) assert.equal(error.name, "S3PreconditionFailedError", name);
  });

  await t.test("copies, and deletes twice", async () => {
    const { meta, text, left, missing } = await harness.run<Errors>("copiesAndDeletes");
    assert.deepEqual(meta, {
      ref: { bucket: "other", key: "destination" },
      etag: etagOf("copied"),
      size: 6,
      contentType: "a/b",
      metadata: {},
      storageClass: null,
    });
    assert.deepEqual([text, left, missing?.name], ["copied", false, "S3NotFoundError"]);
  });

  await t.test("lists all pages in byte order, from a key, with common prefixes, and from a token", async () => {
    assert.deepEqual(await harness.run("lists"), {
      keys: ["a/1", "a/2", "a/3", "b", "c/1", "é"],
      some: ["a/2", "a/3"],
      first: ["a/1"],
      pages: [
        [["b"], ["a/"]],
        [["é"], ["c/"]],
      ],
      rest: ["é"],
      none: [],
    });
  });

  await t.test("makes access URLs, and says when gestaltd cannot", async () => {
    const { get, put, zero, fraction } = await harness.run<Errors>("presigns");
    const url = "http://gestaltd.invalid/api/v1/s3/object-access/a%20b";
    assert.deepEqual(get, { url, method: "GET", expiresAt: 15, headers: {} });
    assert.deepEqual(put, { url, method: "PUT", expiresAt: 1, headers: { "content-type": "a/b", "x-a": "1" } });
    assert.deepEqual([zero?.name, fraction?.name], ["InvalidArgumentError", "InvalidArgumentError"]);
    s3.withoutBaseUrl = true;
    const error = await harness.thrown("presignFails");
    s3.withoutBaseUrl = false;
    assert.deepEqual([error.name, error.code], ["FailedPreconditionError", "FailedPrecondition"]);
  });

  await t.test("streams what is larger than any message, both ways, in pieces", async () => {
    const from = s3.written.length;
    const size = 9 * MIB + 1;
    assert.deepEqual(await harness.run("streamsLarge"), { size, read: size, wrong: 0 });
    assert.ok(Math.max(...s3.written.slice(from)) <= 256 * 1024);
    await nothingOpen();
  });

  await t.test("a reader that leaves early, by cancel or by break, ends the call", async () => {
    const from = s3.framesRead;
    const running = harness.run("leavesEarly");
    await until(() => s3.opened.at(-1)?.ref?.key === "left", "both have been left");
    await nothingOpen();
    await harness.run("go");
    assert.deepEqual(await running, { first: true, read: true });
    const frames = (9 * MIB) / (64 * 1024);
    assert.ok(s3.framesRead - from < frames, `${s3.framesRead - from} of ${2 * frames} frames were read`);
  });

  await t.test("one side that stands still holds the other up", async () => {
    const gate = Promise.withResolvers<void>();
    s3.gate = gate.promise;
    const { asked, code } = await harness.run<{ asked: number; code: string }>("writesAgainstWall");
    s3.gate = undefined;
    gate.resolve();
    assert.equal(code, "Canceled");
    assert.ok(asked <= 8 * MIB, `${asked} bytes were asked for`);
    await harness.run("writesLarge", { key: "long", size: 32 * MIB });
    const from = s3.framesRead;
    await harness.run("readsAndStops", { key: "long" });
    const sent = (s3.framesRead - from) * 64 * 1024;
    assert.ok(sent <= 8 * MIB, `${sent} bytes were sent`);
    await nothingOpen();
  });

  await t.test("a body that breaks leaves no object; a write that fails lets go of its body", async () => {
    const { thrown, refused, cancelled, text } = await harness.run<Errors>("bodyFails");
    assert.deepEqual(thrown, { name: "TypeError", message: "the source broke" });
    assert.equal(refused?.name, "S3PreconditionFailedError");
    assert.deepEqual([cancelled, text], ["S3PreconditionFailedError", "there"]);
    await nothingOpen();
  });

  await t.test("a request that ends takes its streams along", async () => {
    await assert.rejects(harness.run("holdsOpen", {}, { timeoutMs: 500 }));
    await nothingOpen();
  });
});
