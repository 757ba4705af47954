// What a span says of itself: texts, numbers, booleans, or lists of one of them, as OpenTelemetry allows.
import type { JsonValue } from "../../wire/session-token.ts";
import { shortened } from "../shortened.ts";

export type SpanAttribute = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

export type SpanAttributes = Readonly<Record<string, SpanAttribute | undefined>>;

/** Attributes of one span and items of one list: what OpenTelemetry's SDKs keep. */
export const MAX_ATTRIBUTES = 128;

/** Longest text, in characters: the bridge passes on no longer one. */
export const MAX_TEXT = 4_096;

/** The value as it can be sent, undefined when it cannot: recording never throws, whatever a model's library has returned. */
export function attributeOf(value: unknown): JsonValue | undefined {
  if (!Array.isArray(value)) return value === "" ? undefined : itemOf(value);
  const items = value.slice(0, MAX_ATTRIBUTES).map(itemOf);
  const kinds = new Set(items.map((item) => typeof item));
  return kinds.size === 1 && !kinds.has("undefined") ? (items as JsonValue[]) : undefined;
}

function itemOf(value: unknown): string | number | boolean | undefined {
  if (typeof value === "string") return shortened(value, MAX_TEXT);
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return typeof value === "boolean" ? value : undefined;
}
