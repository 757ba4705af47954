// A traced bridge between a fake gestaltd, a worker and a collector, walked as gestaltd walks it.
import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";
import type { DescMessage, DescMethod, JsonObject, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { type Hosted, host } from "../runtime/runtime.ts";
import { atEnd, type BridgeProcess, startBridgeProcess } from "../support/bridge-process.ts";
import type { FakeGestaltd } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { unary } from "../support/grpc-clients.ts";
import { type Collector, startCollector } from "../support/otlp-collector.ts";
import { startWorker, type TestWorker, WORKER_NAME } from "../support/worker-harness.ts";

/** What a collector wants to see. */
export const CREDENTIAL = "Bearer collector-credential";
/** Long enough that only the end of the bridge sends the spans; `soon` is for tests that wait for them. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: "20" };

/** The environment gestaltd gives a runtime, `ProviderTelemetryEnv` in its OTLP driver. */
export function telemetry(endpoint: string, protocol: "grpc" | "http/protobuf" = "grpc"): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_INSECURE: "true",
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(CREDENTIAL)},x-tenant=acme`,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "1",
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
    OTEL_SERVICE_NAME: "gestalt-provider-edge",
    OTEL_RESOURCE_ATTRIBUTES: "gestaltd.provider.name=edge,service.namespace=gestalt-providers",
    ...SOON,
  };
}

/** The worker of all tests of a file. */
export function sharedWorker(): { readonly worker: () => TestWorker } {
  let worker: TestWorker | undefined;
  before(async () => {
    worker = await startWorker({
      entry: new URL("./app.worker.ts", import.meta.url),
      durableObjects: { [CHANNEL_BINDING]: "HostChannel" },
      unsafeEphemeralDurableObjects: true,
    });
  });
  after(() => worker?.dispose());
  return {
    worker: () => {
      assert.ok(worker);
      return worker;
    },
  };
}

export async function collector(t: TestContext, protocol: "grpc" | "http" = "grpc"): Promise<Collector> {
  const started = await startCollector(protocol);
  atEnd(t, () => started.close());
  return started;
}

export interface TracedPlugin {
  readonly bridge: BridgeProcess;
  readonly gestaltd: FakeGestaltd;
  readonly hosted: Hosted;
  /** Metadata of the cache's calls, as gestaltd got them. */
  readonly cacheCalls: readonly Headers[];
  /** Has an operation run; returns what it answers. */
  run(operation: string, trace?: TraceHeaders, params?: JsonObject): Promise<JsonObject>;
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    request: MessageInitShape<I>,
    trace?: TraceHeaders,
  ): Promise<MessageShape<O>>;
}

export type TraceHeaders = Readonly<Record<string, string>>;

/** A bridge of kind runtime with this environment, and a plugin that it hosts, configured with `config`. */
export async function startPlugin(
  t: TestContext,
  worker: TestWorker,
  env: Readonly<Record<string, string>>,
  { config = {}, trace = {} }: { readonly config?: JsonObject; readonly trace?: TraceHeaders } = {},
): Promise<TracedPlugin> {
  const cacheCalls: Headers[] = [];
  const gestaltd = await startFakeGestaltd(t, {
    routes: (router) =>
      router.service(Cache, {
        get(_request, { requestHeader, responseHeader }) {
          cacheCalls.push(requestHeader);
          responseHeader.set("baggage", "from=gestaltd");
          return { found: false, value: new Uint8Array() };
        },
      }),
  });
  const bridge = await startBridgeProcess(t, "runtime", { env });
  const { url, privateKey: key } = worker;
  await bridge.configure({ workers: { traced: { url, key, name: WORKER_NAME, provider: "traced" } } });
  const hosted = await host(t, bridge, {
    name: "helper",
    template: "traced",
    env: (session) => gestaltd.offer({ plugin: "helper", session, via: "tcp", hosts: ["CACHE"] }),
  });
  const client = new grpc.Client(`unix:${hosted.path}`, grpc.credentials.createInsecure());
  atEnd(t, () => client.close());
  const call: TracedPlugin["call"] = async (method, request, headers = {}) => {
    const { reply, error } = await unary(client, method, request, metadataOf(headers));
    if (reply === undefined) throw error;
    return reply;
  };
  await call(IntegrationProvider.method.startProvider, { name: "helper", config, protocolVersion: 3 }, trace);
  return {
    ...{ bridge, gestaltd, hosted, cacheCalls, call },
    async run(operation, headers = {}, params = {}) {
      const request = { operation, params, invocationToken: "invocation-1" };
      const { status, body } = await call(IntegrationProvider.method.execute, request, headers);
      assert.equal(status, 200, body);
      return JSON.parse(body);
    },
  };
}

export function metadataOf(headers: TraceHeaders): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

let traces = 0;

/** A trace of the test's own, begun by gestaltd. */
export function newTrace(sampled = true): {
  readonly id: string;
  readonly span: string;
  readonly headers: TraceHeaders;
} {
  const id = (++traces).toString(16).padStart(32, "a");
  const span = "00f067aa0ba902b7";
  return { id, span, headers: { traceparent: `00-${id}-${span}-${sampled ? "01" : "00"}` } };
}
