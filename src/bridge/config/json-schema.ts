// The config schemas as JSON Schema, for gestaltd: it checks config against them before it starts a bridge.
import * as z from "zod";
import { providerConfigSchema } from "./provider-config.ts";
import { runtimeConfigSchema } from "./runtime-config.ts";

/** Schema for the kinds that are one provider. gestaltd checks an entry without `config:` as if that were empty. */
export function providerJsonSchema({ configOptional = false } = {}): Record<string, unknown> {
  const schema = configOptional ? providerConfigSchema.partial({ worker: true }) : providerConfigSchema;
  return z.toJSONSchema(schema, { io: "input" });
}

/** Schema for the runtime kind. */
export function runtimeJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(runtimeConfigSchema, { io: "input" });
}
