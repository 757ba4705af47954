// Which Durable Object a session's database is.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod/mini";
import type { Bindings } from "../../worker/index.ts";
import { bindingName, unknownKeys } from "../config-parts.ts";
import type { IndexedDBObject } from "./indexeddb-object.ts";

/** Where the platform can be asked to make an object (Durable Objects docs, "Data location"). */
const LOCATIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;

/** Longest part of an object's name that a config may give, in characters. */
const MAX_PART_LENGTH = 256;

const part = z
  .string({ error: "must be text" })
  .check(
    z.minLength(1, "must not be empty"),
    z.maxLength(MAX_PART_LENGTH, `must be at most ${MAX_PART_LENGTH} characters long`),
  );

export const durableObjectIndexedDBConfig = z.strictObject(
  {
    /** Name of the Durable Object binding; the factory's when left out. */
    binding: z.optional(bindingName),
    /**
     * Start of the object's name; the factory's when left out. Gives each of several gestaltds databases of its own.
     */
    name: z.optional(part),
    /** Where a new database is made; near gestaltd is best. It does not move later. */
    location: z.optional(z.enum(LOCATIONS, { error: `must be one of ${LOCATIONS.join(", ")}` })),
    // How gestaltd names the scoped database of a plugin, depending on the end of the manifest's source (reference
    // §4.7).
    table: z.optional(part),
    database: z.optional(part),
    schema: z.optional(part),
    prefix: z.optional(part),
    /** gestaltd sets it beside `prefix`, to the same text. */
    table_prefix: z.optional(part),
  },
  unknownKeys("binding", "name", "location", "table", "database", "schema", "prefix", "table_prefix"),
);

export type DurableObjectIndexedDBConfig = z.infer<typeof durableObjectIndexedDBConfig>;

/** Throws FAILED_PRECONDITION, with what to add to the worker, when there is no such binding. */
export function objectBinding(bindings: Bindings, name: string): DurableObjectNamespace<IndexedDBObject> {
  const binding = bindings[name];
  if (isNamespace(binding)) return binding;
  throw new ConnectError(
    `The worker has no Durable Object bound as ${name}. Export IndexedDBObject from its main module and add to its ` +
      `wrangler.toml: [[durable_objects.bindings]] name = "${name}", class_name = "IndexedDBObject", and a migration ` +
      `with new_sqlite_classes = ["IndexedDBObject"].`,
    Code.FailedPrecondition,
  );
}

function isNamespace(binding: unknown): binding is DurableObjectNamespace<IndexedDBObject> {
  return typeof binding === "object" && binding !== null && "idFromName" in binding;
}
