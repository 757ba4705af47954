// One operation of generative AI as a span: what the helpers hand to their callback.
import type { JsonObject } from "../../wire/session-token.ts";
import type { Call } from "../call.ts";
import { hosting } from "../host/hosting.ts";
import { shortened } from "../shortened.ts";
import { attributeOf, MAX_ATTRIBUTES, MAX_TEXT, type SpanAttribute } from "./attributes.ts";
import { callOfTrace, type RequestTrace, traceBelow } from "./request-trace.ts";
import type { EndedSpan, SpanSender } from "./span-sender.ts";
import { childOf, parseTraceparent, type TraceContext, traceparentOf } from "./trace-context.ts";

/** What a model answered with. */
export interface ModelResponse {
  readonly id?: string | undefined;
  /** The model that answered, which may be another than was asked for. */
  readonly model?: string | undefined;
  /** Why each choice ended: `stop`, `length`, `tool_calls`. */
  readonly finishReasons?: readonly string[] | undefined;
}

/** Tokens by what they were; left out where the model does not say. */
export interface TokenUsage {
  /** All of the input, those below included. */
  readonly inputTokens?: number | undefined;
  /** All of the output, those for reasoning included. */
  readonly outputTokens?: number | undefined;
  /** Input that was written to the model provider's cache. */
  readonly cacheCreationInputTokens?: number | undefined;
  /** Input that came from there. */
  readonly cacheReadInputTokens?: number | undefined;
  readonly reasoningOutputTokens?: number | undefined;
}

/** None of its methods throws, and each may be called whether or not anything is recorded. */
export interface GenAIOperation {
  /** The request's trace with this operation as the parent: for requests, host calls and operations within it. */
  readonly trace: RequestTrace;
  /**
   * Adds an attribute of OpenTelemetry's GenAI conventions, or one of your own. Values it has no form of are left out, long texts
   * cut off. Prompts and answers do not belong here unless the operator wants to store them.
   */
  setAttribute(name: string, value: SpanAttribute | undefined): void;
  setResponseMetadata(response: ModelResponse): void;
  recordUsage(usage: TokenUsage): void;
  /** Marks it failed although nothing was thrown. `type` is short and one of few: `timeout`, `rate_limited`. */
  markError(type: string, description?: string): void;
}

export interface OperationSpan {
  readonly name: string;
  readonly kind: EndedSpan["kind"];
  readonly trace: RequestTrace;
}

/** Records when the trace is one that somebody keeps and the bridge can be told, and is silent otherwise. */
export class RecordedOperation implements GenAIOperation {
  readonly trace: RequestTrace;
  readonly #span: OperationSpan;
  readonly #recording: Recording | undefined;
  readonly #startedAt = Date.now();
  readonly #attributes: JsonObject = {};
  #error: string | undefined;

  constructor(span: OperationSpan) {
    this.#span = span;
    this.#recording = recordingOf(span.trace);
    this.trace = this.#recording ? traceBelow(span.trace, traceparentOf(this.#recording.own)) : span.trace;
  }

  setAttribute(name: string, value: SpanAttribute | undefined): void {
    const attribute = attributeOf(value);
    if (this.#recording === undefined || attribute === undefined) return;
    const isNew = !Object.hasOwn(this.#attributes, name);
    if (isNew && Object.keys(this.#attributes).length >= MAX_ATTRIBUTES) return;
    this.#attributes[shortened(name)] = attribute;
  }

  setResponseMetadata({ id, model, finishReasons }: ModelResponse): void {
    this.setAttribute("gen_ai.response.id", id);
    this.setAttribute("gen_ai.response.model", model);
    this.setAttribute("gen_ai.response.finish_reasons", finishReasons);
  }

  recordUsage(usage: TokenUsage): void {
    this.setAttribute("gen_ai.usage.input_tokens", usage.inputTokens);
    this.setAttribute("gen_ai.usage.output_tokens", usage.outputTokens);
    this.setAttribute("gen_ai.usage.cache_creation.input_tokens", usage.cacheCreationInputTokens);
    this.setAttribute("gen_ai.usage.cache_read.input_tokens", usage.cacheReadInputTokens);
    this.setAttribute("gen_ai.usage.reasoning.output_tokens", usage.reasoningOutputTokens);
  }

  markError(type: string, description = ""): void {
    this.setAttribute("error.type", type.trim() || "_OTHER");
    this.#error = shortened(description, MAX_TEXT);
  }

  end(): void {
    if (this.#recording === undefined) return;
    const { call, sender, parent, own } = this.#recording;
    const { name, kind } = this.#span;
    const times = { startedAt: this.#startedAt, endedAt: Date.now() };
    const attributes = { ...this.#attributes };
    const { spanId } = own;
    sender.send(call, { parent, spanId, name: shortened(name), kind, ...times, attributes, error: this.#error });
  }
}

interface Recording {
  readonly call: Call;
  readonly sender: SpanSender;
  readonly parent: TraceContext;
  readonly own: TraceContext;
}

function recordingOf(trace: RequestTrace): Recording | undefined {
  const sender = hosting()?.spans;
  const call = callOfTrace(trace);
  if (sender === undefined || call === undefined || !sender.accepts(call)) return undefined;
  const parent = parseTraceparent(trace.headers.traceparent);
  return parent?.sampled === true ? { call, sender, parent, own: childOf(parent) } : undefined;
}
