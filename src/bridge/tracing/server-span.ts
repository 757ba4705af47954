// Which calls of gestaltd's have a span.

import { ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { pathOf } from "../grpc/router.ts";
import type { CallSpan, ServerCallFacts, TracerSource } from "./tracer.ts";

/**
 * Begins the span of a call; undefined for one that is only polled. gestaltd asks for a session's state with each relayed call of a
 * host service, and for health at intervals and with each probe of its own: such spans tell nothing of a provider, and would drown
 * those that do.
 */
export function serverSpan(source: TracerSource, call: ServerCallFacts): CallSpan | undefined {
  return POLLED.has(call.path) ? undefined : source()?.server(call);
}

const POLLED: ReadonlySet<string> = new Set(
  [
    PluginRuntimeProvider.method.getSession,
    ProviderLifecycle.method.healthCheck,
    ...Health.methods,
    ...ServerReflection.methods,
    ...ServerReflectionAlpha.methods,
  ].map(pathOf),
);
