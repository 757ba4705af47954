// Answers that no well-behaved gestaltd gives, from a raw HTTP/2 server: each becomes one status, told once.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { frame } from "../../src/bridge/grpc/frames.ts";
import type { CallStatus } from "../../src/bridge/grpc/status.ts";
import { createHostClient } from "../../src/bridge/host/client.ts";
import { servicesOf } from "../support/fake-gestaltd/start.ts";

const GRPC = { ":status": 200, "content-type": "application/grpc" };
const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

interface Case {
  readonly answer: (stream: ServerHttp2Stream) => void;
  readonly code: number;
  readonly message?: RegExp;
  readonly messages?: number;
}

/** Headers, messages, then trailers. */
function reply(headers: OutgoingHttpHeaders, messages: readonly Buffer[], trailers?: OutgoingHttpHeaders) {
  return (stream: ServerHttp2Stream) => {
    stream.respond(headers, { waitForTrailers: trailers !== undefined });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    for (const message of messages) stream.write(message);
    stream.end();
  };
}

const one = frame(Buffer.from("one"));
const reset = (code: number, before: OutgoingHttpHeaders | undefined) => (stream: ServerHttp2Stream) => {
  if (before !== undefined) stream.respond(before);
  stream.close(code);
};

const CASES: Readonly<Record<string, Case>> = {
  "a status in headers that end the stream": {
    answer: (stream) => stream.respond({ ...GRPC, "grpc-status": "5", "grpc-message": "gone%21" }, { endStream: true }),
    code: 5,
    message: /^gone!$/,
  },
  "a status in headers of a stream that nobody ends": {
    answer: (stream) => stream.respond({ ...GRPC, "grpc-status": "16", trailer: "Grpc-Status" }),
    code: 16,
  },
  "OK in the headers, messages, and no trailers": {
    answer: reply({ ...GRPC, "grpc-status": "0" }, [one]),
    code: 0,
    messages: 1,
  },
  "OK in the headers, another in the trailers": {
    answer: reply({ ...GRPC, "grpc-status": "0" }, [one], { "grpc-status": "10" }),
    code: 10,
    messages: 1,
  },
  "OK in headers that end the stream": {
    answer: (stream) => stream.respond({ ...GRPC, "grpc-status": "0" }, { endStream: true }),
    code: 0,
  },
  "no status at all": { answer: reply(GRPC, [one]), code: 13, message: /without a status/, messages: 1 },
  "trailers without a status": { answer: reply(GRPC, [one], { "x-a": "b" }), code: 2, messages: 1 },
  "a status that is no number": { answer: reply(GRPC, [], { "grpc-status": "NaN" }), code: 2 },
  "a status that gRPC does not have": { answer: reply(GRPC, [], { "grpc-status": "17" }), code: 2 },
  "half a message": {
    answer: reply(GRPC, [one.subarray(0, 6)], { "grpc-status": "0" }),
    code: 13,
    message: /inside a/,
  },
  "half a message and an error": { answer: reply(GRPC, [one.subarray(0, 6)], { "grpc-status": "9" }), code: 9 },
  "a compressed message without saying how": {
    answer: reply(GRPC, [frame(Buffer.from("x"), 1)], { "grpc-status": "0" }),
    code: 13,
  },
  "compression that nobody knows": {
    answer: reply({ ...GRPC, "grpc-encoding": "zstd" }, [], { "grpc-status": "0" }),
    code: 12,
  },
  "a message longer than the limit": {
    answer: reply(GRPC, [Buffer.from([0, 0x7f, 0, 0, 0])], { "grpc-status": "0" }),
    code: 8,
  },
  "a page": { answer: reply({ ":status": 200, "content-type": "text/html" }, [Buffer.from("<p>")]), code: 2 },
  "a page that is not found": { answer: reply({ ":status": 404 }, []), code: 12, message: /HTTP 404, which is not/ },
  "a proxy's 503": { answer: reply({ ":status": 503, "content-type": "text/plain" }, []), code: 14 },
  "a 429 with a status of gRPC's": {
    answer: (stream) => stream.respond({ ...GRPC, ":status": 429, "grpc-status": "8" }, { endStream: true }),
    code: 8,
  },
  "a 403 of gRPC's type without one": { answer: reply({ ...GRPC, ":status": 403 }, []), code: 7 },
  "a reset that says nothing": { answer: reset(NGHTTP2_NO_ERROR, undefined), code: 13 },
  "a refused stream": { answer: reset(NGHTTP2_REFUSED_STREAM, undefined), code: 14 },
  "a cancelled stream": { answer: reset(NGHTTP2_CANCEL, undefined), code: 1, message: /reset the call/ },
  "a reset after the headers": { answer: reset(NGHTTP2_ENHANCE_YOUR_CALM, GRPC), code: 8 },
  "the end of the connection": { answer: (stream) => stream.session?.socket.destroy(), code: 14, message: /broke/ },
};

describe("an answer of a raw server", () => {
  for (const [name, { answer, code, message = /^/, messages = 0 }] of Object.entries(CASES)) {
    it(`with ${name} is ${code}`, async (t) => {
      const call = await ask(t, answer);
      assert.equal(call.status.code, code, call.status.message);
      assert.match(call.status.message, message);
      assert.deepEqual([call.messages, call.ends], [messages, 1]);
    });
  }
});

/** Opens a call that keeps its sending side open, and waits for its end and for the server to be rid of the stream. */
async function ask(t: TestContext, answer: Case["answer"]) {
  const folder = mkdtempSync(join(tmpdir(), "gstp-"));
  const path = join(folder, "host-0.sock");
  const server = createServer();
  const streams = new Set<ServerHttp2Stream>();
  server.on("stream", (stream) => {
    streams.add(stream);
    stream.on("error", () => {});
    answer(stream);
  });
  server.listen(path);
  await once(server, "listening");
  const client = createHostClient();
  t.after(async () => {
    await client.close();
    // Only comes when no connection is left.
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true });
  });
  const { promise: ended, resolve } = Promise.withResolvers<CallStatus>();
  const counts = { messages: 0, ends: 0 };
  const service = servicesOf({ GESTALT_CACHE_SOCKET: path })("CACHE");
  const call = client.call(service, "/gestalt.provider.v1.Cache/Get", {
    message: () => {
      counts.messages += 1;
    },
    ended: (status) => {
      counts.ends += 1;
      resolve(status);
    },
  });
  call.send([Buffer.from("x")]);
  const status = await ended;
  for (const stream of streams) if (!stream.closed) await once(stream, "close");
  return { status, ...counts };
}
