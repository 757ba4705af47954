// What a session of the object store on R2 may be configured with, and what an operator hears otherwise.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { refused, startStores, text, write } from "./stores.ts";

const stores = await startStores({ secret: null });
after(() => stores.stop());

const list = (config: JsonObject, store: "r2" | "second" = "r2") =>
  stores.s3(store, config).listObjects({ bucket: "files" });

test("a session's buckets replace the factory's", async () => {
  const swapped = stores.s3("r2", { buckets: { files: "OTHER" } });
  await write(swapped, { ref: { bucket: "files", key: "swapped" } }, "in OTHER");
  assert.equal(await text(stores.s3(), { ref: { bucket: "other", key: "swapped" } }), "in OTHER");
  await refused(swapped.listObjects({ bucket: "other" }), Code.NotFound);
});

test("two sessions on one isolate do not see each other's buckets", async () => {
  const [one, two] = [
    stores.s3("second", { buckets: { a: "FILES" } }),
    stores.s3("second", { buckets: { b: "FILES" } }),
  ];
  await write(one, { ref: { bucket: "a", key: "shared" } }, "x");
  assert.equal(await text(two, { ref: { bucket: "b", key: "shared" } }), "x");
  await refused(two.headObject({ ref: { bucket: "a", key: "shared" } }), Code.NotFound);
  await refused(one.headObject({ ref: { bucket: "b", key: "shared" } }), Code.NotFound);
});

const BAD: readonly [string, JsonObject, RegExp][] = [
  ["no buckets at all", {}, /Name them in its config: buckets/],
  ["an empty map", { buckets: {} }, /Name them in its config: buckets/],
  ["a binding the worker lacks", { buckets: { files: "NOPE" } }, /no R2 bucket bound as NOPE.*wrangler\.toml/],
  ["a binding that is no bucket", { buckets: { files: "WRONG_SECRET" } }, /no R2 bucket bound as WRONG_SECRET/],
  ["a binding by an inherited name", { buckets: { files: "constructor" } }, /no R2 bucket bound as constructor/],
  ["a bucket without a binding", { buckets: { files: "" } }, /buckets\.files/],
  ["an unknown key", { buckets: { files: "FILES" }, bukets: {} }, /bukets/],
  ["a public URL with a path", { buckets: { files: "FILES" }, publicUrl: "https://a.example/files" }, /publicUrl/],
  ["a public URL that is none", { buckets: { files: "FILES" }, publicUrl: "files.acme.com" }, /publicUrl/],
  ["an S3 API without keys", { buckets: { files: "FILES" }, s3: { endpoint: "https://a.example" } }, /s3\.accessKeyId/],
];

for (const [name, config, words] of BAD) {
  test(`${name} is refused when the session is configured, with what to do`, async () => {
    assert.match(await refused(list(config, "second"), Code.InvalidArgument), words);
  });
}

test("a worker without the presign secret warns the operator", async () => {
  const client = stores.worker.client(ProviderLifecycle, { provider: "r2" });
  const { warnings } = await client.getProviderIdentity({});
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /GESTALT_EDGE_PRESIGN_SECRET is missing/);
});
