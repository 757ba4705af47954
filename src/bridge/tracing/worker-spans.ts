// Spans that ended in the worker, in the form OpenTelemetry's exporters take.
import { type Attributes, type AttributeValue, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { MAX_ATTRIBUTES, MAX_TEXT } from "./limits.ts";
import type { EndedSpan } from "./tracer.ts";

export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: ReadableSpan["instrumentationScope"];
  redact(text: string): string;
}

export function readableSpan(span: EndedSpan, { resource, scope, redact }: SpanOrigin): ReadableSpan {
  const text = (value: unknown) => redact(String(value)).slice(0, MAX_TEXT);
  // The worker sends no others.
  const context = (spanId: string) => ({ traceId: span.traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  const own = context(span.spanId);
  return {
    name: text(span.name),
    kind: span.kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => own,
    parentSpanContext: context(span.parentSpanId),
    startTime: [...span.startedAt],
    endTime: [...span.endedAt],
    duration: difference(span.startedAt, span.endedAt),
    ended: true,
    status:
      span.error === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: text(span.error) },
    attributes: attributesOf(span.attributes, text),
    links: [],
    events: [],
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

type Text = (value: unknown) => string;

function attributesOf(given: EndedSpan["attributes"], text: Text): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(given).slice(0, MAX_ATTRIBUTES)) {
    const fit = attributeOf(value, text);
    if (fit !== undefined) attributes[text(name)] = fit;
  }
  return attributes;
}

/** A list has items of one kind (OpenTelemetry, "Attribute"); any other becomes one of texts. */
function attributeOf(value: unknown, text: Text): AttributeValue | undefined {
  if (typeof value === "string") return text(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (!Array.isArray(value)) return undefined;
  const items: unknown[] = value.slice(0, MAX_ATTRIBUTES);
  if (items.every((item) => typeof item === "number")) return items;
  if (items.every((item) => typeof item === "boolean")) return items;
  return items.map(text);
}

const NANOS_PER_SECOND = 1_000_000_000;

type Time = EndedSpan["startedAt"];

function difference([fromSeconds, fromNanos]: Time, [toSeconds, toNanos]: Time): [number, number] {
  const nanos = (toSeconds - fromSeconds) * NANOS_PER_SECOND + (toNanos - fromNanos);
  return nanos <= 0 ? [0, 0] : [Math.floor(nanos / NANOS_PER_SECOND), nanos % NANOS_PER_SECOND];
}
