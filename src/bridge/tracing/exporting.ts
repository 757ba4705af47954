// Exports spans over OTLP as the environment says. OpenTelemetry's own SDK does the work, and reads the environment too: sampler,
// batches, limits. The built bridge loads this file, with all it imports, only when traces are wanted.
import { setGlobalErrorHandler } from "@opentelemetry/core";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from "@opentelemetry/semantic-conventions";
import { PACKAGE_VERSION } from "../../wire/version.ts";
import { diagnostics } from "./diagnostics.ts";
import { describeEndpoint, exporterFor } from "./exporter.ts";
import { keepHeadersSecret } from "./header-secrets.ts";
import { SpanTracer } from "./span-tracer.ts";
import type { Tracer } from "./tracer.ts";
import type { TracedProvider, TracingContext } from "./tracing.ts";
import { watched } from "./watched-exporter.ts";

export interface Exporting {
  tracerOf(provider: TracedProvider | undefined): Tracer;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const SCOPE = { name: "gestalt-edge", version: PACKAGE_VERSION };

/** Longest wait for the last spans, in milliseconds: gestaltd kills 2,000 after SIGTERM, and calls in flight may take 1,200 of that. */
const FLUSH_MS = 500;

export async function startExporting({ env, log, secrets }: TracingContext): Promise<Exporting> {
  keepHeadersSecret(env, secrets);
  diagnostics(log);
  // The exporter tells of its faults itself, see watched-exporter.ts.
  setGlobalErrorHandler(() => undefined);
  const processor = new BatchSpanProcessor(watched(await exporterFor(env), describeEndpoint(env), log));
  const own = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  return {
    tracerOf(provider) {
      const resource = provider === undefined ? own : own.merge(resourceOf(provider));
      // Several share the processor, which groups spans by resource.
      const tracers = new BasicTracerProvider({ resource, spanProcessors: [processor] });
      const tracer = tracers.getTracer(SCOPE.name, SCOPE.version);
      const redact = (text: string) => provider?.redact(text) ?? secrets.redact(text);
      return new SpanTracer({ tracer, processor, resource, scope: SCOPE, redact });
    },
    flush: () => inTime(processor.forceFlush()),
    close: () => inTime(processor.shutdown(), () => log.warn("the last traces could not be exported in time")),
  };
}

/** As gestaltd itself names the plugins that it runs on its own machine, `ProviderTelemetryEnv` in its OTLP driver. */
function resourceOf({ name, session }: TracedProvider) {
  return resourceFromAttributes({
    [ATTR_SERVICE_NAME]: `gestalt-provider-${name}`,
    [ATTR_SERVICE_INSTANCE_ID]: session,
    "gestaltd.provider.name": name,
  });
}

/** What fails has been told already. */
async function inTime(sent: Promise<void>, late: () => void = () => undefined): Promise<void> {
  const { promise: passed, resolve: pass } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => pass("late"), FLUSH_MS);
  const first = await Promise.race([sent.catch(() => undefined), passed]);
  clearTimeout(timer);
  if (first === "late") late();
}
