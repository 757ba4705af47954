// Operations as the protocol's catalog describes them.
import { create, fromJson, type MessageInitShape } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type Catalog,
  type CatalogOperationSchema,
  type CatalogParameterSchema,
  CatalogSchema,
} from "../../gen/gestalt/provider/v1/catalog_pb.ts";
import { PARAMETER_FACTS_KEYWORD } from "../../wire/catalog-document.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { type JsonSchema, jsonSchema, variantsOf } from "./json-schema.ts";
import type { Operation } from "./operation.ts";

export interface CatalogHead {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly iconSvg: string;
}

export function catalogOf(head: CatalogHead, operations: Iterable<[string, Operation<never>]>): Catalog {
  return create(CatalogSchema, { ...head, operations: Array.from(operations, ([id, each]) => operationOf(id, each)) });
}

function operationOf(id: string, operation: Operation<never>): MessageInitShape<typeof CatalogOperationSchema> {
  const { annotations = {} } = operation;
  const input = operation.input && withFacts(jsonSchema(operation.input, "input"), operation.parameters ?? {});
  return {
    id,
    method: operation.method ?? "POST",
    title: operation.title ?? "",
    description: operation.description ?? "",
    inputSchema: input === undefined ? "" : JSON.stringify(input),
    outputSchema: operation.output === undefined ? "" : JSON.stringify(jsonSchema(operation.output, "output")),
    annotations: withoutUndefined({
      readOnlyHint: annotations.readOnly ?? operation.readOnly,
      idempotentHint: annotations.idempotent,
      destructiveHint: annotations.destructive,
      openWorldHint: annotations.openWorld,
    }),
    parameters: input === undefined ? [] : parametersOf(input),
    requiredScopes: [...(operation.requiredScopes ?? [])],
    tags: [...(operation.tags ?? [])],
    readOnly: operation.readOnly ?? annotations.readOnly ?? false,
    ...withoutUndefined({ visible: operation.visible }),
    transport: "plugin",
    allowedRoles: [...(operation.allowedRoles ?? [])],
  };
}

/** The protocol has no field for a parameter's location and wire name; a keyword of ours in its schema carries them. */
function withFacts(input: JsonSchema, facts: NonNullable<Operation<never>["parameters"]>): JsonSchema {
  const { properties } = input;
  if (properties === undefined || Object.keys(facts).length === 0) return input;
  const described = Object.entries(properties).map(([name, schema]) =>
    Object.hasOwn(facts, name) ? [name, { ...schema, [PARAMETER_FACTS_KEYWORD]: facts[name] }] : [name, schema],
  );
  return { ...input, properties: Object.fromEntries(described) };
}

/** The flat view of an input schema: the properties of the object, or of all the objects of a union. */
function parametersOf(input: JsonSchema): MessageInitShape<typeof CatalogParameterSchema>[] {
  const objects = variantsOf(input, input);
  const parameters = new Map<string, MessageInitShape<typeof CatalogParameterSchema>>();
  for (const { properties = {} } of objects) {
    for (const [name, schema] of Object.entries(properties)) {
      if (parameters.has(name)) continue;
      parameters.set(name, {
        name,
        type: typeOf(schema, input),
        description: schema.description ?? "",
        required: objects.every(({ required }) => required?.includes(name)),
        ...(schema.default === undefined ? {} : { default: fromJson(ValueSchema, schema.default) }),
      });
    }
  }
  return [...parameters.values()];
}

/** The one JSON type of a property; `string` where it has none or several, as that is how a query carries it. */
function typeOf(schema: JsonSchema, root: JsonSchema): string {
  const types = variantsOf(schema, root).flatMap(({ type, ...rest }) => type ?? typeof (rest.const ?? rest.enum?.[0]));
  const known = new Set(types.filter((type) => type !== "null" && type !== "undefined"));
  const [only] = known;
  return known.size === 1 && only !== undefined ? only : "string";
}
