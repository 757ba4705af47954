// GET sends every parameter as text: turns such texts into what the input's JSON Schema asks for, and only those that it
// would refuse as they are. A text the schema accepts stays a text.
import type { JsonObject, JsonValue } from "../../wire/session-token.ts";
import { type JsonSchema, variantsOf } from "./json-schema.ts";

/** Decimal, as JSON writes it but with leading zeros allowed: `05` is what date forms send. */
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Parameters as `schema` wants them. Values that are no text stay; so do texts that fit nothing, for the schema itself
 * to refuse. One text becomes a list of one where a list is asked for; JSON text becomes the list or object it says.
 */
export function coerceParameters(params: JsonObject, schema: JsonSchema): JsonObject {
  const root = variantsOf(schema, schema);
  // fromEntries defines keys, where assigning `__proto__` would set a prototype.
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const schemas = root.flatMap((variant) => propertySchemas(variant, name, schema));
      return [name, coerceValue(value, schemas, schema)];
    }),
  );
}

function propertySchemas(
  { properties, additionalProperties }: JsonSchema,
  name: string,
  root: JsonSchema,
): JsonSchema[] {
  const declared = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
  const schema = declared ?? additionalProperties;
  return typeof schema === "object" ? variantsOf(schema, root) : [];
}

function coerceValue(value: JsonValue, schemas: readonly JsonSchema[], root: JsonSchema): JsonValue {
  if (typeof value === "string") return coerceText(value, schemas, root);
  if (!Array.isArray(value)) return value;
  const items = itemSchemas(schemas, root);
  return value.map((item) => (typeof item === "string" ? coerceText(item, items, root) : item));
}

function coerceText(text: string, schemas: readonly JsonSchema[], root: JsonSchema): JsonValue {
  if (schemas.some((schema) => allows(schema, "string", text))) return text;
  for (const candidate of readings(text)) {
    if (schemas.some((schema) => typeNames(candidate).some((type) => allows(schema, type, candidate))))
      return candidate;
  }
  if (schemas.some((schema) => allows(schema, "array", undefined)))
    return [coerceText(text, itemSchemas(schemas, root), root)];
  return text;
}

/** What the text could mean other than itself. */
function readings(text: string): JsonValue[] {
  if (text === "true" || text === "false") return [text === "true"];
  if (NUMBER.test(text)) return exactNumber(text);
  if (text.startsWith("[") || text.startsWith("{")) return parsed(text);
  return [];
}

/** An integer beyond 2^53 would be rounded to another one; that is worse than refusing it. */
function exactNumber(text: string): JsonValue[] {
  const value = Number(text);
  if (!Number.isFinite(value)) return [];
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) return [];
  return [value];
}

function parsed(text: string): JsonValue[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

function typeNames(value: JsonValue): string[] {
  if (Array.isArray(value)) return ["array"];
  if (typeof value === "number") return Number.isInteger(value) ? ["number", "integer"] : ["number"];
  return [typeof value];
}

/** Whether a schema takes a value of this type, and this value where it lists its values. No type means any. */
function allows(schema: JsonSchema, type: string, value: JsonValue | undefined): boolean {
  if ("const" in schema) return schema.const === value;
  if (schema.enum !== undefined) return value !== undefined && schema.enum.includes(value);
  if (schema.type === undefined) return true;
  return Array.isArray(schema.type) ? schema.type.includes(type) : schema.type === type;
}

function itemSchemas(schemas: readonly JsonSchema[], root: JsonSchema): JsonSchema[] {
  return schemas.flatMap(({ items }) => (isSchema(items) ? variantsOf(items, root) : []));
}

/** A tuple's `items` is a list of schemas, and a text is no tuple. */
function isSchema(items: JsonSchema["items"]): items is JsonSchema {
  return items !== undefined && !Array.isArray(items);
}
