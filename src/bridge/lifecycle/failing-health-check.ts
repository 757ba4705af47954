// HealthCheck for kinds of which gestaltd looks at nothing but whether the call fails.
import { ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { localUnary } from "../grpc/local.ts";
import type { Route } from "../grpc/router.ts";
import { callWorker } from "../proxy/worker-call.ts";
import { traceMetadata } from "../tracing/trace-metadata.ts";
import type { UpstreamSource } from "../upstream.ts";

/** What the worker answers, but UNAVAILABLE with its message where that is "not ready". */
export function failingHealthCheck(upstream: UpstreamSource): Route {
  const { healthCheck } = ProviderLifecycle.method;
  return localUnary(healthCheck, async (_request, { deadline, signal, metadata }) => {
    const options = { deadline, signal, metadata: traceMetadata(metadata) };
    const { ready, message } = await callWorker(upstream, healthCheck, {}, options);
    if (!ready) throw new BridgeError(GrpcCode.unavailable, message || "the provider is not ready");
    return { ready, message };
  });
}
