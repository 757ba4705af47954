// A gRPC stream both ways as a WebSocket: turns, ends of every kind, and nothing left open. The far side is scripted.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { frame } from "../../src/bridge/grpc/frames.ts";
import { type BidiTimes, bidiHandler } from "../../src/bridge/proxy/bidi-stream.ts";
import { HALF_CLOSE, PING, PONG } from "../../src/wire/indexeddb-socket.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { until } from "../support/bridge-process.ts";
import { startBridge } from "../support/grpc-bridge.ts";
import { collect, rawSession, rawStream } from "../support/grpc-clients.ts";
import { method, StreamSide, TRANSACTION } from "./stream-side.ts";

async function opened(t: TestContext, times: Partial<BidiTimes> = {}, headers: Record<string, string> = {}) {
  const far = await StreamSide.start(t);
  const bridge = await far.bridge(t, times);
  const session = rawSession(t, bridge);
  const stream = rawStream(session, TRANSACTION, headers);
  const answer = collect(stream);
  const say = (text: string | Buffer) => stream.write(frame(Buffer.from(text)));
  return { far, bridge, session, stream, answer, say };
}

const texts = (messages: readonly Buffer[]) => messages.map((message) => message.toString());
const messageOf = ({ headers, trailers }: Awaited<ReturnType<typeof collect>>) =>
  decodeURIComponent(String(trailers?.["grpc-message"] ?? headers["grpc-message"] ?? ""));

describe("a stream both ways", () => {
  it("crosses message by message, as bytes that nobody decoded", async (t) => {
    const { far, stream, answer, say } = await opened(t, {}, { "x-trace": "1", "grpc-timeout": "20S" });
    const far1 = await far.conversation();
    const large = Buffer.alloc(MAX_MESSAGE_BYTES, 7);
    for (const [at, message] of [Buffer.from("no protobuf \xff"), Buffer.alloc(0), large].entries()) {
      say(message);
      await far1.heard(at + 1);
      assert.ok(far1.messages[at]?.equals(message));
      far1.socket.send(message);
      far1.socket.sendText(PONG);
    }
    stream.end();
    await far1.heard(4);
    assert.deepEqual(far1.texts, [HALF_CLOSE]);
    far1.end();
    const { messages, statuses } = await answer;
    assert.deepEqual(statuses, ["0"]);
    assert.deepEqual(
      messages.map(({ length }) => length),
      [14, 0, MAX_MESSAGE_BYTES],
    );
    const { headers, url } = far1.request;
    assert.equal(url, `/base${TRANSACTION}`);
    assert.equal(headers.authorization, "Bearer a-session-token");
    assert.equal(headers["x-trace"], "1");
    assert.ok(Number(headers["connect-timeout-ms"]) > 10_000);
    assert.equal(headers["sec-websocket-extensions"], undefined);
  });

  it("holds the caller's next message back until the one before is answered", async (t) => {
    const { far, stream, answer, say } = await opened(t);
    for (let at = 0; at < 200; at++) say(`ask ${at}`);
    stream.end();
    const conversation = await far.conversation();
    for (let at = 0; at < 200; at++) {
      await conversation.heard(at + 1);
      for (let i = 0; i < 3; i++) await turn();
      assert.equal(conversation.messages.length, at + 1);
      conversation.answer(`answer ${at}`);
    }
    conversation.answer("and more");
    await conversation.heard(201);
    conversation.end();
    const { messages, statuses } = await answer;
    assert.deepEqual(statuses, ["0"]);
    assert.equal(messages.length, 201);
    assert.deepEqual(texts(messages).slice(198), ["answer 198", "answer 199", "and more"]);
  });

  it("gives the worker's error with code, message, details and metadata", async (t) => {
    const { far, answer, say } = await opened(t);
    say("open");
    const conversation = await far.conversation();
    await conversation.heard(1);
    const message = `datastore: not found: ${"ключ".repeat(100)}`;
    const detail = { type: "google.protobuf.StringValue", value: "CgF4" };
    conversation.socket.sendText(
      JSON.stringify({ error: { code: "not_found", message, details: [detail] }, metadata: { "x-last": ["1", "2"] } }),
    );
    conversation.socket.close(1000);
    const end = await answer;
    assert.deepEqual(end.statuses, ["5"]);
    assert.equal(messageOf(end), message);
    assert.ok(end.headers["grpc-status-details-bin"]);
    assert.equal(end.headers["x-last"], "1, 2");
  });

  it("keeps an error that comes in the caller's turn for the caller's next word", async (t) => {
    for (const speak of ["message", "half-close"] as const) {
      const { far, stream, answer, say } = await opened(t);
      say("begin");
      const conversation = await far.conversation();
      await conversation.heard(1);
      conversation.answer("begun");
      await once(stream, "data");
      conversation.end({ code: "aborted", message: "idle" });
      await conversation.closed;
      for (let i = 0; i < 20; i++) await turn();
      assert.equal(stream.closed, false);
      if (speak === "message") say("too late");
      else stream.end();
      const end = await answer;
      assert.deepEqual(end.statuses, ["10"]);
      assert.equal(messageOf(end), "idle");
    }
  });

  it("gives such an error by itself to a caller that stays silent", async (t) => {
    const { far, answer, say } = await opened(t, { heldErrorMs: 20 });
    say("begin");
    const conversation = await far.conversation();
    await conversation.heard(1);
    conversation.answer("begun");
    conversation.end({ code: "aborted", message: "idle" });
    assert.deepEqual((await answer).statuses, ["10"]);
  });

  it("ends UNAVAILABLE when the connection is cut off, by whatever", async (t) => {
    for (const cut of ["network", "close"] as const) {
      const { far, answer, say } = await opened(t);
      say("begin");
      const conversation = await far.conversation();
      await conversation.heard(1);
      if (cut === "network") conversation.socket.cut();
      else conversation.socket.close(1011, "evicted");
      const end = await answer;
      assert.deepEqual(end.statuses, ["14"]);
      assert.match(messageOf(end), cut === "network" ? /was cut off \(WebSocket code 1006\)/ : /1011: evicted/);
      assert.equal(far.connectFailures, cut === "network" ? 1 : 0);
    }
  });

  it("closes the WebSocket at once when the caller has gone", async (t) => {
    const { far, stream, session, say } = await opened(t);
    say("begin");
    const conversation = await far.conversation();
    await conversation.heard(1);
    stream.close(8);
    assert.equal(await conversation.closed, 1000);
    const second = rawStream(session, TRANSACTION);
    second.write(frame(Buffer.from("begin")));
    const other = await far.conversation(1);
    await other.heard(1);
    session.destroy();
    assert.equal(await other.closed, 1000);
  });

  it("does so for a caller whose stream was stopped", async (t) => {
    const { far, stream, say } = await opened(t);
    for (let at = 0; at < 100; at++) say(Buffer.alloc(64 * 1024));
    const conversation = await far.conversation();
    await conversation.heard(1);
    stream.close(8);
    assert.equal(await conversation.closed, 1000);
    assert.equal(conversation.messages.length, 1);
  });

  it("gives up an upgrade that nobody waits for", async (t) => {
    const { far, bridge } = await opened(t);
    far.mute = true;
    const other = connect("http://localhost", { createConnection: () => connectSocket(bridge.socket) });
    other.on("error", () => {});
    const asked = far.asked();
    rawStream(other, TRANSACTION);
    await asked;
    other.destroy();
    await until(() => far.connections === 1, "only the first stream's connection is left");
    far.cut();
  });

  it("ends at its deadline, and rolls back", async (t) => {
    const { far, answer, say } = await opened(t, {}, { "grpc-timeout": "300m" });
    say("begin");
    const conversation = await far.conversation();
    conversation.answer("begun");
    const end = await answer;
    assert.deepEqual(end.statuses, ["4"]);
    assert.equal(await conversation.closed, 1000);
  });

  it("tells what an upgrade was refused with", async (t) => {
    const cases = [
      [{ status: 401, body: '{"code":"unauthenticated","message":"no token"}' }, "16", /^no token$/],
      [{ status: 412, body: '{"code":"failed_precondition","message":"config"}' }, "9", /^config$/],
      [{ status: 502, body: "<html>" }, "14", /answered HTTP 502 and no Connect error/],
      [{ status: 404 }, "12", /answered HTTP 404/],
    ] as const;
    for (const [refusal, code, message] of cases) {
      const far = await StreamSide.start(t);
      far.refusal = refusal;
      const stream = rawStream(rawSession(t, await far.bridge(t)), TRANSACTION);
      stream.write(frame(Buffer.from("begin")));
      const end = await collect(stream);
      assert.deepEqual(end.statuses, [code]);
      assert.match(messageOf(end), message);
    }
  });

  it("is opened once more when the connection fails, and no more", async (t) => {
    const far = await StreamSide.start(t);
    let attempts = 0;
    const real = far.source;
    const nowhere = { ...real.upstream(), origin: "http://127.0.0.1:1" };
    const failing = (failures: number) => ({
      upstream: () => (attempts++ < failures ? nowhere : real.upstream()),
      connectFailed: real.connectFailed,
    });
    for (const failures of [1, 2]) {
      attempts = 0;
      const bridge = await startBridge(t, [{ method, handle: bidiHandler(failing(failures) as typeof real, method) }]);
      const stream = rawStream(rawSession(t, bridge), TRANSACTION);
      const answer = collect(stream);
      stream.end(frame(Buffer.from("begin")));
      if (failures === 1) {
        const conversation = await far.conversation();
        conversation.answer("begun");
        conversation.end();
      }
      assert.deepEqual((await answer).statuses, [failures === 1 ? "0" : "14"]);
      assert.equal(attempts, 2);
    }
    assert.equal(far.connectFailures, 3);
  });

  it("refuses messages over 4 MiB, either way", async (t) => {
    const { far, answer, stream } = await opened(t);
    const unasked = await far.conversation();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(MAX_MESSAGE_BYTES + 1, 1);
    stream.write(head);
    const end = await answer;
    assert.deepEqual(end.statuses, ["8"]);
    assert.equal(await unasked.closed, 1000);
    const other = await opened(t);
    other.say("get");
    const conversation = await other.far.conversation();
    await conversation.heard(1);
    conversation.socket.send(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
    const broken = await other.answer;
    assert.deepEqual(broken.statuses, ["8"]);
    assert.match(messageOf(broken), /a gRPC message may have 4194304 bytes/);
  });

  it("ends INTERNAL on a malformed last word, and passes other texts over", async (t) => {
    const { far, answer, say } = await opened(t);
    say("begin");
    const conversation = await far.conversation();
    await conversation.heard(1);
    conversation.socket.sendText("anything");
    conversation.socket.sendText("{ no json");
    assert.deepEqual((await answer).statuses, ["13"]);
  });

  it("asks a silent worker for a sign of life, and gives it up without one", async (t) => {
    const { far, answer, say } = await opened(t, { keepAliveAfterMs: 20, keepAliveTimeoutMs: 100 });
    say("begin");
    const conversation = await far.conversation();
    for (const count of [1, 2, 3]) {
      await conversation.heard(1 + count);
      assert.equal(conversation.texts.at(-1), PING);
      if (count < 3) conversation.socket.sendText(PONG);
    }
    const end = await answer;
    assert.deepEqual(end.statuses, ["14"]);
    assert.match(messageOf(end), /fallen silent/);
  });

  it("takes no more from the worker than the caller reads", async (t) => {
    const { far, stream, answer, say } = await opened(t);
    stream.pause();
    for (let at = 0; at < 6; at++) say("get");
    const conversation = await far.conversation();
    let answered = 0;
    const serve = async () => {
      for (let at = 0; at < 6; at++) {
        await conversation.heard(at + 1);
        conversation.socket.send(Buffer.alloc(MAX_MESSAGE_BYTES));
        answered += 1;
      }
      conversation.end();
    };
    const served = serve();
    await until(() => answered > 0, "the first answer is out");
    for (let i = 0; i < 500; i++) await turn();
    assert.equal(answered, 1, "a caller that reads nothing is asked for nothing more");
    stream.resume();
    await served;
    assert.equal((await answer).messages.length, 6);
  });
});
