// The trace a call belongs to, read from its metadata and written there (W3C Trace Context). Baggage is none of ours: it crosses as it is.
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { TRACE_PARENT_HEADER, TRACE_STATE_HEADER, W3CTraceContextPropagator } from "@opentelemetry/core";
import { type HeaderList, metadataValues } from "../grpc/metadata.ts";

/** What the span of a call with this metadata is a child of. */
export function contextOf(metadata: HeaderList): Context {
  return propagator.extract(ROOT_CONTEXT, metadata, GETTER);
}

/** The metadata with `span` in place of the one it came from. */
export function withSpan(metadata: HeaderList, span: Span): HeaderList {
  const list: string[] = [];
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const name = metadata[i] ?? "";
    if (name !== TRACE_PARENT_HEADER && name !== TRACE_STATE_HEADER) list.push(name, metadata[i + 1] ?? "");
  }
  propagator.inject(trace.setSpan(ROOT_CONTEXT, span), list, SETTER);
  return list;
}

const propagator = new W3CTraceContextPropagator();

const GETTER: TextMapGetter<HeaderList> = {
  get(metadata, key) {
    const values = metadataValues(metadata, key);
    // Of several `traceparent` none is to be believed; a list of `tracestate` may come in parts (W3C Trace Context §3.2, §3.3).
    return key === TRACE_PARENT_HEADER && values.length > 1 ? undefined : values;
  },
  keys: (metadata) => metadata.filter((_, index) => index % 2 === 0),
};

const SETTER: TextMapSetter<string[]> = {
  set: (metadata, key, value) => {
    if (value !== "") metadata.push(key, value);
  },
};
