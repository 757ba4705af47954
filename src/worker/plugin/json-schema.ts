// JSON Schema as zod writes it, and the two things we do with it: make it, and look through its unions and references.
import { type $ZodType, toJSONSchema } from "zod/v4/core";
import type { JsonValue } from "../../wire/session-token.ts";

/** The keywords that are looked at; the rest is passed on. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: JsonValue;
  readonly const?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

/** Schema of what goes in or comes out. What JSON cannot say, a date for one, is left open. */
export function jsonSchema(schema: $ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, "~standard": __, ...json } = toJSONSchema(schema, { io, unrepresentable: "any" });
  return json as JsonSchema;
}

/** A schema without unions, intersections and references: the simple schemas it is made of. */
export function variantsOf(
  schema: JsonSchema,
  root: JsonSchema,
  seen: ReadonlySet<JsonSchema> = new Set(),
): JsonSchema[] {
  if (seen.has(schema)) return [];
  const deeper = new Set(seen).add(schema);
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  if (schema.$ref !== undefined) inner.push(...resolve(schema.$ref, root));
  if (inner.length === 0) return [schema];
  const variants = inner.flatMap((each) => variantsOf(each, root, deeper));
  return schema.properties === undefined ? variants : [schema, ...variants];
}

/** zod writes two kinds of reference: to a definition, and to the root. */
function resolve(reference: string, root: JsonSchema): JsonSchema[] {
  if (reference === "#") return [root];
  const definition = root.$defs?.[reference.replace(/^#\/\$defs\//, "")];
  return definition === undefined ? [] : [definition];
}
