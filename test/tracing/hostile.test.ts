// What a worker may send for spans, and what it may call: it must fill neither the bridge nor the operator's backend, nor spoil a batch.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BridgeService, type SpanSchema, WriteSpansRequestSchema } from "../../src/gen/gestalt/edge/v1/bridge_pb.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { GrpcCode } from "../../src/wire/codes.ts";
import { BRIDGE_SERVICE_NAME } from "../../src/wire/host-services.ts";
import { callError, callHost, open } from "../bridge-channel/rig.ts";
import { hostedChannel, KEY } from "../bridge-channel/runtime.ts";
import { ScriptedWorker } from "../bridge-channel/scripted-worker.ts";
import { startBridgeProcess } from "../support/bridge-process.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { collector, newTrace, telemetry } from "./rig.ts";

const { writeSpans } = BridgeService.method;
const bytes = (hex: string) => Buffer.from(hex, "hex");

suite("spans of a worker that is not to be trusted", { timeout: 60_000 }, () => {
  test("take no more room than they may, and what fits into no trace is left out", async (t) => {
    const { channel, spans, bridge } = await start(t);
    const trace = newTrace();
    const good: MessageInitShape<typeof SpanSchema> = {
      traceId: bytes(trace.id),
      spanId: bytes("11".repeat(8)),
      parentSpanId: bytes(trace.span),
      name: "good",
      startedAt: timestampFromMs(1_000),
      endedAt: timestampFromMs(2_500),
    };
    const nested = {
      a: { b: 1 },
      list: ["a", 1, null],
      numbers: [1, 2.5],
      large: 1e300,
      none: null,
      text: "x".repeat(10_000),
    };
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`name${i}`, i]));
    const send = (...given: MessageInitShape<typeof SpanSchema>[]) =>
      callHost(channel, writeSpans, { spans: given }, { service: BRIDGE_SERVICE_NAME });
    await send(
      { ...good, traceId: bytes("00".repeat(16)) },
      { ...good, traceId: bytes("aa".repeat(15)) },
      { ...good, spanId: bytes("") },
      { ...good, parentSpanId: bytes("00".repeat(8)) },
      { ...good, startedAt: { seconds: -1n, nanos: 0 } },
      { ...good, endedAt: { seconds: 2n ** 62n, nanos: 0 } },
      { ...good, endedAt: { seconds: 1n, nanos: 2_000_000_000 } },
      { ...good, name: "n".repeat(100_000), error: "e".repeat(100_000) },
      { ...good, name: "attributes", attributes: nested },
      { ...good, name: "many", attributes: many },
      { ...good, name: "backwards", startedAt: timestampFromMs(5_000) },
    );
    await send(...Array.from({ length: 600 }, () => ({ ...good, name: "flood" })));
    await bridge.stop();
    const own = spans.filter(({ traceId }) => traceId === trace.id);
    const named = (name: string) => own.filter((span) => span.name === name);
    assert.deepEqual(
      [...new Set(own.map(({ name }) => name.slice(0, 10)))],
      ["nnnnnnnnnn", "attributes", "many", "backwards", "flood"],
    );
    assert.equal(own[0]?.name.length, 4_096);
    assert.equal(own[0]?.statusMessage.length, 4_096);
    const [{ attributes: kept } = { attributes: {} }] = named("attributes");
    assert.deepEqual(kept, {
      list: ["a", "1", "null"],
      numbers: [1, 2.5],
      large: 1e300,
      text: "x".repeat(4_096),
    });
    assert.equal(Object.keys(named("many")[0]?.attributes ?? {}).length, 128);
    assert.equal(named("flood").length, 512);
  });

  test("what is no request at all is refused", async (t) => {
    const { channel } = await start(t);
    const call = open(channel, writeSpans, { service: BRIDGE_SERVICE_NAME });
    void call.write(Buffer.from([0xff, 0xff]));
    call.halfClose();
    await assert.rejects(read(call.messages), callError(GrpcCode.invalidArgument, /not a WriteSpansRequest/));
    const valid = toBinary(WriteSpansRequestSchema, create(WriteSpansRequestSchema, {}));
    const other = open(channel, writeSpans, {
      service: BRIDGE_SERVICE_NAME,
      path: "/gestalt.edge.v1.BridgeService/Nothing",
    });
    void other.write(valid);
    other.halfClose();
    await assert.rejects(read(other.messages), callError(GrpcCode.unimplemented, /no such method/));
  });

  test("a method that gestaltd does not know gives no span its name", async (t) => {
    const { channel, spans, bridge } = await start(t);
    for (let i = 0; i < 3; i += 1) {
      const call = open(channel, Cache.method.get, { path: `/gestalt.provider.v1.Cache/MadeUp${i}` });
      void call.write(new Uint8Array());
      call.halfClose();
      await assert.rejects(read(call.messages), callError(GrpcCode.unimplemented, /./));
    }
    // Not gestaltd's to say, so no call of gestaltd's.
    const outside = open(channel, Cache.method.get, { path: "/gestalt.provider.v1.S3/HeadObject" });
    await assert.rejects(read(outside.messages), callError(GrpcCode.permissionDenied, /./));
    await bridge.stop();
    const CLIENT = 3;
    const client = spans.filter(({ kind }) => kind === CLIENT);
    assert.deepEqual(
      client.map(({ name, attributes }) => [name, attributes["rpc.method"], attributes["rpc.method_original"]]),
      [0, 1, 2].map((i) => ["_OTHER", "_OTHER", `gestalt.provider.v1.Cache/MadeUp${i}`]),
    );
  });
});

async function start(t: TestContext) {
  const { address, spans } = await collector(t);
  const worker = await ScriptedWorker.start(t);
  const gestaltd = await startFakeGestaltd(t);
  const bridge = await startBridgeProcess(t, "runtime", { env: telemetry(address) });
  await bridge.configure({
    workers: { search: { url: worker.origin, key: KEY, name: "scripted", provider: "search" } },
  });
  const channel = await hostedChannel(bridge, worker, gestaltd, "search", ["CACHE"]);
  return { channel, spans, bridge };
}

async function read(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
