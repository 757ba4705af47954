// defineS3Provider: what authors may leave out, and what callers are spared when a store misbehaves.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Agent, request } from "undici";
import { ReadObjectRequestSchema, S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { OBJECT_READ_PATH, UPLOAD_HEADER, UPLOAD_PART_NUMBER_HEADER, UPLOAD_PART_PATH } from "../../src/wire/routes.ts";
import { iterate, pattern, read, refused, sha256, startStores, text, write } from "./stores.ts";

const stores = await startStores();
after(() => stores.stop());
const memory = stores.s3("memory");
const odd = stores.s3("odd");
const ref = (key: string) => ({ bucket: "any", key });
const oddState = () => stores.control<{ pulled: number; cancelled: boolean; writesRefused: number }>("odd");

const MIB = 1024 * 1024;

test("typed errors of an author become the three codes gestaltd knows", async () => {
  await write(memory, { ref: ref("a") }, "0123456789");
  await refused(memory.headObject({ ref: ref("none") }), Code.NotFound);
  await refused(read(memory, { ref: ref("none") }), Code.NotFound);
  await refused(read(memory, { ref: ref("a"), ifMatch: '"x"' }), Code.FailedPrecondition);
  await refused(read(memory, { ref: ref("a"), range: { start: 10n } }), Code.OutOfRange);
  assert.equal(await text(memory, { ref: ref("a"), range: { start: 2n, end: 5n } }), "2345");
});

test("a body in pieces of any size comes in whole frames", async () => {
  const content = pattern(2 * 262_144 + 5);
  await write(memory, { ref: ref("pieces") }, content);
  const { bytes, frames } = await read(memory, { ref: ref("pieces") });
  assert.deepEqual(frames, [262_144, 262_144, 5]);
  assert.equal(sha256(bytes), sha256(content));
});

test("without copyObject a copy is a read and a write, under the same conditions", async () => {
  await write(memory, { ref: ref("source"), contentType: "x/y", metadata: { a: "b" } }, "content");
  const { meta } = await memory.copyObject({ source: ref("source"), destination: ref("copy") });
  assert.deepEqual([meta?.ref?.key, meta?.size, meta?.contentType, meta?.metadata], ["copy", 7n, "x/y", { a: "b" }]);
  assert.equal(await text(memory, { ref: ref("copy") }), "content");
  await refused(
    memory.copyObject({ source: ref("source"), destination: ref("x"), ifMatch: '"x"' }),
    Code.FailedPrecondition,
  );
  await refused(memory.copyObject({ source: ref("none"), destination: ref("x") }), Code.NotFound);
  await write(memory, { ref: ref("empty") });
  await memory.copyObject({ source: ref("empty"), destination: ref("copy") });
  assert.equal(await text(memory, { ref: ref("copy") }), "");
});

test("what a store does not offer is UNIMPLEMENTED, and its public path leads nowhere", async () => {
  await refused(memory.presignObject({ ref: ref("a"), method: 1 }), Code.Unimplemented);
  assert.equal((await stores.worker.fetch("/objects/memory/any/a?access=x")).status, 401);
});

test("sizes that are none never reach the wire", async () => {
  await refused(odd.headObject({ ref: ref("huge") }), Code.Internal);
  await refused(odd.headObject({ ref: ref("fraction") }), Code.Internal);
});

test("an author's own failure is INTERNAL and keeps its secrets, also in the middle of a stream", async () => {
  assert.doesNotMatch(await refused(odd.deleteObject({ ref: ref("x") }), Code.Internal), /secret/);
  const received: number[] = [];
  const stream = async () => {
    for await (const { result } of odd.readObject({ ref: ref("broken") }))
      received.push(result.case === "data" ? result.value.length : -1);
  };
  assert.doesNotMatch(await refused(stream, Code.Internal), /secret/);
  assert.equal(received[0], -1);
});

test("a write refused unread still reads the caller's stream to its end, and one accepted unread too", async () => {
  let sent = 0;
  const messages = (key: string) =>
    async function* () {
      yield { msg: { case: "open", value: { ref: ref(key) } } } as const;
      for (; sent < 128; sent++) yield { msg: { case: "data", value: pattern(65_536) } } as const;
    };
  assert.equal(await refused(odd.writeObject(messages("refused")()), Code.FailedPrecondition), "refused unread");
  assert.equal(sent, 128);
  sent = 0;
  assert.equal((await odd.writeObject(messages("accepted")())).meta?.ref?.key, "accepted");
  assert.equal(sent, 128);
});

test("a stream out of order does not reach the author", async () => {
  const before = (await oddState()).writesRefused;
  await refused(odd.writeObject(iterate([{ msg: { case: "data", value: Buffer.from("x") } }])), Code.InvalidArgument);
  assert.equal((await oddState()).writesRefused, before);
});

test("a caller who stops reading stops the source", async () => {
  const aborter = new AbortController();
  const stream = async () => {
    let frames = 0;
    for await (const { result } of odd.readObject({ ref: ref("endless") }, { signal: aborter.signal })) {
      if (result.case === "data" && ++frames === 3) aborter.abort();
    }
  };
  await refused(stream, Code.Canceled);
  await until(async () => (await oddState()).cancelled);
  const { pulled } = await oddState();
  assert.ok(pulled < 32 * MIB, `${pulled} bytes were pulled for 3 frames`);
});

test("a caller who reads slowly holds the source back", async () => {
  const agent = new Agent();
  const body = toBinary(ReadObjectRequestSchema, create(ReadObjectRequestSchema, { ref: ref("endless") }));
  const answer = await request(`${stores.worker.url}/${S3.typeName}/ReadObject`, {
    method: "POST",
    dispatcher: agent,
    headers: {
      authorization: `Bearer ${await stores.worker.token({ provider: "odd" })}`,
      "content-type": "application/connect+proto",
    },
    body: Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]),
  });
  // Nobody reads the answer: the source stands still once the buffers on the way are full.
  let last = -1;
  let same = 0;
  await until(async () => {
    const { pulled } = await oddState();
    same = pulled === last ? same + 1 : 0;
    last = pulled;
    return same === 20;
  });
  assert.ok(last > 0 && last < 32 * MIB, `${last} bytes`);
  answer.body.on("error", () => {}).destroy();
  await agent.destroy();
  await until(async () => (await oddState()).cancelled);
});

test("raw reads and parts heed the deadline as calls do: the store is told, and answered for if it is deaf", async () => {
  const { uploads, token } = stores.session("raw", "odd");
  for (const [key, code] of [
    ["deaf", "deadline_exceeded"],
    ["heeds", "aborted"],
  ] as const) {
    const { upload } = await uploads.begin({ msg: { case: "open", value: { ref: ref(key) } } });
    const message = toBinary(ReadObjectRequestSchema, create(ReadObjectRequestSchema, { ref: ref(key) }));
    const part = { [UPLOAD_HEADER]: upload, [UPLOAD_PART_NUMBER_HEADER]: "1" };
    for (const [path, body, headers] of [
      [OBJECT_READ_PATH, message, {}],
      [UPLOAD_PART_PATH, Buffer.from("a part"), part],
    ] as const) {
      const authorization = `Bearer ${await token()}`;
      const answer = await stores.worker.fetch(path, {
        method: "POST",
        headers: { ...headers, authorization, "connect-timeout-ms": "30" },
        body,
      });
      assert.equal(((await answer.json()) as { code: string }).code, code, `${path} of ${key}`);
    }
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}
