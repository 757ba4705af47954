// Which Durable Object a session's authorization data lies in.
import * as z from "zod/mini";
import { type Bindings, Code, ConnectError } from "../../worker/index.ts";
import { bindingName, prefix, unknownKeys } from "../config-parts.ts";
import type { AuthorizationObject } from "./authorization-object.ts";

/** Where the platform can be asked to make an object (Durable Objects docs, "Data location"). */
const LOCATIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;

export const durableObjectAuthorizationConfig = z.strictObject(
  {
    /** Name of the Durable Object binding; the factory's when left out. */
    binding: z.optional(bindingName),
    /** Name of the object that holds models and relationships; the factory's when left out. No two share anything. */
    store: z.optional(prefix),
    /** Where a new object is made; near gestaltd is best. It does not move later. */
    location: z.optional(z.enum(LOCATIONS, { error: `must be one of ${LOCATIONS.join(", ")}` })),
  },
  unknownKeys("binding", "store", "location"),
);

export type DurableObjectAuthorizationConfig = z.infer<typeof durableObjectAuthorizationConfig>;

/** Throws FAILED_PRECONDITION, with what to add to the worker, when there is no such binding. */
export function objectBinding(bindings: Bindings, name: string): DurableObjectNamespace<AuthorizationObject> {
  const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  if (isNamespace(binding)) return binding;
  throw new ConnectError(
    `The worker has no Durable Object bound as ${name}. Export AuthorizationObject from its main module and add to its ` +
      `wrangler.toml: [[durable_objects.bindings]] name = "${name}", class_name = "AuthorizationObject", and a migration ` +
      `with new_sqlite_classes = ["AuthorizationObject"].`,
    Code.FailedPrecondition,
  );
}

function isNamespace(binding: unknown): binding is DurableObjectNamespace<AuthorizationObject> {
  return typeof binding === "object" && binding !== null && "idFromName" in binding;
}
