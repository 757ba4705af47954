// Options of a model's request as attributes: those that OpenTelemetry's GenAI conventions have a name for.
import type { SpanAttribute, SpanAttributes } from "./attributes.ts";

export function requestAttributes(options: Readonly<Record<string, unknown>>): SpanAttributes {
  const attributes: Record<string, SpanAttribute | undefined> = {};
  for (const [option, value] of Object.entries(options)) {
    const name = Object.hasOwn(REQUEST_ATTRIBUTES, option) ? REQUEST_ATTRIBUTES[option] : undefined;
    if (name === undefined || value === undefined || value === null) continue;
    // Whether it can be recorded is looked at where all attributes are.
    attributes[name] = (name === STOP_SEQUENCES && typeof value === "string" ? [value] : value) as SpanAttribute;
  }
  return attributes;
}

/** The only one that is a list by the conventions; model APIs take a single text too. */
const STOP_SEQUENCES = "gen_ai.request.stop_sequences";

/** Names of model APIs' options, and the conventions' for them. */
const REQUEST_ATTRIBUTES: Readonly<Record<string, string>> = {
  n: "gen_ai.request.choice.count",
  choice_count: "gen_ai.request.choice.count",
  frequency_penalty: "gen_ai.request.frequency_penalty",
  max_tokens: "gen_ai.request.max_tokens",
  max_completion_tokens: "gen_ai.request.max_tokens",
  max_output_tokens: "gen_ai.request.max_tokens",
  presence_penalty: "gen_ai.request.presence_penalty",
  seed: "gen_ai.request.seed",
  stop: STOP_SEQUENCES,
  stop_sequences: STOP_SEQUENCES,
  stream: "gen_ai.request.stream",
  temperature: "gen_ai.request.temperature",
  top_k: "gen_ai.request.top_k",
  top_p: "gen_ai.request.top_p",
};
