// The Connect protocol as the worker serves it: the lean path and the generic one must be indistinguishable.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import {
  Cache,
  CacheGetRequestSchema,
  type CacheGetResponse,
  CacheGetResponseSchema,
} from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { answerToHead, type ClientOptions, startWorker, type TestWorker } from "../support/worker-harness.ts";

const entry = new URL("./probe.worker.ts", import.meta.url);
const GET_PATH = "/gestalt.provider.v1.Cache/Get";
const READ_PATH = "/gestalt.provider.v1.S3/ReadObject";

let worker: TestWorker;
const log: string[] = [];

before(async () => {
  worker = await startWorker({ entry, provider: "probe", onLog: (line) => log.push(line) });
});
after(() => worker.dispose());

const textOf = ({ value }: CacheGetResponse) => JSON.parse(new TextDecoder().decode(value));
const cache = (options?: ClientOptions) => worker.client(Cache, {}, options);
const objects = () => worker.client(S3);
const count = async (name: string) => textOf(await cache().get({ key: `count:${name}` }));

/** Asks until the isolate has counted as much. */
async function counted(name: string, atLeast: number): Promise<void> {
  for (let attempts = 0; (await count(name)) < atLeast; attempts++) assert.ok(attempts < 5000, `never counted ${name}`);
}

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, String(error));
  return error;
}

async function post(body: RequestInit["body"], headers: Record<string, string>, path = GET_PATH): Promise<Response> {
  const authorization = `Bearer ${await worker.token()}`;
  return worker.fetch(path, {
    method: "POST",
    body,
    headers: { authorization, ...headers },
    duplex: "half",
  } as RequestInit);
}

async function get(query: string): Promise<Response> {
  const headers = { authorization: `Bearer ${await worker.token()}` };
  return worker.fetch(`${GET_PATH}?connect=v1&${query}`, { headers });
}

const forms: Record<string, ClientOptions> = {
  "binary (lean)": {},
  JSON: { useBinaryFormat: false },
  "GET binary": { useHttpGet: true },
  "GET JSON": { useHttpGet: true, useBinaryFormat: false },
  gzip: { sendCompression: compressionGzip, compressMinBytes: 1 },
};

for (const [form, options] of Object.entries(forms)) {
  suite(`unary, ${form}`, { timeout: 30_000 }, () => {
    test("a call comes back", async () => {
      assert.equal(textOf(await cache(options).get({ key: "echo:héllo ☃" })), "héllo ☃");
    });

    test("an error has code, message, details and metadata", async () => {
      const error = await failure(cache(options).get({ key: `code:${Code.NotFound}` }));
      assert.equal(error.code, Code.NotFound);
      assert.equal(error.rawMessage, "asked for 5");
      assert.equal(error.metadata.get("x-reason"), "asked");
      assert.deepEqual(
        error.findDetails(CacheGetRequestSchema).map(({ key }) => key),
        ["detail"],
      );
    });

    test("an error that is none of the protocol's is INTERNAL without its text, which is in the log", async () => {
      const error = await failure(cache(options).get({ key: `crash:secret of ${form}` }));
      assert.deepEqual([error.code, error.rawMessage], [Code.Internal, "internal error"]);
      for (let attempts = 0; !log.some((line) => line.includes(`secret of ${form}`)); attempts++) {
        assert.ok(attempts < 5000, "nothing was logged");
        await count("nothing");
      }
    });

    test("headers and trailers that a surface sets arrive", async () => {
      let header: Headers | undefined;
      let trailer: Headers | undefined;
      await cache(options).get(
        { key: "metadata:" },
        { onHeader: (headers) => (header = headers), onTrailer: (trailers) => (trailer = trailers) },
      );
      assert.deepEqual([header?.get("x-head"), trailer?.get("x-tail")], ["first", "last"]);
    });

    test("a reply of the largest size arrives, one over it is RESOURCE_EXHAUSTED", async () => {
      const overhead = 8;
      const { value } = await cache(options).get({ key: `bytes:${MAX_MESSAGE_BYTES / 2}` });
      assert.equal(value.byteLength, MAX_MESSAGE_BYTES / 2);
      const error = await failure(cache(options).get({ key: `bytes:${MAX_MESSAGE_BYTES + overhead}` }));
      assert.equal(error.code, Code.ResourceExhausted);
    });

    test("the deadline reaches the handler", async () => {
      const left = textOf(await cache(options).get({ key: "deadline:" }, { timeoutMs: 60_000 }));
      assert.ok(left > 0 && left <= 60_000);
      assert.equal(textOf(await cache(options).get({ key: "deadline:" })), null);
    });

    test("a handler that heeds the signal answers for itself, one that is deaf is answered for", async () => {
      const heeded = await postWithTimeout(form, "hang:");
      assert.equal(heeded, "aborted");
      assert.equal(await postWithTimeout(form, "deaf:"), "deadline_exceeded");
    });
  });
}

/** The worker's own answer to a call of 30 ms; a client would report its own deadline first. */
async function postWithTimeout(form: string, key: string): Promise<unknown> {
  const json = form.includes("JSON");
  const message = json
    ? JSON.stringify({ key })
    : toBinary(CacheGetRequestSchema, create(CacheGetRequestSchema, { key }));
  const headers: Record<string, string> = {
    "connect-timeout-ms": "30",
    "content-type": json ? "application/json" : "application/proto",
  };
  if (form === "gzip") headers["content-encoding"] = "gzip";
  const answer = await post(form === "gzip" ? gzipSync(message) : message, headers);
  return ((await answer.json()) as { code: string }).code;
}

suite("unary, on the wire", { timeout: 30_000 }, () => {
  const PROTO = { "content-type": "application/proto" };
  const message = (key: string) => toBinary(CacheGetRequestSchema, create(CacheGetRequestSchema, { key }));

  test("each code has its HTTP status", async () => {
    const statuses = [499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
    for (const [index, status] of statuses.entries()) {
      for (const [body, type] of [
        [message(`code:${index + 1}`), "application/proto"],
        [JSON.stringify({ key: `code:${index + 1}` }), "application/json"],
      ] as const) {
        const answer = await post(body, { "content-type": type });
        assert.equal(answer.status, status, Code[index + 1]);
        assert.equal(answer.headers.get("content-type"), "application/json");
        await answer.arrayBuffer();
      }
    }
  });

  test("a body without a length is read, and given up when it is too long", async () => {
    const stream = (bytes: Uint8Array, times: number) => {
      let sent = 0;
      return new ReadableStream({
        pull: (controller) => (sent++ < times ? controller.enqueue(bytes) : controller.close()),
      });
    };
    const answer = await post(stream(message("echo:hi"), 1), PROTO);
    assert.equal(textOf(fromBinary(CacheGetResponseSchema, new Uint8Array(await answer.arrayBuffer()))), "hi");
    const chunk = 512 * 1024;
    const tooLong = await post(stream(new Uint8Array(chunk), MAX_MESSAGE_BYTES / chunk + 1), PROTO);
    assert.equal(((await tooLong.json()) as { code: string }).code, "resource_exhausted");
  });

  test("a body whose length is announced as too long is refused before it arrives, whatever its form", async () => {
    for (const type of ["application/proto", "application/json"]) {
      const head = [
        `POST ${GET_PATH} HTTP/1.1`,
        "host: worker",
        `authorization: Bearer ${await worker.token()}`,
        `content-type: ${type}`,
        `content-length: ${MAX_MESSAGE_BYTES + 1}`,
      ];
      assert.match(await answerToHead(worker.url, head), /^HTTP\/1.1 429 .*resource_exhausted/s, type);
    }
  });

  test("gzip that inflates over the limit, or is damaged, is refused", async () => {
    const bomb = await post(gzipSync(new Uint8Array(MAX_MESSAGE_BYTES * 8)), { ...PROTO, "content-encoding": "gzip" });
    assert.equal(((await bomb.json()) as { code: string }).code, "resource_exhausted");
    const cut = await post(gzipSync(message("echo:hi")).subarray(0, 15), { ...PROTO, "content-encoding": "gzip" });
    assert.equal(((await cut.json()) as { code: string }).code, "invalid_argument");
  });

  test("a body that was decompressed on its way is taken as it is; an unknown encoding is UNIMPLEMENTED", async () => {
    const plain = await post(message("echo:hi"), { ...PROTO, "content-encoding": "gzip" });
    assert.equal(textOf(fromBinary(CacheGetResponseSchema, new Uint8Array(await plain.arrayBuffer()))), "hi");
    const unknown = await post(message("echo:hi"), { ...PROTO, "content-encoding": "zstd" });
    assert.equal(((await unknown.json()) as { code: string }).code, "unimplemented");
  });

  test("damaged messages are INVALID_ARGUMENT in every form", async () => {
    for (const [body, type] of [
      [new Uint8Array([0xff, 0xff, 0xff]), "application/proto"],
      ['{"key":', "application/json"],
      ['{"key":1}', "application/json"],
    ] as const) {
      const answer = await post(body, { "content-type": type });
      assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, "invalid_argument"]);
    }
    const damaged = new Uint8Array([0xff, 0xff, 0xff]);
    for (const answer of [
      await post(damaged, { "content-type": "Application/Proto" }),
      await post(gzipSync(damaged), { ...PROTO, "content-encoding": "gzip" }),
      await get("encoding=proto&base64=1&message=____"),
      await get("encoding=proto&base64=1&message=*"),
      await get(`encoding=proto&base64=1&compression=gzip&message=${gzipSync(damaged).toString("base64url")}`),
      await get("encoding=json&message=%7B"),
    ]) {
      const { code, message: text } = (await answer.json()) as { code: string; message: string };
      assert.deepEqual([answer.status, code], [400, "invalid_argument"], text);
    }
    const enveloped = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), damaged]);
    const stream = await post(enveloped, { "content-type": "application/connect+proto" }, READ_PATH);
    assert.match(await stream.text(), /"code":"invalid_argument","message":"The request is not a .* in binary form\./);
    assert.equal((await post(new Uint8Array(), PROTO)).status, 200, "no bytes are an empty message");
  });

  test("what was sent in JSON that is no such message is not repeated, in calls and in streams", async () => {
    const secret = "hunter2";
    const named = /^The request is not a [\w.]+ in JSON form \(field [\w.]+\)\.$/;
    const whole = /^The request is not a [\w.]+ in JSON form\.$/;
    const JSON_TYPE = { "content-type": "application/json" };
    for (const [body, said] of [
      [`{"key":"${secret}`, whole],
      [secret, whole],
      [`"${secret}"`, whole],
      [`{"key":{"a":"${secret}"}}`, named],
      [`{"key":["${secret}"]}`, named],
      [`{"key":"k","${secret}":1,"${secret}":2}`, whole],
    ] as const) {
      const answers = [
        await post(body, JSON_TYPE),
        await post(gzipSync(body), { ...JSON_TYPE, "content-encoding": "gzip" }),
        await get(`encoding=json&message=${encodeURIComponent(body)}`),
      ];
      for (const answer of answers) {
        const { code, message: text } = (await answer.json()) as { code: string; message: string };
        assert.deepEqual([answer.status, code], [400, "invalid_argument"]);
        assert.match(text, said, body);
      }
    }
    const cut = gzipSync('{"key":"k"}').subarray(0, 15);
    assert.match(await (await post(cut, { ...JSON_TYPE, "content-encoding": "gzip" })).text(), /gzip data is damaged/);
    for (const text of [`{"ref":"${secret}"}`, `{"ref":${secret}`]) {
      const message = Buffer.from(text);
      const enveloped = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
      const answer = await (await post(enveloped, { "content-type": "application/connect+json" }, READ_PATH)).text();
      assert.match(answer, /"code":"invalid_argument","message":"The request is not a .* in JSON form/);
      assert.doesNotMatch(answer, new RegExp(secret));
    }
  });

  test("a malformed timeout is INVALID_ARGUMENT, zero has passed at once, ten digits are fine", async () => {
    for (const type of ["application/proto", "application/json"]) {
      const body = type === "application/json" ? '{"key":"deadline:"}' : message("deadline:");
      const ask = (timeout: string) => post(body, { "content-type": type, "connect-timeout-ms": timeout });
      for (const timeout of ["x", "-1", "1.5", "12345678901"]) {
        assert.equal(((await (await ask(timeout)).json()) as { code: string }).code, "invalid_argument", timeout);
      }
      assert.equal((await ask("9999999999")).status, 200);
    }
    const passed = await post(message("deaf:"), { ...PROTO, "connect-timeout-ms": "0" });
    assert.equal(((await passed.json()) as { code: string }).code, "deadline_exceeded");
  });

  test("other methods, content types and verbs are answered as the protocol says", async () => {
    assert.equal((await post("x", { "content-type": "text/plain" })).status, 415);
    const headers = { authorization: `Bearer ${await worker.token()}` };
    for (const [path, method, allow] of [
      [GET_PATH, "PUT", "POST, GET"],
      [GET_PATH, "HEAD", "POST, GET"],
      [READ_PATH, "PUT", "POST"],
    ] as const) {
      const refused = await worker.fetch(path, { method, headers });
      assert.deepEqual([refused.status, refused.headers.get("allow")], [405, allow], `${method} ${path}`);
    }
    const query = "?connect=v1&encoding=json&message=%7B%7D";
    assert.equal((await worker.fetch(`/gestalt.provider.v1.Cache/Set${query}`, { headers })).status, 501);
    assert.equal((await worker.fetch(`/gestalt.provider.v1.S3/ReadObject${query}`, { headers })).status, 415);
  });

  test("what the provider does not serve is UNIMPLEMENTED and names its kind", async () => {
    const wrongService = await failure(worker.client(S3, { provider: "sealed" }).headObject({}));
    assert.equal(wrongService.code, Code.Unimplemented);
    assert.equal(
      wrongService.rawMessage,
      "provider 'sealed' is of kind secrets and does not serve gestalt.provider.v1.S3",
    );
    const wrongMethod = await failure(cache().touch({}));
    assert.equal(wrongMethod.code, Code.Unimplemented);
    assert.match(
      wrongMethod.rawMessage,
      /'probe' is of kind cache and does not implement gestalt.provider.v1.Cache\/Touch/,
    );
    const noMethod = await post("{}", { "content-type": "application/json" }, "/gestalt.provider.v1.Cache/Nothing");
    assert.equal(noMethod.status, 501);
  });

  test("a handler knows under which address it was called", async () => {
    assert.equal(textOf(await cache().get({ key: "origin:" })), worker.url);
  });
});

suite("streams", { timeout: 30_000 }, () => {
  test("a server stream arrives whole", async () => {
    let size = 0;
    for await (const { result } of objects().readObject({ ref: { key: "20" } })) {
      if (result.case === "data") size += result.value.byteLength;
    }
    assert.equal(size, 20 * 64 * 1024);
  });

  test("an error after some messages arrives behind them; a crash is INTERNAL without its text", async () => {
    for (const [versionId, code, text] of [
      ["fail", Code.DataLoss, "broke off"],
      ["crash", Code.Internal, "internal error"],
    ] as const) {
      let chunks = 0;
      const error = await failure(
        (async () => {
          for await (const _ of objects().readObject({ ref: { key: "3", versionId } })) chunks++;
        })(),
      );
      assert.deepEqual([chunks, error.code, error.rawMessage], [3, code, text]);
    }
  });

  test("a reader that stops reading stops the handler, and one that leaves ends it", async () => {
    const before = await count("chunks");
    const closed = await count("reads closed");
    const leave = new AbortController();
    const endless = 1_000_000;
    const stream = objects().readObject({ ref: { key: String(endless) } }, { signal: leave.signal });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    // The sockets' buffers fill up; then the count stands still.
    let last = -1;
    for (let still = 0, asked = 0; still < 20 && asked < 5000; asked++) {
      const now = await count("chunks");
      still = now === last ? still + 1 : 0;
      last = now;
    }
    assert.ok(last - before < endless / 100, `${last - before} chunks were made for nobody`);
    leave.abort();
    await failure(iterator.next());
    await counted("reads closed", closed + 1);
  });

  test("the deadline ends a stream that hangs", async () => {
    const path = "/gestalt.provider.v1.S3/ReadObject";
    const json = new TextEncoder().encode('{"ref":{"key":"1","versionId":"hang"}}');
    const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, json.byteLength]), json]);
    const headers = { "content-type": "application/connect+json", "connect-timeout-ms": "50" };
    const body = Buffer.from(await (await post(envelope, headers, path)).arrayBuffer());
    assert.match(body.subarray(-100).toString(), /"code":"deadline_exceeded"/);
  });

  test("a client stream is taken, message by message", async () => {
    const { meta } = await objects().writeObject(
      (async function* () {
        for (let sent = 0; sent < 10; sent++) yield { msg: { case: "data", value: new Uint8Array(100_000) } } as const;
      })(),
    );
    assert.equal(meta?.size, 1_000_000n);
  });

  test("an envelope that announces too much is refused before it arrives", async () => {
    const path = "/gestalt.provider.v1.S3/WriteObject";
    const lie = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    const answer = await post(lie, { "content-type": "application/connect+proto" }, path);
    assert.match(Buffer.from(await answer.arrayBuffer()).toString(), /"code":"resource_exhausted"/);
  });
});
