// A catalog as gestaltd reads it from `catalog.yaml` or `catalog.json` (strictly: an unknown key is an error). Plain
// objects; whoever writes the file prints them.
import { toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Catalog, CatalogOperation, CatalogParameter } from "../gen/gestalt/provider/v1/catalog_pb.ts";

/** Keyword that carries a parameter's `location`, `wireName` and `internal` in its JSON Schema: the protocol has no field. */
export const PARAMETER_FACTS_KEYWORD = "x-gestalt-parameter";

export interface CatalogDocument {
  readonly name?: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly iconSvg?: string;
  readonly operations: readonly CatalogOperationDocument[];
}

export interface CatalogOperationDocument {
  readonly id: string;
  readonly method: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: Readonly<Record<string, boolean>>;
  readonly parameters?: readonly CatalogParameterDocument[];
  readonly requiredScopes?: readonly string[];
  readonly tags?: readonly string[];
  readonly readOnly?: boolean;
  readonly visible?: boolean;
  readonly allowedRoles?: readonly string[];
}

export interface CatalogParameterDocument {
  readonly name: string;
  readonly type: string;
  readonly location?: string;
  readonly wireName?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly internal?: boolean;
  readonly default?: unknown;
}

/**
 * `GetMetadata`'s static catalog as a document. What is empty is left out, and so is the transport: gestaltd takes
 * `plugin` for granted. Throws when the catalog holds no operation, which gestaltd refuses.
 */
export function catalogDocument(catalog: Catalog): CatalogDocument {
  if (catalog.operations.length === 0) throw new Error("The catalog has no operation; gestaltd wants at least one.");
  const { name, displayName, description, iconSvg } = catalog;
  return {
    ...filled({ name, displayName, description, iconSvg }),
    operations: catalog.operations.map(operationDocument),
  };
}

function operationDocument(operation: CatalogOperation): CatalogOperationDocument {
  const { annotations, parameters, visible, readOnly } = operation;
  const { schema: inputSchema, facts } = withoutFacts(parse(operation.inputSchema));
  const { $typeName: _, $unknown: __, ...hints } = annotations ?? {};
  return {
    id: operation.id,
    method: operation.method,
    ...filled({ title: operation.title, description: operation.description, inputSchema }),
    ...filled({ outputSchema: parse(operation.outputSchema), annotations: filled(hints) }),
    ...filled({ parameters: parameters.map((parameter) => parameterDocument(parameter, facts[parameter.name])) }),
    ...filled({ requiredScopes: operation.requiredScopes, tags: operation.tags }),
    ...filled({ readOnly: readOnly || undefined, visible, allowedRoles: operation.allowedRoles }),
  };
}

function parameterDocument(parameter: CatalogParameter, facts: object | undefined): CatalogParameterDocument {
  return {
    name: parameter.name,
    type: parameter.type,
    ...facts,
    ...filled({ description: parameter.description, required: parameter.required || undefined }),
    ...(parameter.default === undefined ? {} : { default: toJson(ValueSchema, parameter.default) }),
  };
}

interface SchemaWithFacts {
  readonly schema: unknown;
  readonly facts: Readonly<Record<string, object | undefined>>;
}

/** Takes our keyword out of the properties of an input schema. */
function withoutFacts(schema: unknown): SchemaWithFacts {
  if (!isObject(schema) || !isObject(schema.properties)) return { schema, facts: {} };
  const facts = new Map<string, object>();
  const properties = Object.entries(schema.properties).map(([name, property]) => {
    if (!isObject(property)) return [name, property];
    const { [PARAMETER_FACTS_KEYWORD]: found, ...plain } = property;
    if (isObject(found)) facts.set(name, found);
    return [name, plain];
  });
  return { schema: { ...schema, properties: Object.fromEntries(properties) }, facts: Object.fromEntries(facts) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(json: string): unknown {
  return json === "" ? undefined : JSON.parse(json);
}

type Filled<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, an empty text, an empty list or an empty object. */
function filled<T extends object>(values: T): Filled<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value))) as Filled<T>;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
