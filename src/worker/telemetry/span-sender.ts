// The way of spans to the bridge, as those see it who end them.
import type { JsonObject } from "../../wire/session-token.ts";
import type { Call } from "../call.ts";
import type { TraceContext } from "./trace-context.ts";

export interface EndedSpan {
  readonly parent: TraceContext;
  readonly spanId: string;
  readonly name: string;
  readonly kind: "internal" | "client";
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: JsonObject;
  /** Set when what the span is about failed: a sentence, perhaps empty. */
  readonly error: string | undefined;
}

export interface SpanSender {
  /** Whether spans of the call's session arrive anywhere, as far as is known. */
  accepts(call: Call): boolean;
  /** Sends it some time later. Never throws, never waits: a trace neither fails nor delays a call. */
  send(call: Call, span: EndedSpan): void;
}
