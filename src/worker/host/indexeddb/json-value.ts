// Between JSON and google.protobuf.Value. Names are data, `__proto__` too, and nothing is dropped or turned into
// something else.
import { create } from "@bufbuild/protobuf";
import { ListValueSchema, NullValue, StructSchema, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { JsonObject, JsonValue } from "../../../wire/session-token.ts";
import { invalid } from "./errors.ts";

/**
 * How deep JSON may nest. Beyond it is a cycle in practice, and Go's protobuf runtime, which gestaltd reads with, has
 * limits too.
 */
const MAX_DEPTH = 100;

/** Characters of the way to a value that an error shows. */
const MAX_PATH = 64;

/** Properties that are undefined are left out, as JSON does. `what` names the field in errors. */
export function encodeJson(value: unknown, what: string, depth = 0): Value {
  if (depth > MAX_DEPTH) throw invalid(`${what.slice(0, MAX_PATH)}… nests more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) {
    const values = value.map((item, at) => encodeJson(item, `${what}[${at}]`, depth + 1));
    return json({ case: "listValue", value: create(ListValueSchema, { values }) });
  }
  if (isPlainObject(value)) {
    const fields: Record<string, Value> = Object.create(null);
    for (const [name, item] of Object.entries(value)) {
      if (item !== undefined) fields[wellFormed(name, what)] = encodeJson(item, `${what}.${name}`, depth + 1);
    }
    return json({ case: "structValue", value: create(StructSchema, { fields }) });
  }
  if (value === null) return json({ case: "nullValue", value: NullValue.NULL_VALUE });
  if (typeof value === "boolean") return json({ case: "boolValue", value });
  if (typeof value === "string") return json({ case: "stringValue", value: wellFormed(value, what) });
  if (typeof value === "number" && Number.isFinite(value)) return json({ case: "numberValue", value });
  throw invalid(
    `${what} is ${nameOf(value)}, which JSON has no form for; as a field of its own a record could hold more kinds`,
  );
}

export function decodeJson({ kind }: Value): JsonValue {
  switch (kind.case) {
    case "listValue":
      return kind.value.values.map(decodeJson);
    case "structValue": {
      const entries = Object.entries(kind.value.fields).map(([name, value]) => [name, decodeJson(value)] as const);
      // Defines properties, where assignment would take `__proto__` for the prototype.
      return Object.fromEntries(entries) as JsonObject;
    }
    case "numberValue":
    case "stringValue":
    case "boolValue":
      return kind.value;
    default:
      return null;
  }
}

/** Class instances are not: a Map would become {} without a word. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // Of any realm: the prototype that has none itself.
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
}

/** UTF-8 has no form for half a surrogate pair; the runtime would send U+FFFD and another text be stored. */
export function wellFormed(text: string, what: string): string {
  if (text.isWellFormed()) return text;
  throw invalid(`${what} holds half a surrogate pair, which UTF-8 has no form for`);
}

/** How errors name a value of the wrong kind; never the value itself. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === "number") return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "unknown"}`;
}

function json(kind: Value["kind"]): Value {
  return create(ValueSchema, { kind });
}
