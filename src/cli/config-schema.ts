// The schema gestaltd checks a provider's config against: the author's own, with the bridge's `worker` where it belongs.
import { providerJsonSchema } from "../bridge/config/json-schema.ts";
import { BRIDGE_KINDS } from "../bridge/kinds.ts";
import type { ServedProvider } from "../gen/gestalt/edge/v1/edge_pb.ts";
import { ProviderKind } from "../gen/gestalt/provider/v1/lifecycle_pb.ts";

type JsonSchema = Record<string, unknown>;

/** Undefined when there is nothing to check. */
export function configSchemaOf({ kind, configSchema }: ServedProvider): JsonSchema | undefined {
  const own = configSchema === "" ? undefined : (withoutLookaround(JSON.parse(configSchema)) as JsonSchema);
  // A plugin's worker stands in the runtime's config, every other provider's in its own.
  if (kind === ProviderKind.INTEGRATION) return own;
  const bridge = providerJsonSchema(BRIDGE_KINDS.find((bridgeKind) => bridgeKind.kind === kind));
  return own === undefined || !isPlainObjectSchema(own) ? bridge : merge(bridge, own);
}

function merge(bridge: JsonSchema, own: JsonSchema): JsonSchema {
  const definitions = { ...object(own.$defs), ...object(bridge.$defs) };
  return {
    ...bridge,
    ...own,
    properties: { ...object(own.properties), ...object(bridge.properties) },
    required: [...list(own.required), ...list(bridge.required)],
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }),
  };
}

/** Properties can be added to such a schema; a union, say, has no one place for them. */
function isPlainObjectSchema(schema: JsonSchema): boolean {
  return schema.type === "object" && !("anyOf" in schema || "oneOf" in schema || "allOf" in schema || "$ref" in schema);
}

/** Go's regular expressions have no lookaround, and gestaltd refuses a whole schema for one; the worker checks it anyway. */
function withoutLookaround(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutLookaround);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).filter(
    ([key, value]) => !(key === "pattern" && typeof value === "string" && /\(\?<?[=!]/.test(value)),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutLookaround(value)]));
}

function object(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null ? (value as JsonSchema) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
