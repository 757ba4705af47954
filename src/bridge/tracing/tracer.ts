// What a call needs of tracing, and whether it is wanted at all. Knows nothing of OpenTelemetry's SDK, which is loaded only then.
import type { HeaderList } from "../grpc/metadata.ts";
import type { CallStatus } from "../grpc/status.ts";
import type { HostAddress } from "../host/address.ts";

export interface Tracer {
  /** Begins the span of a call of gestaltd's. */
  server(call: ServerCallFacts): CallSpan;
  /** Begins the span of a host service's call, which the bridge makes for the provider. */
  client(call: ClientCallFacts): CallSpan;
  /** Takes spans that ended in the worker. */
  record(spans: readonly EndedSpan[]): void;
}

/** Asked for each call: undefined until the tracer has been loaded. */
export type TracerSource = () => Tracer | undefined;

export interface ServerCallFacts {
  /** Full method, `/gestalt.provider.v1.Cache/Get`, or whatever the caller made of it. */
  readonly path: string;
  /** Whether the method is served here. */
  readonly known: boolean;
  /** The span is a child of what `traceparent` names in it, else the root of a new trace. */
  readonly metadata: HeaderList;
}

export interface ClientCallFacts extends Pick<ServerCallFacts, "path" | "metadata"> {
  readonly address: HostAddress;
}

export interface CallSpan {
  /** The call's metadata with this span in place of the one it came from, for whoever is called next. */
  readonly metadata: HeaderList;
  /** The call is over. To be called once. */
  end(status: Pick<CallStatus, "code" | "message">): void;
}

/** A span that ended in the worker, as far as it has been checked: of the trace of some call, but nobody knows whether of its own. */
export interface EndedSpan {
  /** Lower-case hexadecimal digits, as W3C Trace Context has them: 32 of the trace, 16 of each span. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: "internal" | "client";
  /** Seconds since the epoch, and nanoseconds. */
  readonly startedAt: readonly [seconds: number, nanos: number];
  readonly endedAt: readonly [seconds: number, nanos: number];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Set when what the span is about failed: a sentence, perhaps empty. */
  readonly error: string | undefined;
}

/**
 * Whether the environment asks for traces, as gestaltd's OTLP driver does of agents, runtimes and workflow providers: it always
 * sets the protocol, the endpoint only where it differs from the default. Names: OpenTelemetry, "OTLP exporter configuration".
 */
export function tracesWanted(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return false;
  const exporters = env.OTEL_TRACES_EXPORTER?.split(",").map((name) => name.trim()) ?? [];
  if (exporters.some((name) => name !== "") && !exporters.includes("otlp")) return false;
  return ASKING_VARIABLES.some((name) => env[name]);
}

const ASKING_VARIABLES = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
];
