// The four conditions: on reads all that are given must hold, on writes the etag ones apply to what is there.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { MessageShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { ReadObjectRequestSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { read, refused, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const s3 = stores.s3();
const ref = { bucket: "files", key: "object" };
const none = { bucket: "files", key: "none" };

const { etag, lastModified } = await write(s3, { ref }, "content");
assert.ok(lastModified);
const bare = etag.replaceAll('"', "");
const written = timestampDate(lastModified).getTime();
const second = Math.floor(written / 1000) * 1000;
const past = timestampFromMs(second - 1000);
const future = timestampFromMs(second + 1000);

type ReadConditions = Pick<
  MessageShape<typeof ReadObjectRequestSchema>,
  "ifMatch" | "ifNoneMatch" | "ifModifiedSince" | "ifUnmodifiedSince"
>;

const READS: readonly [string, Partial<ReadConditions>, "holds" | "fails"][] = [
  ["if_match, the etag", { ifMatch: etag }, "holds"],
  ["if_match, the etag without quotes", { ifMatch: bare }, "holds"],
  ["if_match, one of a list", { ifMatch: `"x", ${etag}` }, "holds"],
  ["if_match, any", { ifMatch: "*" }, "holds"],
  ["if_match, another etag", { ifMatch: '"x"' }, "fails"],
  ["if_match, the etag, but weak", { ifMatch: `W/${etag}` }, "fails"],
  ["if_none_match, another etag", { ifNoneMatch: '"x"' }, "holds"],
  ["if_none_match, the etag", { ifNoneMatch: etag }, "fails"],
  ["if_none_match, the etag without quotes", { ifNoneMatch: bare }, "fails"],
  ["if_none_match, the etag, but weak", { ifNoneMatch: `W/${etag}` }, "fails"],
  ["if_none_match, one of a list", { ifNoneMatch: `"x",${etag}` }, "fails"],
  ["if_none_match, any", { ifNoneMatch: "*" }, "fails"],
  ["if_modified_since, a second before", { ifModifiedSince: past }, "holds"],
  ["if_modified_since, its own second", { ifModifiedSince: timestampFromMs(second) }, "fails"],
  ["if_modified_since, its own date", { ifModifiedSince: lastModified }, "fails"],
  ["if_modified_since, later", { ifModifiedSince: future }, "fails"],
  ["if_unmodified_since, later", { ifUnmodifiedSince: future }, "holds"],
  ["if_unmodified_since, its own second", { ifUnmodifiedSince: timestampFromMs(second) }, "holds"],
  ["if_unmodified_since, a second before", { ifUnmodifiedSince: past }, "fails"],
  ["the etag holds, the date does not", { ifMatch: etag, ifUnmodifiedSince: past }, "fails"],
  ["the date holds, the etag does not", { ifNoneMatch: etag, ifModifiedSince: past }, "fails"],
  ["all four", { ifMatch: etag, ifNoneMatch: '"x"', ifModifiedSince: past, ifUnmodifiedSince: future }, "holds"],
];

for (const [name, conditions, outcome] of READS) {
  test(`read: ${name} ${outcome}`, async () => {
    const call = text(s3, { ref, ...conditions });
    if (outcome === "holds") assert.equal(await call, "content");
    else await refused(call, Code.FailedPrecondition);
  });
}

test("read: a missing object is NOT_FOUND whatever the condition", async () => {
  await refused(read(s3, { ref: none, ifMatch: "*" }), Code.NotFound);
  await refused(read(s3, { ref: none, ifNoneMatch: "*" }), Code.NotFound);
});

const WRITES: readonly [string, "there" | "missing", { ifMatch?: string; ifNoneMatch?: string }, "holds" | "fails"][] =
  [
    ["if_match, the etag", "there", { ifMatch: "<etag>" }, "holds"],
    ["if_match, the etag without quotes", "there", { ifMatch: "<bare>" }, "holds"],
    ["if_match, one of a list", "there", { ifMatch: '"x", <etag>' }, "holds"],
    ["if_match, any", "there", { ifMatch: "*" }, "holds"],
    ["if_match, another", "there", { ifMatch: '"x"' }, "fails"],
    ["if_match, any", "missing", { ifMatch: "*" }, "fails"],
    ["if_match, an etag", "missing", { ifMatch: '"x"' }, "fails"],
    ["if_none_match, any", "there", { ifNoneMatch: "*" }, "fails"],
    ["if_none_match, any", "missing", { ifNoneMatch: "*" }, "holds"],
    ["if_none_match, the etag", "there", { ifNoneMatch: "<etag>" }, "fails"],
    ["if_none_match, another", "there", { ifNoneMatch: '"x"' }, "holds"],
    ["if_none_match, an etag", "missing", { ifNoneMatch: '"x"' }, "holds"],
    ["both, one fails", "there", { ifMatch: "<etag>", ifNoneMatch: "*" }, "fails"],
  ];

for (const [kind, size] of [
  ["small", 3],
  ["in parts", 9 * 1024 * 1024],
] as const) {
  for (const [name, state, conditions, outcome] of WRITES) {
    test(`write, ${kind}: ${name}, object ${state}: ${outcome}`, async () => {
      const target = { bucket: "files", key: `target-${kind}-${name}-${state}` };
      const old = state === "there" ? await write(s3, { ref: target }, "old") : undefined;
      const fill = (text = "") =>
        text.replace("<etag>", old?.etag ?? "").replace("<bare>", old?.etag.replaceAll('"', "") ?? "");
      const open = { ref: target, ifMatch: fill(conditions.ifMatch), ifNoneMatch: fill(conditions.ifNoneMatch) };
      const call = write(s3, open, Buffer.alloc(size, "n"));
      if (outcome === "holds") assert.equal((await call).size, BigInt(size));
      else {
        await refused(call, Code.FailedPrecondition);
        if (old === undefined) await refused(s3.headObject({ ref: target }), Code.NotFound);
        else assert.equal(await text(s3, { ref: target }), "old");
      }
    });
  }
}

test("copy: the conditions are on the source", async () => {
  const destination = { bucket: "other", key: "copy" };
  await write(s3, { ref: destination }, "there before");
  await s3.copyObject({ source: ref, destination, ifMatch: etag });
  await s3.copyObject({ source: ref, destination, ifNoneMatch: '"x"' });
  assert.equal(await text(s3, { ref: destination }), "content");
  await refused(s3.copyObject({ source: ref, destination, ifMatch: '"x"' }), Code.FailedPrecondition);
  await refused(s3.copyObject({ source: ref, destination, ifNoneMatch: etag }), Code.FailedPrecondition);
  await refused(s3.copyObject({ source: ref, destination, ifNoneMatch: "*" }), Code.FailedPrecondition);
  await refused(s3.copyObject({ source: none, destination, ifMatch: "*" }), Code.NotFound);
});

test("only one of many writers under if_none_match * wins", async () => {
  const target = { bucket: "files", key: "contested" };
  const writers = Array.from({ length: 20 }, (_, n) => write(s3, { ref: target, ifNoneMatch: "*" }, `writer ${n}`));
  const results = await Promise.allSettled(writers);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(await text(s3, { ref: target }), `writer ${results.findIndex(({ status }) => status === "fulfilled")}`);
});

test("dates keep to whole seconds in both directions", async () => {
  const last = timestampFromDate(new Date(second + 999));
  await refused(read(s3, { ref, ifModifiedSince: last }), Code.FailedPrecondition);
  assert.equal(await text(s3, { ref, ifUnmodifiedSince: last }), "content");
});
