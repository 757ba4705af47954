// Which Durable Object a session's credentials lie in, and which Worker secrets encrypt them.
import * as z from "zod/mini";
import { type Bindings, Code, ConnectError } from "../../worker/index.ts";
import { bindingName, prefix } from "../config-parts.ts";
import type { CredentialsObject } from "./credentials-object.ts";

/** Where the platform can be asked to make an object (Durable Objects docs, "Data location"). */
const LOCATIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;

const KNOWN = ["binding", "store", "location", "key", "oldKeys"];

const secretName = z
  .string({ error: "must be the name of a Worker secret" })
  .check(z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of a Worker secret, never the key itself"));

export const durableObjectCredentialsConfig = z.strictObject(
  {
    /** Name of the Durable Object binding; the factory's when left out. */
    binding: z.optional(bindingName),
    /** Name of the object that holds the credentials; the factory's when left out. No two share anything. */
    store: z.optional(prefix),
    /** Where a new object is made; near gestaltd is best. It does not move later. */
    location: z.optional(z.enum(LOCATIONS, { error: `must be one of ${LOCATIONS.join(", ")}` })),
    /** Name of the Worker secret that encrypts; the factory's when left out. */
    key: z.optional(secretName),
    /** Names of Worker secrets that only open what they once encrypted. */
    oldKeys: z.optional(z.array(secretName, { error: "must be a list of names of Worker secrets" })),
  },
  { error: unknownKey },
);

export type DurableObjectCredentialsConfig = z.infer<typeof durableObjectCredentialsConfig>;

/** Throws FAILED_PRECONDITION, with what to add to the worker, when there is no such binding. */
export function objectBinding(bindings: Bindings, name: string): DurableObjectNamespace<CredentialsObject> {
  const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  if (isNamespace(binding)) return binding;
  throw new ConnectError(
    `The worker has no Durable Object bound as ${name}. Export CredentialsObject from its main module and add to its ` +
      `wrangler.toml: [[durable_objects.bindings]] name = "${name}", class_name = "CredentialsObject", and a migration ` +
      `with new_sqlite_classes = ["CredentialsObject"].`,
    Code.FailedPrecondition,
  );
}

function isNamespace(binding: unknown): binding is DurableObjectNamespace<CredentialsObject> {
  return typeof binding === "object" && binding !== null && "idFromName" in binding;
}

/** gestaltd's own word for its key gets an answer of its own: whoever writes it here means well. */
function unknownKey(issue: { readonly code: string; readonly keys?: unknown }): string | undefined {
  if (issue.code !== "unrecognized_keys" || !Array.isArray(issue.keys)) return undefined;
  if (issue.keys.includes("encryptionKey")) {
    return "encryptionKey must not stand in config, which travels with each call; set the Worker secret that `key` names";
  }
  return `unknown key ${issue.keys.join(", ")}; known are ${KNOWN.join(", ")}`;
}
