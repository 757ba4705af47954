// `request.trace`: the trace a request belongs to, for what the provider does within it.
import { TRACE_HEADERS } from "../../wire/trace-headers.ts";
import type { Call } from "../call.ts";

export interface RequestTrace {
  /**
   * `traceparent`, `tracestate` and `baggage`, to go along with requests the provider makes itself; calls of host services carry
   * them anyway. Empty when the caller sent none.
   *
   * @example
   * await fetch(url, { headers: request.trace.headers });
   */
  readonly headers: Readonly<Record<string, string>>;
}

/** Hidden here, so that an author sees headers and nothing else. */
const calls = new WeakMap<RequestTrace, Call>();

export function requestTrace(call: Call): RequestTrace {
  const headers: Record<string, string> = {};
  for (const name of TRACE_HEADERS) {
    const value = call.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return traceOf(call, headers);
}

/** The same trace, further down: what is done with it comes under the span of `traceparent`. */
export function traceBelow(trace: RequestTrace, traceparent: string): RequestTrace {
  const call = calls.get(trace);
  const headers = { ...trace.headers, traceparent };
  return call === undefined ? { headers } : traceOf(call, headers);
}

/** Undefined for a trace that no request brought, as in an author's test. */
export function callOfTrace(trace: RequestTrace): Call | undefined {
  return calls.get(trace);
}

function traceOf(call: Call, headers: Readonly<Record<string, string>>): RequestTrace {
  const trace = { headers };
  calls.set(trace, call);
  return trace;
}
