// Spans of calls, as a collector gets them from a bridge that has gestaltd's telemetry environment.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { atEnd, startBridgeProcess, until, workingProcess } from "../support/bridge-process.ts";
import { grpcMethod } from "../support/grpc-clients.ts";
import type { CollectedSpan } from "../support/otlp-collector.ts";
import { WORKER_NAME } from "../support/worker-harness.ts";
import { CREDENTIAL, collector, metadataOf, newTrace, sharedWorker, startPlugin, telemetry } from "./rig.ts";

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const EXECUTE = "gestalt.provider.v1.IntegrationProvider/Execute";

suite("spans of calls", { timeout: 60_000 }, () => {
  const { worker } = sharedWorker();

  for (const protocol of ["grpc", "http"] as const) {
    test(`a call has one, a child of gestaltd's, exported over ${protocol}`, async (t) => {
      const { seen, address, requests } = await collector(t, protocol);
      const { run, hosted } = await startPlugin(
        t,
        worker(),
        telemetry(address, protocol === "grpc" ? "grpc" : "http/protobuf"),
      );
      const trace = newTrace();
      await run("headers", trace.headers);
      const span = await seen(({ traceId, name }) => traceId === trace.id && name === EXECUTE);
      assert.equal(span.kind, SERVER);
      assert.equal(span.parentSpanId, trace.span);
      assert.equal(span.status, 0);
      assert.deepEqual(span.attributes, {
        "rpc.system.name": "grpc",
        "rpc.method": EXECUTE,
        "rpc.status_code": "OK",
      });
      const { resource } = span;
      assert.equal(resource["service.name"], "gestalt-provider-helper");
      assert.equal(resource["service.instance.id"], hosted.id);
      assert.equal(resource["service.namespace"], "gestalt-providers");
      assert.equal(resource["gestaltd.provider.name"], "helper");
      assert.ok(requests.every((headers) => headers.authorization === CREDENTIAL && headers["x-tenant"] === "acme"));
      const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
      assert.equal(requests[0]?.url, protocol === "grpc" ? path : "/v1/traces");
    });
  }

  test("the runtime's own calls have one each, under its own name, and its polls none", async (t) => {
    const { spans, address } = await collector(t);
    const late = { OTEL_BSP_SCHEDULE_DELAY: "60000" };
    const { bridge, hosted } = await startPlugin(t, worker(), { ...telemetry(address), ...late });
    for (let i = 0; i < 10; i += 1) {
      await bridge.call(PluginRuntimeProvider.method.getSession, { sessionId: hosted.id });
    }
    await bridge.call(PluginRuntimeProvider.method.stopSession, { sessionId: hosted.id });
    await bridge.stop();
    const own = spans.filter(({ resource }) => resource["service.name"] === "gestalt-provider-edge");
    assert.deepEqual(
      own.map(({ name }) => name.replace("gestalt.provider.v1.", "")),
      [
        "ProviderLifecycle/ConfigureProvider",
        ...["StartSession", "StartPlugin", "StopSession"].map((method) => `PluginRuntimeProvider/${method}`),
      ],
    );
    // Each begins a trace: gestaltd sent none along.
    assert.equal(new Set(own.map(({ traceId }) => traceId)).size, own.length);
    assert.ok(own.every(({ parentSpanId }) => parentSpanId === ""));
  });

  test("a failure says what it was, and whose fault: of secrets, only that they were there", async (t) => {
    const { seen, address } = await collector(t);
    const apiKey = "the-key-of-the-plugin";
    const { call } = await startPlugin(t, worker(), telemetry(address));
    const trace = newTrace();
    const { execute, startProvider } = IntegrationProvider.method;
    const unknown = { ...execute, name: "Made_Up", parent: execute.parent };
    await assert.rejects(call(unknown, {}, trace.headers), { code: grpc.status.UNIMPLEMENTED });
    await assert.rejects(call(startProvider, { protocolVersion: 2 }, trace.headers), {
      code: grpc.status.FAILED_PRECONDITION,
    });
    const made = await seen(({ traceId, status }) => traceId === trace.id && status === ERROR);
    assert.equal(made.name, "_OTHER");
    assert.deepEqual(made.attributes, {
      "rpc.system.name": "grpc",
      "rpc.method": "_OTHER",
      "rpc.method_original": "gestalt.provider.v1.IntegrationProvider/Made_Up",
      "rpc.status_code": "UNIMPLEMENTED",
      "error.type": "UNIMPLEMENTED",
    });
    const refused = await seen(({ traceId, name }) => traceId === trace.id && name.endsWith("/StartProvider"));
    assert.equal(refused.status, 0, "the caller's fault, not the server's");
    assert.equal(refused.attributes["rpc.status_code"], "FAILED_PRECONDITION");
    const config = { apiKey, broken: true };
    const start = call(startProvider, { name: "helper", config, protocolVersion: 3 }, trace.headers);
    await assert.rejects(start, { code: grpc.status.UNAVAILABLE, details: new RegExp(apiKey) });
    const broken = await seen(({ attributes }) => attributes["error.type"] === "UNAVAILABLE");
    assert.match(broken.statusMessage, /nobody takes the key \[redacted\]/);
  });

  test("a trace that cannot be believed is not gone on with", async (t) => {
    const { seen, address } = await collector(t);
    const { run } = await startPlugin(t, worker(), telemetry(address));
    const { id, span } = newTrace();
    for (const wrong of [
      `00-${id}-${span}`,
      `ff-${id}-${span}-01`,
      `00-${id}-${span}-01-more`,
      `00-${"0".repeat(32)}-${span}-01`,
    ]) {
      const { traceparent } = await run("headers", { traceparent: wrong, tracestate: "vendor=1", baggage: wrong });
      const [, traceId, spanId] = String(traceparent).split("-");
      const own = await seen((one) => one.spanId === spanId);
      assert.notEqual(traceId, id);
      assert.equal(own.parentSpanId, "");
    }
  });

  test("a stream has one span, which ends with it", async (t) => {
    const { seen, address } = await collector(t, "http");
    const bridge = await startBridgeProcess(t, "s3", { env: telemetry(address, "http/protobuf") });
    const { url, privateKey: key } = worker();
    await bridge.configure({ worker: { url, key, name: WORKER_NAME, provider: "blobs" } });
    const client = new grpc.Client(`unix:${bridge.socket}`, grpc.credentials.createInsecure());
    atEnd(t, () => client.close());
    const trace = newTrace();
    const request = { ref: { bucket: "docs", key: "a" } };
    const stream = client.makeServerStreamRequest(
      ...grpcMethod(S3.method.readObject),
      request,
      metadataOf(trace.headers),
    );
    const chunks: Uint8Array[] = [];
    for await (const { result } of stream) if (result.case === "data") chunks.push(result.value);
    const span = await seen(({ traceId }) => traceId === trace.id);
    assert.equal(span.name, "gestalt.provider.v1.S3/ReadObject");
    assert.equal(span.attributes["rpc.status_code"], "OK");
    assert.equal(span.resource["service.name"], "gestalt-provider-edge");
    const told = JSON.parse(Buffer.concat(chunks).toString());
    assert.deepEqual(told, { traceparent: `00-${trace.id}-${span.spanId}-01` });
  });

  test("a host call has one, a child of what the provider was called by, and gestaltd gets it", async (t) => {
    const { seen, address } = await collector(t);
    const { run, cacheCalls, gestaltd } = await startPlugin(t, worker(), telemetry(address));
    const trace = newTrace();
    const more = { tracestate: "vendor=1,other=2", baggage: "tenant=acme,user=ada" };
    await run("cache", { ...trace.headers, ...more });
    const ofTrace = (kind: number) => (span: CollectedSpan) => span.traceId === trace.id && span.kind === kind;
    const server = await seen(ofTrace(SERVER));
    const client = await seen(ofTrace(CLIENT));
    assert.equal(client.name, "gestalt.provider.v1.Cache/Get");
    assert.equal(client.parentSpanId, server.spanId);
    assert.deepEqual(client.attributes, {
      "rpc.system.name": "grpc",
      "rpc.method": "gestalt.provider.v1.Cache/Get",
      "rpc.status_code": "OK",
      "server.address": "127.0.0.1",
      "server.port": gestaltd.tcp.port,
    });
    const [received] = cacheCalls;
    assert.equal(received?.get("traceparent"), `00-${trace.id}-${client.spanId}-01`);
    assert.equal(received?.get("tracestate"), more.tracestate);
    assert.equal(received?.get("baggage"), more.baggage);
  });

  test("a bridge that crashed goes on with them", async (t) => {
    const { seen, address } = await collector(t);
    const { bridge, run } = await startPlugin(t, worker(), telemetry(address));
    const crashed = await workingProcess(bridge);
    process.kill(crashed, "SIGKILL");
    await workingProcess(bridge, crashed);
    const trace = newTrace();
    const again = () =>
      run("turn", trace.headers).then(
        () => true,
        () => false,
      );
    await until(again, "the plugin answers again");
    for (const name of [EXECUTE, "invoke_agent helper", "gestalt.provider.v1.Cache/Get"]) {
      await seen((span) => span.traceId === trace.id && span.name === name);
    }
  });

  test("what gestaltd does not keep, nobody does", async (t) => {
    const { spans, address } = await collector(t);
    const { run, bridge, cacheCalls } = await startPlugin(t, worker(), telemetry(address));
    const trace = newTrace(false);
    await run("cache", trace.headers);
    await run("turn", trace.headers);
    await bridge.stop();
    assert.deepEqual(
      spans.filter(({ traceId }) => traceId === trace.id),
      [],
    );
    // The trace goes on all the same.
    for (const call of cacheCalls)
      assert.match(call.get("traceparent") ?? "", new RegExp(`^00-${trace.id}-\\w{16}-00$`));
  });
});
