// Which Durable Objects a session's cache lies in.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod/mini";
import type { Bindings } from "../../worker/index.ts";
import { bindingName, prefix, unknownKeys } from "../config-parts.ts";
import type { CacheObject } from "./cache-object.ts";
import { MAX_SHARDS } from "./limits.ts";

/** Where the platform can be asked to make an object (Durable Objects docs, "Data location"). */
const LOCATIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;

const shardsText = { error: `must be a whole number from 1 to ${MAX_SHARDS}` };

export const durableObjectCacheConfig = z.strictObject(
  {
    /** Name of the Durable Object binding; the factory's when left out. */
    binding: z.optional(bindingName),
    /** Start of the objects' names; the factory's when left out. No object is shared by two prefixes. */
    prefix: z.optional(prefix),
    /** Objects the keys are spread over. Changing it empties the cache. */
    shards: z.optional(z.int(shardsText).check(z.minimum(1, shardsText), z.maximum(MAX_SHARDS, shardsText))),
    /** Where new objects are made; near gestaltd is best. They do not move later. */
    location: z.optional(z.enum(LOCATIONS, { error: `must be one of ${LOCATIONS.join(", ")}` })),
  },
  unknownKeys("binding", "prefix", "shards", "location"),
);

export type DurableObjectCacheConfig = z.infer<typeof durableObjectCacheConfig>;

/** Throws FAILED_PRECONDITION, with what to add to the worker, when there is no such binding. */
export function objectBinding(bindings: Bindings, name: string): DurableObjectNamespace<CacheObject> {
  const binding = bindings[name];
  if (isNamespace(binding)) return binding;
  throw new ConnectError(
    `The worker has no Durable Object bound as ${name}. Export CacheObject from its main module and add to its ` +
      `wrangler.toml: [[durable_objects.bindings]] name = "${name}", class_name = "CacheObject", and a migration with ` +
      `new_sqlite_classes = ["CacheObject"].`,
    Code.FailedPrecondition,
  );
}

function isNamespace(binding: unknown): binding is DurableObjectNamespace<CacheObject> {
  return typeof binding === "object" && binding !== null && "idFromName" in binding;
}
