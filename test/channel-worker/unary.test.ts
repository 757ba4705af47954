// Unary host calls: what crosses, how they fail, and what ends them early.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { CacheGetRequestSchema, CacheGetResponseSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { failure, OK } from "../../src/wire/channel/status.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { BRIDGE_SERVICE_NAME } from "../../src/wire/host-services.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { callOf, channelTest, echo, encode } from "./host.ts";

suite("unary host calls", { timeout: 60_000 }, () => {
  const channel = channelTest();
  const value = encode(CacheGetResponseSchema, { found: true, value: new TextEncoder().encode("answer") });

  test("carry the message there and the reply and its trailers back", async () => {
    const { calls } = await channel.accept({ onCall: echo });
    const answer = await channel.ask("get", { key: "häßlich" });
    assert.deepEqual(answer, { value: "häßlich", trailer: { "x-trailer": "last", "x-bytes-bin": "aGV5" } });
    assert.deepEqual(calls[0]?.init, {
      service: "CACHE",
      path: "/gestalt.provider.v1.Cache/Get",
      streaming: "unary",
      metadata: [],
      deadline: undefined,
    });
  });

  test("reach whatever service they name, the bridge's own too", async () => {
    const { calls } = await channel.accept({
      onCall: (call) => call.end(failure(GrpcCode.permissionDenied, `no ${call.init.service} for this session`)),
    });
    for (const service of ["SECRETS", BRIDGE_SERVICE_NAME]) {
      const { failure, message } = await channel.ask("get", { service });
      assert.deepEqual([failure, message], ["PermissionDenied", `no ${service} for this session`]);
    }
    assert.equal(calls.length, 2);
  });

  test("say what their caller says, and belong to the request's trace unless the caller has another", async () => {
    const { calls } = await channel.accept({ onCall: echo });
    const trace = { traceparent: "00-1", tracestate: "a=1", baggage: "user=7" };
    const headers = { "x-own": "1", "x-bytes-bin": "AQID", "content-language": "de", "connect-timeout-ms": "1" };
    await channel.ask("get", { headers }, {}, { headers: trace });
    await channel.ask("get", { headers: { traceparent: "00-2" } }, {}, { headers: trace });
    const metadata = calls.map(({ init }) => init.metadata.join(" "));
    const own = "x-bytes-bin AQID x-own 1";
    assert.equal(metadata[0], `${own} traceparent 00-1 tracestate a=1 baggage user=7`);
    assert.equal(metadata[1], "traceparent 00-2 tracestate a=1 baggage user=7");
  });

  test("end with the host's code, message, metadata and details", async () => {
    const error = new ConnectError("gone", Code.NotFound, undefined, [
      { desc: CacheGetRequestSchema, value: { key: "detail" } },
    ]);
    const details = setTrailerStatus(new Headers(), error).get("grpc-status-details-bin") ?? "";
    const metadata = ["x-reason", "expired", "grpc-status-details-bin", details];
    const ends = [{ ...failure(GrpcCode.notFound, "gone"), metadata }, failure(GrpcCode.internal, "crashed")];
    ends.push({ ...failure(GrpcCode.aborted, "odd"), metadata: ["grpc-status-details-bin", "!"] });
    await channel.accept({ onCall: (call) => call.end(ends.shift() ?? OK) });
    const rest = { metadata: {}, details: [] };
    assert.deepEqual(await channel.ask("get"), {
      failure: "NotFound",
      message: "gone",
      metadata: { "x-reason": "expired" },
      details: ["detail"],
    });
    assert.deepEqual(await channel.ask("get"), { failure: "Internal", message: "crashed", ...rest });
    assert.deepEqual(await channel.ask("get"), { failure: "Aborted", message: "odd", ...rest });
  });

  test("take exactly one message, and one that can be read", async () => {
    const replies = [[], [value, value], [value, value, value], [new Uint8Array([0xff])]];
    const { calls } = await channel.accept({
      onCall(call) {
        for (const message of replies.shift() ?? []) void call.write(message);
        call.end(OK);
      },
    });
    const answers = [];
    for (const _ of [...replies]) answers.push(await channel.ask("get"));
    assert.deepEqual(
      answers.map(({ failure }) => failure),
      ["Unimplemented", "Unimplemented", "Unimplemented", "Internal"],
    );
    assert.match(answers[3]?.message ?? "", /not a gestalt\.provider\.v1\.CacheGetResponse/);
    assert.equal(calls.length, 4);
  });

  test("refuse a message over the limit before it is sent, and carry one just under it", async () => {
    const { calls } = await channel.accept({
      async onCall(call) {
        for await (const _ of call.messages) void call.write(value);
        call.end(OK);
      },
    });
    const { failure, message } = await channel.ask("get", { size: MAX_MESSAGE_BYTES });
    assert.equal(failure, "ResourceExhausted");
    assert.match(message ?? "", /over the limit of 4194304 bytes/);
    assert.equal(calls.length, 0);
    assert.equal((await channel.ask("get", { size: MAX_MESSAGE_BYTES - 16 })).value, "answer");
  });

  test("with too much metadata are refused", async () => {
    const { calls } = await channel.accept();
    const headers = { "x-large": "x".repeat(33 * 1024) };
    assert.equal((await channel.ask("get", { headers })).failure, "ResourceExhausted");
    assert.equal(calls.length, 0);
  });

  test("run a thousand at once, and one after the other", async () => {
    const acceptor = await channel.accept({ onCall: echo });
    assert.deepEqual(await channel.ask("many", { count: 1000 }), { same: true, count: 1000 });
    assert.deepEqual(await channel.ask("chain", { count: 50 }), { count: 50 });
    const requests = Array.from({ length: 100 }, (_, index) => channel.ask("get", { key: `${index}` }));
    const values = (await Promise.all(requests)).map(({ value }) => value);
    assert.deepEqual(values, Array.from(requests.keys(), String));
    assert.equal(acceptor.peer.callsInFlight, 0);
  });

  suite("that hang", () => {
    test("end at the deadline they were given, at the host too", async () => {
      const { calls } = await channel.accept();
      const answer = await channel.ask("get", { timeoutMs: 150 });
      assert.equal(answer.failure, "DeadlineExceeded");
      const call = await callOf(calls);
      assert.ok((call.init.deadline ?? 0) > 0);
      assert.notEqual((await call.ended).code, GrpcCode.ok);
    });

    test("end at the request's deadline if that is sooner", async () => {
      const { calls } = await channel.accept();
      const headers = { "connect-timeout-ms": "150" };
      const answer = await channel.ask("get", { timeoutMs: 60_000 }, {}, { headers });
      assert.equal(answer.failure, "DeadlineExceeded");
      assert.notEqual((await (await callOf(calls)).ended).code, GrpcCode.ok);
    });

    test("are not begun after a deadline", async () => {
      const { calls } = await channel.accept();
      assert.equal((await channel.ask("get", { timeoutMs: 0 })).failure, "DeadlineExceeded");
      assert.equal(calls.length, 0);
    });

    test("are cancelled by their caller's signal", async () => {
      const { calls } = await channel.accept();
      const asked = channel.ask("get", { stop: "get" });
      const call = await callOf(calls);
      await channel.ask("progress", { key: "get", count: 1 });
      assert.equal((await asked).failure, "Canceled");
      assert.equal((await call.ended).code, GrpcCode.canceled);
    });

    test("are cancelled when the request's caller goes away", async () => {
      const { calls } = await channel.accept();
      const leave = await channel.askAndLeave("get");
      const call = await callOf(calls);
      leave();
      assert.equal((await call.ended).code, GrpcCode.canceled);
    });
  });
});
