// Scenarios for host.s3.
import type { HostServices } from "../../src/worker/host/host.ts";
import { S3NotFoundError } from "../../src/worker/s3/errors.ts";
import type { S3Meta } from "../../src/worker/s3/objects.ts";
import { type Scenario, thrownBy } from "../support/scenarios.ts";

const BUCKET = "docs";
const MIB = 1024 * 1024;

/** What is the same each time. */
const facts = ({ lastModified: _, ...meta }: S3Meta) => meta;

export const writes: Scenario = async ({ s3 }) => {
  const store = s3();
  const bytes = new TextEncoder().encode("bytes");
  async function* pieces() {
    yield "one, ";
    yield new TextEncoder().encode("");
    yield new TextEncoder().encode("two");
  }
  const written = await store.object(BUCKET, "text").writeString("grüße", {
    contentType: "text/plain",
    metadata: { author: "Ada" },
  });
  await store.object(BUCKET, "bytes").writeBytes(bytes);
  await store.object(BUCKET, "buffer").write(Uint8Array.from(bytes).buffer);
  await store.object(BUCKET, "blob").write(new Blob(["<p>"], { type: "text/html" }));
  await store.object(BUCKET, "blob-typed").write(new Blob(["<p>"], { type: "text/html" }), { contentType: "text/x" });
  await store.object(BUCKET, "stream").write(new Blob(["a stream"]).stream());
  await store.object(BUCKET, "pieces").write(pieces());
  await store.object(BUCKET, "json").writeJSON({ a: [1, null] });
  await store.object(BUCKET, "empty").write("");
  const read: Record<string, unknown> = {};
  for (const key of ["text", "bytes", "buffer", "blob", "blob-typed", "stream", "pieces", "json", "empty"]) {
    const object = store.object(BUCKET, key);
    read[key] = [await object.text(), (await object.stat()).contentType];
  }
  return { written: facts(written), read, json: await store.object(BUCKET, "json").json() };
};

export const headers: Scenario = async ({ s3 }) => {
  await s3()
    .object(BUCKET, "headers")
    .write("x", {
      contentType: "a/b",
      cacheControl: "no-store",
      contentDisposition: "inline",
      contentEncoding: "identity",
      contentLanguage: "de",
      metadata: { k: "v" },
    });
};

export const reads: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "digits");
  await object.write("0123456789");
  const { meta, body } = await object.read({ range: { start: 2, end: 5 } });
  return {
    exists: await object.exists(),
    gone: await s3().object(BUCKET, "never").exists(),
    size: meta.size,
    part: await new Response(body).text(),
    from: await object.text({ range: { start: 7 } }),
    upTo: await object.text({ range: { end: 2 } }),
    bytes: await object.bytes({ range: { start: 0, end: 0 } }),
    stream: await new Response(await object.stream()).text(),
    past: await thrownBy(() => object.bytes({ range: { start: 10 } })),
    reversed: await thrownBy(() => object.bytes({ range: { start: 3, end: 2 } })),
    negative: await thrownBy(() => object.bytes({ range: { start: -1 } })),
    fraction: await thrownBy(() => object.bytes({ range: { end: 1.5 } })),
    missing: await thrownBy(() => s3().object(BUCKET, "never").bytes()),
    missingStat: await thrownBy(() => s3().object(BUCKET, "never").stat()),
    notJson: (await thrownBy(() => object.text().then((text) => JSON.parse(`${text}x`)))).name,
  };
};

export const conditions: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "conditional");
  const { etag } = await object.write("one", { ifNoneMatch: "*" });
  const before = new Date(Date.now() - 3_600_000);
  const after = new Date(Date.now() + 3_600_000);
  return {
    writeNew: await thrownBy(() => object.write("two", { ifNoneMatch: "*" })),
    writeOther: await thrownBy(() => object.write("two", { ifMatch: '"other"' })),
    writeSame: (await object.write("one", { ifMatch: etag })).etag === etag,
    readSame: await object.text({ ifMatch: etag, ifModifiedSince: before, ifUnmodifiedSince: after }),
    readOther: await thrownBy(() => object.text({ ifMatch: '"other"' })),
    notModified: await thrownBy(() => object.text({ ifNoneMatch: etag })),
    notModifiedSince: await thrownBy(() => object.text({ ifModifiedSince: after })),
    modifiedSince: await thrownBy(() => object.text({ ifUnmodifiedSince: before })),
    copyOther: await thrownBy(() => s3().copy(object.ref, { bucket: BUCKET, key: "b" }, { ifNoneMatch: etag })),
  };
};

export const copiesAndDeletes: Scenario = async ({ s3 }) => {
  const store = s3();
  const source = store.object(BUCKET, "source");
  await source.write("copied", { contentType: "a/b" });
  const meta = await store.copy(source.ref, { bucket: "other", key: "destination" });
  await source.delete();
  await source.delete();
  return {
    meta: facts(meta),
    text: await store.object("other", "destination").text(),
    left: await source.exists(),
    missing: await thrownBy(() => store.copy(source.ref, { bucket: "other", key: "x" })),
  };
};

export const lists: Scenario = async ({ s3 }) => {
  const store = s3();
  for (const key of ["a/1", "a/2", "a/3", "b", "c/1", "é"]) await store.object("list", key).write(key);
  const keys: string[] = [];
  for await (const { ref } of store.list("list", { pageSize: 2 })) keys.push(ref.key);
  const some: string[] = [];
  for await (const { ref } of store.list("list", { prefix: "a/", startAfter: "a/1" })) some.push(ref.key);
  const first: string[] = [];
  for await (const { ref } of store.list("list", { pageSize: 1 })) {
    first.push(ref.key);
    break;
  }
  const pages: unknown[] = [];
  let token: string | undefined;
  for await (const page of store.listPages("list", { delimiter: "/", pageSize: 2 })) {
    pages.push([page.objects.map(({ ref }) => ref.key), page.commonPrefixes]);
    token ??= page.nextContinuationToken;
  }
  const rest: string[] = [];
  const options = { delimiter: "/", ...(token !== undefined && { continuationToken: token }) };
  for await (const { ref } of store.list("list", options)) rest.push(ref.key);
  const none: S3Meta[] = [];
  for await (const meta of store.list("empty")) none.push(meta);
  return { keys, some, first, pages, rest, none };
};

export const presigns: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "a b");
  const from = Date.now();
  const get = await object.presign();
  const put = await object.createAccessURL({
    method: "PUT",
    expiresSeconds: 60,
    contentType: "a/b",
    headers: { "x-a": "1" },
  });
  const minutes = (date: Date) => Math.round((date.getTime() - from) / 60_000);
  return {
    get: { ...get, expiresAt: minutes(get.expiresAt) },
    put: { ...put, expiresAt: minutes(put.expiresAt) },
    zero: await thrownBy(() => object.presign({ expiresSeconds: 0 })),
    fraction: await thrownBy(() => object.presign({ expiresSeconds: 1.5 })),
  };
};

export const presignFails: Scenario = ({ s3 }) => s3().object(BUCKET, "a").presign();

/** Bytes that tell where they stand. */
async function* counting(total: number, chunk: number) {
  for (let at = 0; at < total; at += chunk) yield new Uint8Array(Math.min(chunk, total - at)).fill((at / chunk) % 251);
}

export const streamsLarge: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "large");
  const total = 9 * MIB + 1;
  const { size } = await object.write(counting(total, MIB));
  let at = 0;
  let wrong = 0;
  for await (const chunk of await object.stream()) {
    for (let i = 0; i < chunk.byteLength; i += 4096) if (chunk[i] !== Math.floor((at + i) / MIB) % 251) wrong++;
    at += chunk.byteLength;
  }
  return { size, read: at, wrong };
};

/** Reads a little of a large object, leaves, and stays at work until it is told to go: the end of a request ends all it has open. */
export const leavesEarly: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "large");
  const reader = (await object.stream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  let read = 0;
  for await (const chunk of await object.stream()) {
    read += chunk.byteLength;
    break;
  }
  await s3().object(BUCKET, "left").write("");
  while (!(await s3().object(BUCKET, "go").exists())) await scheduler.wait(5);
  return { first: value !== undefined && value.byteLength > 0, read: read > 0 };
};

export const go: Scenario = ({ s3 }) => s3().object(BUCKET, "go").write("");

export const holdsOpen: Scenario = async ({ s3 }, _params, { signal }) => {
  const { body } = await s3().object(BUCKET, "large").read();
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await body.cancel();
};

/** Time for everything that could be under way to arrive, in round trips. */
async function settle(host: HostServices): Promise<void> {
  for (let i = 0; i < 50; i++) await host.s3().object(BUCKET, "never").exists();
}

/** Bytes that were asked of the body of a write that gestaltd does not read. */
export const writesAgainstWall: Scenario = async (host) => {
  let asked = 0;
  async function* endless() {
    for (;;) {
      asked += MIB;
      yield new Uint8Array(MIB);
    }
  }
  const stop = new AbortController();
  const write = thrownBy(() => host.s3().object(BUCKET, "wall").write(endless(), { signal: stop.signal }));
  await settle(host);
  stop.abort();
  return { asked, code: (await write).code };
};

/** Reads a little and then stands still. */
export const readsAndStops: Scenario = async (host, { key }) => {
  const reader = (await host.s3().object(BUCKET, String(key)).stream()).getReader();
  await reader.read();
  await settle(host);
  await reader.cancel();
};

export const writesLarge: Scenario = ({ s3 }, { key, size }) =>
  s3()
    .object(BUCKET, String(key))
    .write(counting(Number(size), MIB));

export const bodyFails: Scenario = async ({ s3 }) => {
  const object = s3().object(BUCKET, "broken");
  async function* broken() {
    yield new Uint8Array(MIB);
    throw new TypeError("the source broke");
  }
  const thrown = await thrownBy(() => object.write(broken()));
  let cancelled: unknown;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1024)),
    cancel(reason) {
      cancelled = reason;
    },
  });
  await object.write("there");
  const refused = await thrownBy(() => object.write(endless, { ifNoneMatch: "*" }));
  return {
    thrown,
    refused,
    cancelled: cancelled instanceof Error ? cancelled.name : cancelled,
    text: await object.text(),
  };
};

export const typed: Scenario = async ({ s3 }) => {
  try {
    await s3().object(BUCKET, "never").text();
  } catch (error) {
    return error instanceof S3NotFoundError;
  }
};
