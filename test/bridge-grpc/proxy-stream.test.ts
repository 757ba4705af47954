// Server streams through the bridge: envelopes become frames as they come, and every way to break is one status.
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { FLAG_COMPRESSED, FLAG_END_STREAM, frame } from "../../src/bridge/grpc/frames.ts";
import { serverStreamHandler } from "../../src/bridge/proxy/server-stream.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { endlessBody, readNoFasterThan } from "../support/back-pressure.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { collect, connectNode, rawCall, rawSession, rawStream } from "../support/grpc-clients.ts";
import { type Behaviour, connectFarSide, type FarSide, farSide } from "../support/grpc-far-side.ts";

/** Any method serves as an example, even this one, which the bridge carries in a way of its own. */
const method = S3.method.readObject;
const READ = "/gestalt.provider.v1.S3/ReadObject";
const STREAM = { "content-type": "application/connect+proto" };
const endStream = (json = "{}") => frame(Buffer.from(json), FLAG_END_STREAM);

async function behind(t: TestContext, behaviour: Behaviour): Promise<{ far: FarSide; bridge: TestBridge }> {
  const far = await farSide(behaviour);
  t.after(() => far.close());
  return { far, bridge: await startBridge(t, [{ method, handle: serverStreamHandler(far.source, method) }]) };
}

/** Answers with these bytes, in these pieces, each flushed by itself. */
function pieces(...chunks: Buffer[]): Behaviour {
  return async (_seen, response) => {
    response.writeHead(200, STREAM);
    for (const chunk of chunks) await new Promise((written) => response.write(chunk, written));
    response.end();
  };
}

describe("a server stream", () => {
  it("crosses as whole frames, however the answer is cut", async (t) => {
    const messages = [
      Buffer.from("meta"),
      Buffer.alloc(0),
      Buffer.alloc(70_000, 1),
      Buffer.alloc(MAX_MESSAGE_BYTES, 2),
    ];
    const whole = Buffer.concat([
      ...messages.map((message) => frame(message)),
      endStream('{"metadata":{"a":["1","2"]}}'),
    ]);
    for (const size of [3, 1000, whole.length]) {
      const small = whole.subarray(0, 12);
      const rest = Array.from({ length: Math.min(20, Math.ceil(whole.length / size)) }, (_, i) =>
        whole.subarray(12 + i * size, i === 19 ? whole.length : 12 + (i + 1) * size),
      );
      const { far, bridge } = await behind(t, pieces(...[...small].map((byte) => Buffer.from([byte])), ...rest));
      const answer = await rawCall(rawSession(t, bridge), READ, [Buffer.from("request")]);
      assert.deepEqual(answer.statuses, ["0"]);
      assert.ok(Buffer.concat(answer.messages).equals(Buffer.concat(messages)));
      assert.equal(answer.messages.length, messages.length);
      assert.equal(answer.trailers?.a, "1, 2");
      assert.deepEqual(far.seen[0]?.body, frame(Buffer.from("request")));
      assert.equal(far.seen[0]?.headers["content-type"], "application/connect+proto");
      assert.equal(far.seen[0]?.headers["connect-accept-encoding"], "identity");
    }
  });

  it("from a real Connect server reaches a real client, with its error at the end", async (t) => {
    const far = await connectFarSide((router) =>
      router.rpc(S3.method.readObject, async function* (_request, context) {
        context.responseHeader.set("x-lead", "first");
        yield { result: { case: "data" as const, value: Buffer.from("one") } };
        yield { result: { case: "data" as const, value: Buffer.from("two") } };
        throw new ConnectError("bröken", Code.DataLoss, { "x-last": "yes" });
      }),
    );
    t.after(() => far.close());
    const bridge = await startBridge(t, [{ method, handle: serverStreamHandler(far.source, method) }]);
    const received: string[] = [];
    let lead: string | null = null;
    const read = async () => {
      const onHeader = (headers: Headers) => {
        lead = headers.get("x-lead");
      };
      for await (const { result } of createClient(S3, connectNode(bridge)).readObject({}, { onHeader })) {
        if (result.case === "data") received.push(Buffer.from(result.value).toString());
      }
    };
    const error = ConnectError.from(await read().catch((reason: unknown) => reason));
    assert.deepEqual(received, ["one", "two"]);
    assert.equal(lead, "first");
    assert.equal(error.code, Code.DataLoss);
    assert.equal(error.rawMessage, "bröken");
    assert.equal(error.metadata.get("x-last"), "yes");
  });

  it("arrives message by message", async (t) => {
    const { promise: first, resolve: gotFirst } = Promise.withResolvers<void>();
    const { bridge } = await behind(t, async (_seen, response) => {
      response.writeHead(200, STREAM).write(frame(Buffer.from("first")));
      await first;
      response.end(Buffer.concat([frame(Buffer.from("second")), endStream()]));
    });
    const stream = rawStream(rawSession(t, bridge), READ);
    const answer = collect(stream);
    stream.once("data", () => gotFirst());
    stream.end(frame(Buffer.alloc(0)));
    assert.equal((await answer).messages.length, 2);
  });

  it("is read no faster than the caller reads", async (t) => {
    const body = endlessBody(frame(Buffer.alloc(256 * 1024)));
    const { bridge } = await behind(t, (_seen, response) => body.send(response.writeHead(200, STREAM)));
    const stream = rawStream(rawSession(t, bridge), READ);
    stream.end(frame(Buffer.alloc(0)));
    await readNoFasterThan(stream, body);
  });

  it("that is cancelled ends the request to the worker", async (t) => {
    const { far, bridge } = await behind(t, (_seen, response) => {
      response.writeHead(200, STREAM).write(frame(Buffer.from("first")));
    });
    const stream = rawStream(rawSession(t, bridge), READ);
    stream.end(frame(Buffer.alloc(0)));
    await once(stream, "data");
    stream.close(8);
    await far.deserted();
  });
});

describe("a broken server stream", () => {
  const cases: [string, Behaviour, string][] = [
    ["ends without its end", pieces(frame(Buffer.from("a"))), "14"],
    ["is cut inside a message", pieces(frame(Buffer.from("message")).subarray(0, 8)), "14"],
    ["ends before anything", pieces(), "14"],
    ["goes on after its end", pieces(endStream(), frame(Buffer.from("more"))), "13"],
    ["has an end that is no JSON", pieces(endStream("oops")), "13"],
    ["has an end that is no object", pieces(endStream("[]")), "13"],
    ["has an error that is no object", pieces(endStream('{"error": 7}')), "2"],
    ["has an error without a code", pieces(endStream('{"error": {"message": "m"}}')), "2"],
    ["has an error with a code", pieces(endStream('{"error": {"code": "out_of_range"}, "metadata": 5}')), "11"],
    ["is compressed unasked", pieces(frame(Buffer.from("x"), FLAG_COMPRESSED), endStream()), "13"],
    ["has flags nobody knows", pieces(frame(Buffer.from("x"), 0x80), endStream()), "13"],
    ["has a message that is too large", pieces(Buffer.from([0, 0x7f, 0, 0, 0])), "8"],
    [
      "is an error page",
      (_seen, response) => response.writeHead(503, { "content-type": "text/html" }).end("<html>"),
      "14",
    ],
    [
      "is a Connect error before it began",
      (_seen, response) =>
        response.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthenticated","message":"m"}'),
      "16",
    ],
    ["is unary", (_seen, response) => response.writeHead(200, { "content-type": "application/proto" }).end(), "13"],
  ];
  for (const [name, behaviour, status] of cases) {
    it(`that ${name} is code ${status}`, async (t) => {
      const { bridge } = await behind(t, behaviour);
      assert.deepEqual((await rawCall(rawSession(t, bridge), READ)).statuses, [status]);
    });
  }

  it("whose connection breaks is UNAVAILABLE after what had come, and is not begun again", async (t) => {
    const { far, bridge } = await behind(t, (_seen, response) => {
      const cut = Buffer.concat([frame(Buffer.from("whole")), frame(Buffer.from("half")).subarray(0, 7)]);
      response.writeHead(200, STREAM).write(cut, () => response.socket?.destroy());
    });
    const answer = await rawCall(rawSession(t, bridge), READ);
    assert.deepEqual(answer.statuses, ["14"]);
    assert.deepEqual(answer.messages.map(String), ["whole"]);
    assert.equal(far.seen.length, 1);
  });

  it("whose connection breaks after its end is whole", async (t) => {
    const { bridge } = await behind(t, (_seen, response) => {
      const whole = Buffer.concat([frame(Buffer.from("a")), endStream()]);
      response.writeHead(200, STREAM).write(whole, () => response.socket?.destroy());
    });
    assert.deepEqual((await rawCall(rawSession(t, bridge), READ)).statuses, ["0"]);
  });
});
