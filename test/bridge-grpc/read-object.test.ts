// Object reads through the bridge: raw bytes become messages as they come, and every way to break is one status.
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { frame } from "../../src/bridge/grpc/frames.ts";
import { createProxy } from "../../src/bridge/proxy/proxy.ts";
import {
  ReadObjectChunkSchema,
  ReadObjectRequestSchema,
  S3,
  S3ObjectMetaSchema,
} from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { OBJECT_META_HEADER, OBJECT_READ_PATH } from "../../src/wire/routes.ts";
import { endlessBody, readNoFasterThan } from "../support/back-pressure.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { collect, rawCall, rawSession, rawStream } from "../support/grpc-clients.ts";
import { type Behaviour, type FarSide, farSide } from "../support/grpc-far-side.ts";

const READ = "/gestalt.provider.v1.S3/ReadObject";
const META = { ref: { bucket: "b", key: "k" }, size: 300_000n, etag: '"e"', contentType: "x/y" };
const HEAD = {
  "content-type": "application/octet-stream",
  [OBJECT_META_HEADER]: Buffer.from(toBinary(S3ObjectMetaSchema, create(S3ObjectMetaSchema, META))).toString("base64"),
};
const request = Buffer.from(toBinary(ReadObjectRequestSchema, create(ReadObjectRequestSchema, { ref: META.ref })));

async function behind(t: TestContext, behaviour: Behaviour): Promise<{ far: FarSide; bridge: TestBridge }> {
  const far = await farSide(behaviour);
  t.after(() => far.close());
  return { far, bridge: await startBridge(t, createProxy(far.source, [S3])) };
}

const decode = (messages: readonly Uint8Array[]) =>
  messages.map((one) => fromBinary(ReadObjectChunkSchema, one).result);

describe("an object read", () => {
  it("is its description, then its bytes, in messages under the limit", async (t) => {
    const content = Buffer.alloc(300_000, "0123456789");
    const { far, bridge } = await behind(t, (_seen, response) => {
      response.writeHead(200, { ...HEAD, "content-length": content.length, "x-lead": "kept" }).end(content);
    });
    const answer = await rawCall(rawSession(t, bridge), READ, [request]);
    assert.deepEqual(answer.statuses, ["0"]);
    const [first, ...rest] = decode(answer.messages);
    assert.ok(first?.case === "meta");
    assert.deepEqual([first.value.size, first.value.contentType], [300_000n, "x/y"]);
    assert.ok(answer.messages.every(({ length }) => length <= MAX_MESSAGE_BYTES));
    const bytes = Buffer.concat(rest.map((one) => (one.case === "data" ? one.value : assert.fail("no data"))));
    assert.ok(bytes.equals(content));
    assert.equal(answer.headers?.["x-lead"], "kept");
    assert.equal(answer.headers?.[OBJECT_META_HEADER], undefined);
    assert.equal(far.seen[0]?.path, OBJECT_READ_PATH);
    assert.deepEqual(far.seen[0]?.body, request);
  });

  it("of an empty object is its description alone", async (t) => {
    const { bridge } = await behind(t, (_seen, response) => response.writeHead(200, HEAD).end());
    const answer = await rawCall(rawSession(t, bridge), READ, [request]);
    assert.deepEqual([answer.statuses, decode(answer.messages).map((one) => one.case)], [["0"], ["meta"]]);
  });

  it("is read no faster than the caller reads", async (t) => {
    const body = endlessBody(Buffer.alloc(256 * 1024));
    const { bridge } = await behind(t, (_seen, response) => body.send(response.writeHead(200, HEAD)));
    const stream = rawStream(rawSession(t, bridge), READ);
    stream.end(frame(request));
    await readNoFasterThan(stream, body);
  });

  it("that is cancelled ends the request to the worker", async (t) => {
    const { far, bridge } = await behind(t, (_seen, response) => void response.writeHead(200, HEAD).write("first"));
    const stream = rawStream(rawSession(t, bridge), READ);
    stream.end(frame(request));
    await once(stream, "data");
    stream.close(8);
    await far.deserted();
  });
});

describe("a broken object read", () => {
  const json = { "content-type": "application/json" };
  const cases: [string, Behaviour, string][] = [
    ["does not describe the object", (_seen, response) => response.writeHead(200).end("bytes"), "13"],
    ["is not there", (_seen, response) => response.writeHead(404, json).end('{"code":"not_found","message":"m"}'), "5"],
    [
      "meets an error page",
      (_seen, response) => response.writeHead(503, { "content-type": "text/html" }).end("<html>"),
      "14",
    ],
    [
      "is shorter than announced",
      (_seen, response) => {
        response.writeHead(200, { ...HEAD, "content-length": 10 });
        response.write("short", () => response.socket?.destroy());
      },
      "14",
    ],
    [
      "breaks off without a length",
      (_seen, response) => void response.writeHead(200, HEAD).write("some", () => response.socket?.destroy()),
      "14",
    ],
  ];
  for (const [name, behaviour, status] of cases) {
    it(`that ${name} is code ${status}`, async (t) => {
      const { bridge } = await behind(t, behaviour);
      assert.deepEqual((await rawCall(rawSession(t, bridge), READ, [request])).statuses, [status]);
    });
  }

  it("is begun again when the connection broke before anything came, and only then", async (t) => {
    let calls = 0;
    const { far, bridge } = await behind(t, (_seen, response) => {
      if (++calls === 1) response.socket?.destroy();
      else response.writeHead(200, HEAD).end("bytes");
    });
    const session = rawSession(t, bridge);
    const stream = rawStream(session, READ);
    stream.end(frame(request));
    assert.deepEqual((await collect(stream)).statuses, ["0"]);
    assert.equal(far.seen.length, 2);
  });
});
