// The object store the way gestaltd reaches it: gRPC on the bridge's socket, with two client libraries, and in front of the
// worker what the real edge would refuse. The details of each answer are tested without the bridge, in the files beside this.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { PresignMethod, S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { UPLOAD_PART_BYTES } from "../../src/wire/limits.ts";
import { type BridgedClients, GRPC_CLIENTS, startBridgedClients } from "../support/bridged-clients.ts";
import { pattern, read, refused, type S3Client, type Stores, sha256, startStores, text, write } from "./stores.ts";

/** Around the size from which an object crosses in parts, and beyond three parts in flight. */
const SIZES = [0, 1, 65_536, UPLOAD_PART_BYTES, UPLOAD_PART_BYTES + 1, 5 * UPLOAD_PART_BYTES + 4711];

for (const library of GRPC_CLIENTS) {
  describe(`objects through the bridge with ${library}`, () => {
    let stores: Stores;
    let bridged: BridgedClients;
    let s3: S3Client;
    const ref = (key: string, bucket = "files") => ({ bucket, key });

    before(async () => {
      stores = await startStores();
      bridged = await startBridgedClients(stores.worker, "s3", library);
      s3 = bridged.client(S3, "r2", {});
    });
    after(async () => {
      await bridged.stop();
      await stores.stop();
    });

    for (const size of SIZES) {
      it(`writes and reads ${size} bytes, with type and metadata`, async () => {
        const content = pattern(size);
        const open = { ref: ref(`size-${size}`), contentType: "x/y", metadata: { name: "blå" } };
        const written = await write(s3, open, content);
        const { meta, bytes } = await read(s3, { ref: open.ref });
        assert.equal(sha256(bytes), sha256(content));
        assert.equal(meta.size, BigInt(size));
        assert.equal(meta.etag, written.etag);
        assert.deepEqual([meta.contentType, meta.metadata], ["x/y", { name: "blå" }]);
      });
    }

    it("reads inclusive ranges", async () => {
      await write(s3, { ref: ref("digits") }, "0123456789");
      const part = (range: { start?: bigint; end?: bigint }) => text(s3, { ref: ref("digits"), range });
      assert.equal(await part({ start: 2n, end: 5n }), "2345");
      assert.equal(await part({ start: 7n }), "789");
      assert.equal(await part({ end: 3n }), "0123");
      await refused(part({ start: 10n }), Code.OutOfRange);
    });

    it("holds conditions and says what is not there", async () => {
      const { etag } = await write(s3, { ref: ref("kept") }, "kept");
      await refused(read(s3, { ref: ref("kept"), ifNoneMatch: etag }), Code.FailedPrecondition);
      await refused(write(s3, { ref: ref("kept"), ifNoneMatch: "*" }, "x"), Code.FailedPrecondition);
      const large = pattern(2 * UPLOAD_PART_BYTES);
      await refused(write(s3, { ref: ref("kept"), ifNoneMatch: "*" }, large), Code.FailedPrecondition);
      await refused(read(s3, { ref: ref("missing") }), Code.NotFound);
      assert.match(await refused(s3.headObject({ ref: ref("kept", "nowhere") }), Code.NotFound), /nowhere/);
      assert.equal(await text(s3, { ref: ref("kept") }), "kept");
    });

    it("lists pages in order, copies, deletes twice", async () => {
      for (const key of ["list/b/2", "list/a", "list/b/1", "list/é"]) await write(s3, { ref: ref(key) }, key);
      const page = { bucket: "files", prefix: "list/", delimiter: "/", maxKeys: 2 };
      const first = await s3.listObjects(page);
      assert.deepEqual([first.objects.map(({ ref }) => ref?.key), first.commonPrefixes], [["list/a"], ["list/b/"]]);
      const rest = await s3.listObjects({ ...page, continuationToken: first.nextContinuationToken });
      assert.deepEqual([rest.objects.map(({ ref }) => ref?.key), rest.hasMore], [["list/é"], false]);
      await s3.copyObject({ source: ref("list/a"), destination: ref("copied", "other") });
      assert.equal(await text(s3, { ref: ref("copied", "other") }), "list/a");
      await s3.deleteObject({ ref: ref("list/a") });
      await s3.deleteObject({ ref: ref("list/a") });
      await refused(s3.headObject({ ref: ref("list/a") }), Code.NotFound);
    });

    it("presigns what plain HTTP then fetches", async () => {
      await write(s3, { ref: ref("shared") }, "for all to read");
      const { url } = await s3.presignObject({ ref: ref("shared"), method: PresignMethod.GET });
      const answer = await fetch(url);
      assert.deepEqual([answer.status, await answer.text()], [200, "for all to read"]);
    });

    it("leaves nothing of an upload that is cut half-way", async () => {
      const cut = new AbortController();
      const content = pattern(3 * UPLOAD_PART_BYTES);
      const messages = async function* () {
        yield { msg: { case: "open" as const, value: { ref: ref("cut") } } };
        for (let at = 0; at < content.length; at += 65_536) {
          yield { msg: { case: "data" as const, value: content.subarray(at, at + 65_536) } };
          if (at > 2 * UPLOAD_PART_BYTES) cut.abort();
        }
      };
      await refused(s3.writeObject(messages(), { signal: cut.signal }), Code.Canceled);
      await refused(s3.headObject({ ref: ref("cut") }), Code.NotFound);
    });
  });
}
