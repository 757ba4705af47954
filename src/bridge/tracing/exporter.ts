// The exporter the environment asks for (OpenTelemetry, "OTLP exporter configuration"), as gestaltd writes it.
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";

/** gestaltd writes `grpc` or `http/protobuf`; where nothing is said, OpenTelemetry recommends the latter. */
export async function exporterFor(env: NodeJS.ProcessEnv): Promise<SpanExporter> {
  if (settingOf(env, "PROTOCOL") === "grpc") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
    return new OTLPTraceExporter();
  }
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  const url = urlOf(env);
  return new OTLPTraceExporter(url === undefined ? {} : { url });
}

/** For the operator: the endpoint without what may be a password in it. */
export function describeEndpoint(env: NodeJS.ProcessEnv): string {
  return settingOf(env, "ENDPOINT")?.replace(/^([a-z]+:\/\/)?[^/@]*@/i, "$1") ?? "OpenTelemetry's default";
}

/**
 * gestaltd's own exporter takes `collector:4318` for an endpoint, and so that is what it writes for others too. For gRPC
 * OpenTelemetry allows it; for HTTP it wants a URL.
 */
function urlOf(env: NodeJS.ProcessEnv): string | undefined {
  const endpoint = settingOf(env, "ENDPOINT");
  if (endpoint === undefined || /^[a-z]+:\/\//i.test(endpoint)) return undefined;
  const scheme = settingOf(env, "INSECURE")?.toLowerCase() === "true" ? "http" : "https";
  const path = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() ? "" : "/v1/traces";
  return `${scheme}://${endpoint.replace(/\/+$/, "")}${path}`;
}

/** The variable for traces goes before the one for all signals; an empty one counts as not set. */
function settingOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[`OTEL_EXPORTER_OTLP_TRACES_${name}`]?.trim() || env[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || undefined;
}
