// Headers that say to which trace a call belongs (W3C Trace Context, W3C Baggage). One trace goes through gestaltd, the bridge, the
// worker, and what a provider calls from there.
export const TRACE_HEADERS = ["traceparent", "tracestate", "baggage"] as const;
