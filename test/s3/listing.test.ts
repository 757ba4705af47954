// Listing against a model: keys sorted by their UTF-8 bytes, folded at the delimiter, cut into pages.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { refused, startStores, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const s3 = stores.s3();

interface Listing {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly startAfter?: string;
}

interface Entry {
  readonly name: string;
  readonly kind: "object" | "prefix";
}

/** What the protocol says a listing is. */
function model(keys: readonly string[], { prefix = "", delimiter = "", startAfter = "" }: Listing): Entry[] {
  const entries: Entry[] = [];
  for (const key of keys.toSorted(byBytes)) {
    if (!key.startsWith(prefix) || byBytes(key, startAfter) <= 0) continue;
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? key : key.slice(0, cut + delimiter.length);
    const kind = cut < 0 ? "object" : "prefix";
    if (kind === "object" || entries.at(-1)?.name !== name) entries.push({ name, kind });
  }
  return entries;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** All pages; checks what each must be. */
async function listAll(listing: Listing, maxKeys: number, bucket = "files"): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let continuationToken = ""; ; ) {
    const page = await s3.listObjects({ bucket, ...listing, maxKeys, continuationToken });
    const names = [
      ...page.objects.map(({ ref }): Entry => ({ name: ref?.key ?? "", kind: "object" })),
      ...page.commonPrefixes.map((name): Entry => ({ name, kind: "prefix" })),
    ];
    assert.deepEqual(page.commonPrefixes, page.commonPrefixes.toSorted(byBytes));
    assert.deepEqual(
      page.objects.map(({ ref }) => ref?.key),
      page.objects.map(({ ref }) => ref?.key ?? "").toSorted(byBytes),
    );
    entries.push(...names.toSorted((a, b) => byBytes(a.name, b.name)));
    assert.equal(page.hasMore, page.nextContinuationToken !== "");
    assert.equal(page.hasMore ? names.length : Math.min(names.length, maxKeys), page.hasMore ? maxKeys : names.length);
    if (!page.hasMore) return entries;
    continuationToken = page.nextContinuationToken;
  }
}

/** A few at a time: workerd closes connections that idle for 5 s, and does so late when it is busy. */
async function fill(keys: readonly string[], metadata: Record<string, string>): Promise<void> {
  for (let at = 0; at < keys.length; at += 50) {
    await stores.control("fill", { keys: keys.slice(at, at + 50), metadata, contentType: "x/y" });
  }
}

/** Characters whose order differs between UTF-8 and UTF-16 (U+FFFD and an emoji), and delimiters that overlap. */
const piece = fc.constantFrom("a", "b", "/", "//", "-", "é", "\uFFFD", "😀", "%", "_", ".");
const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
const keys = [
  ...new Set([...fc.sample(name, { numRuns: 90, seed: 7 }), "a", "a/", "a//b", "a/b", "a-b", "b/😀", "b/\uFFFD"]),
];

test("pages put together are exactly the model's listing", async () => {
  await Promise.all(keys.map((key) => write(s3, { ref: { bucket: "files", key } }, key)));
  const part = fc.oneof(
    { weight: 2, arbitrary: fc.constant("") },
    name,
    fc.constantFrom(...keys),
    fc.tuple(fc.constantFrom(...keys), fc.nat(4)).map(([key, length]) => [...key].slice(0, length).join("")),
  );
  const delimiter = fc.constantFrom("", "/", "/", "//", "-", "😀", "a/", "é", "_.");
  const property = fc.asyncProperty(
    part,
    delimiter,
    part,
    fc.integer({ min: 1, max: 12 }),
    async (prefix, cut, after, size) => {
      const listing = { prefix, delimiter: cut, startAfter: after };
      assert.deepEqual(await listAll(listing, size), model(keys, listing));
    },
  );
  await fc.assert(property, { numRuns: 120 });
});

test("without max_keys a page has 1000 entries, metadata and all", async () => {
  const many = Array.from({ length: 1003 }, (_, n) => `many/${String(n).padStart(4, "0")}`);
  await fill(many, { a: "b" });
  for (const maxKeys of [0, -5]) {
    const first = await s3.listObjects({ bucket: "other", prefix: "many/", maxKeys });
    assert.deepEqual(
      first.objects.map(({ ref }) => ref?.key),
      many.slice(0, 1000),
    );
    assert.ok(first.objects.every(({ metadata, contentType }) => metadata.a === "b" && contentType === "x/y"));
    const rest = { bucket: "other", prefix: "many/", continuationToken: first.nextContinuationToken };
    const last = await s3.listObjects({ ...rest, startAfter: "zzz is ignored" });
    assert.deepEqual(
      last.objects.map(({ ref }) => ref?.key),
      many.slice(1000),
    );
    assert.equal(last.hasMore, false);
  }
  // More than R2 gives in one operation, in one page.
  const all = await s3.listObjects({ bucket: "other", prefix: "many/", maxKeys: 5000 });
  assert.deepEqual([all.objects.length, all.hasMore], [1003, false]);
});

test("a page that would be too large for gestaltd is shorter, and nothing is lost", async () => {
  const fat = Array.from({ length: 1100 }, (_, n) => `fat/${String(n).padStart(4, "0")}-${"k".repeat(900)}`);
  await fill(fat, { filler: "v".repeat(2000) });
  const seen: (string | undefined)[] = [];
  for (let continuationToken = ""; ; ) {
    const page = await s3.listObjects({ bucket: "other", prefix: "fat/", maxKeys: 2000, continuationToken });
    seen.push(...page.objects.map(({ ref }) => ref?.key));
    if (!page.hasMore) break;
    assert.ok(page.objects.length > 500, `${page.objects.length} entries`);
    continuationToken = page.nextContinuationToken;
  }
  assert.deepEqual(seen, fat);
});

test("a common prefix does not come again when a key is written under it between two pages", async () => {
  const put = (key: string) => write(s3, { ref: { bucket: "other", key: `grow/${key}` } });
  for (const key of ["a/1", "b/1", "c"]) await put(key);
  const listing = { bucket: "other", prefix: "grow/", delimiter: "/", maxKeys: 1 };
  const first = await s3.listObjects(listing);
  assert.deepEqual(first.commonPrefixes, ["grow/a/"]);
  await put("a/2");
  const second = await s3.listObjects({ ...listing, maxKeys: 2, continuationToken: first.nextContinuationToken });
  assert.deepEqual([second.commonPrefixes, second.objects.map(({ ref }) => ref?.key)], [["grow/b/"], ["grow/c"]]);
});

test("a token is good for its own listing only, and damage shows", async () => {
  for (const key of ["t/1", "t/2", "t/3"]) await write(s3, { ref: { bucket: "files", key } });
  const listing = { bucket: "files", prefix: "t/", maxKeys: 1 };
  const { nextContinuationToken: token } = await s3.listObjects(listing);
  // A token outlives its session: nothing about it is stored.
  const elsewhere = await stores.s3().listObjects({ ...listing, continuationToken: token });
  assert.deepEqual(
    elsewhere.objects.map(({ ref }) => ref?.key),
    ["t/2"],
  );
  const other = [{ prefix: "t" }, { delimiter: "/" }, { bucket: "other" }];
  for (const change of other) {
    await refused(s3.listObjects({ ...listing, ...change, continuationToken: token }), Code.InvalidArgument);
  }
  const damage = fc.tuple(fc.nat(token.length - 2), fc.constantFrom(..."Ab0-_ .é"));
  const property = fc.asyncProperty(damage, async ([at, character]) => {
    fc.pre(token[at] !== character);
    const continuationToken = token.slice(0, at) + character + token.slice(at + 1);
    await refused(s3.listObjects({ ...listing, continuationToken }), Code.InvalidArgument);
  });
  await fc.assert(property, { numRuns: 60 });
  for (const continuationToken of ["x", "AAAA", token.slice(0, 12), `${token}AAAA`, "gestalt_s3_ct_x"]) {
    await refused(s3.listObjects({ ...listing, continuationToken }), Code.InvalidArgument);
  }
});

test("a list request needs a bucket", async () => {
  await refused(s3.listObjects({}), Code.InvalidArgument);
});
