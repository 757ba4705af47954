// Stands for src/bridge/tracing/exporting.ts in the built bridge: OpenTelemetry's SDK is needed where traces are wanted, and nowhere else.
import type * as Exporting from "../../src/bridge/tracing/exporting.ts";
import type { PartScope } from "./load-part.ts";

declare const loadPart: PartScope["loadPart"];

export const { startExporting } = loadPart("Traces, packed") as typeof Exporting;
