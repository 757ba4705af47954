// W3C Trace Context: which trace a call belongs to. Only what this side needs; the bridge speaks to OpenTelemetry.
/// <reference lib="esnext.typedarrays" />

export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits: the span that what is begun here is a child of. */
  readonly spanId: string;
  /** Whether somebody keeps the trace: what belongs to any other is not recorded. */
  readonly sampled: boolean;
}

const SAMPLED = 0x01;
const SPAN_ID_BYTES = 8;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Version 00, and later ones as far as they begin like it (W3C Trace Context, "Versioning of traceparent"). */
export function parseTraceparent(header = ""): TraceContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** As a new span below this one. */
export function childOf(parent: TraceContext): TraceContext {
  return { ...parent, spanId: crypto.getRandomValues(new Uint8Array(SPAN_ID_BYTES)).toHex() };
}

export function traceparentOf({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
