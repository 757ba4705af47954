// The third act: an object store, with an object large enough to go up in parts, checksummed end to end.
import { createCipheriv, createHash } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { ProviderKind } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PresignMethod, S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import type { BridgeProcess } from "./bridge-process.ts";
import { handshake } from "./handshake.ts";
import { expect, outcome, type Report } from "./report.ts";

export interface ObjectsAct {
  readonly bridge: BridgeProcess;
  readonly worker: JsonObject;
  readonly bucket: string;
}

const MIB = 1024 * 1024;
const OBJECT_BYTES = 64 * MIB;
/** What gestaltd puts into one message, in bytes. */
const MESSAGE_BYTES = 64 * 1024;
const KEY = "plugin_6_search/tides.bin";
const COPY = "plugin_6_search/copies/tides.bin";

export async function playObjects(report: Report, { bridge, worker, bucket }: ObjectsAct): Promise<void> {
  report.section(`An object store: the s3 kind with examples/blobs, one object of ${OBJECT_BYTES / MIB} MiB`);
  await handshake(report, bridge, { kind: ProviderKind.S3, name: "blobs", config: { worker } });
  const s3 = bridge.client(S3);
  const store = { report, s3, bucket };
  const digest = await write(store);
  await read(store, digest);
  await readRange(store);
  await copyAndList(store);
  await presignAndFetch(store, digest);
  await remove(store);
}

interface Store {
  readonly report: Report;
  readonly s3: Client<typeof S3>;
  readonly bucket: string;
}

function write({ report, s3, bucket }: Store): Promise<string> {
  return report.step("WriteObject, streamed as gestaltd does", async () => {
    const hash = createHash("sha256");
    const open = { ref: { bucket, key: KEY }, contentType: "application/octet-stream", metadata: { demo: "tides" } };
    async function* messages() {
      yield { msg: { case: "open" as const, value: open } };
      for (const data of generate(OBJECT_BYTES)) {
        hash.update(data);
        yield { msg: { case: "data" as const, value: data } };
      }
    }
    const started = performance.now();
    const { meta } = await s3.writeObject(messages());
    expect(meta?.size === BigInt(OBJECT_BYTES), `the object has ${meta?.size} bytes`);
    return outcome(`${rate(started)}, etag ${meta.etag.replaceAll('"', "").slice(0, 12)}…`, hash.digest("hex"));
  });
}

function read({ report, s3, bucket }: Store, digest: string): Promise<undefined> {
  return report.step("ReadObject", async () => {
    const hash = createHash("sha256");
    const started = performance.now();
    for await (const { result } of s3.readObject({ ref: { bucket, key: KEY } }))
      if (result.case === "data") hash.update(result.value);
    expect(hash.digest("hex") === digest, "what was read is not what was written");
    return outcome(`${rate(started)}, sha256 ${digest.slice(0, 12)}… as written`);
  });
}

function readRange({ report, s3, bucket }: Store): Promise<undefined> {
  const start = 40 * MIB + 5;
  const end = start + 99_999;
  return report.step("ReadObject, 100,000 bytes from the middle", async () => {
    const parts: Uint8Array[] = [];
    const range = { start: BigInt(start), end: BigInt(end) };
    for await (const { result } of s3.readObject({ ref: { bucket, key: KEY }, range }))
      if (result.case === "data") parts.push(result.value);
    const wanted = slice(start, end + 1);
    expect(Buffer.concat(parts).equals(wanted), "the range is not the bytes that were written there");
    return outcome(`bytes ${start} to ${end}, as written`);
  });
}

async function copyAndList({ report, s3, bucket }: Store): Promise<void> {
  await report.step("CopyObject", async () => {
    const { meta } = await s3.copyObject({ source: { bucket, key: KEY }, destination: { bucket, key: COPY } });
    expect(meta?.size === BigInt(OBJECT_BYTES), `the copy has ${meta?.size} bytes`);
    return outcome(`${Number(meta.size) / MIB} MiB, metadata demo=${meta.metadata.demo}`);
  });
  await report.step("ListObjects, with a delimiter", async () => {
    const page = await s3.listObjects({ bucket, prefix: "plugin_6_search/", delimiter: "/" });
    const names = [...page.objects.map(({ ref }) => ref?.key ?? ""), ...page.commonPrefixes];
    expect(names.join() === `${KEY},plugin_6_search/copies/`, `the list is ${names.join()}`);
    return outcome(names.join(", "));
  });
}

async function presignAndFetch({ report, s3, bucket }: Store, digest: string): Promise<void> {
  const url = await report.step("PresignObject", async () => {
    const answer = await s3.presignObject({
      ref: { bucket, key: KEY },
      method: PresignMethod.GET,
      expiresSeconds: 60n,
    });
    return outcome(`${new URL(answer.url).origin}/… for 60 s`, answer.url);
  });
  await report.step("fetch the URL over plain HTTP", async () => {
    const response = await fetch(url);
    expect(response.ok && response.body !== null, `HTTP ${response.status}`);
    const hash = createHash("sha256");
    const started = performance.now();
    for await (const chunk of response.body) hash.update(chunk);
    expect(hash.digest("hex") === digest, "what was fetched is not what was written");
    return outcome(`HTTP ${response.status}, ${rate(started)}, sha256 as written`);
  });
  await report.step("fetch it with another signature", async () => {
    const forged = new URL(url);
    forged.pathname = forged.pathname.replace("tides", "secrets");
    const response = await fetch(forged);
    await response.body?.cancel();
    expect(response.status === 403, `HTTP ${response.status} instead of 403`);
    return outcome(`HTTP ${response.status}`);
  });
}

function remove({ report, s3, bucket }: Store): Promise<undefined> {
  return report.step("DeleteObject, twice", async () => {
    for (const key of [KEY, COPY]) await s3.deleteObject({ ref: { bucket, key } });
    const { objects } = await s3.listObjects({ bucket, prefix: "plugin_6_search/" });
    expect(objects.length === 0, "something is left");
    return outcome("nothing is left");
  });
}

/** Bytes that look random and are the same every time: a cipher's key stream. */
function* generate(bytes: number): Generator<Buffer<ArrayBuffer>> {
  const cipher = keyStream();
  for (let made = 0; made < bytes; made += MESSAGE_BYTES)
    yield Buffer.from(cipher.update(Buffer.alloc(Math.min(MESSAGE_BYTES, bytes - made))));
}

/** The same bytes from `start` up to `end`. */
function slice(start: number, end: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const piece of generate(end)) {
    if (at + piece.length > start) parts.push(piece.subarray(Math.max(0, start - at)));
    at += piece.length;
  }
  return Buffer.concat(parts);
}

function keyStream() {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, "tides"), Buffer.alloc(16));
}

/** Speed of moving the whole object since `started`. */
function rate(started: number): string {
  const seconds = (performance.now() - started) / 1000;
  return `${Math.round(OBJECT_BYTES / MIB / seconds)} MiB/s`;
}
