// Tells the operator once when traces cannot be exported, and once when they can again. The SDK would say so for each batch.
import { ExportResultCode } from "@opentelemetry/core";
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import { errorName } from "../grpc/node-errors.ts";
import type { Log } from "../log.ts";

/** `endpoint`: where they go, for the operator. */
export function watched(exporter: SpanExporter, endpoint: string, log: Log): SpanExporter {
  let failing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !failing) log.warn("traces cannot be exported", { endpoint, cause: causeOf(result.error) });
        if (!failed && failing) log.info("traces are exported again", { endpoint });
        failing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

function causeOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  if (error === undefined) return "no reason is given";
  // Node has no message for a host whose every address refuses.
  if (error.message === "") return errorName(error);
  // Of an HTTP answer; a gRPC error says it itself.
  const status =
    typeof error.code === "number" && !error.message.includes(String(error.code)) ? ` (${error.code})` : "";
  return `${error.message}${status}`;
}
