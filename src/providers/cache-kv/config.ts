// Which KV namespace a session's cache lies in, and under which prefix.
import { Code, ConnectError } from "@connectrpc/connect";
import * as z from "zod/mini";
import type { Bindings } from "../../worker/index.ts";
import { bindingName, prefix, unknownKeys } from "../config-parts.ts";

export const kvCacheConfig = z.strictObject(
  {
    /** Name of the KV binding; the factory's when left out. */
    binding: z.optional(bindingName),
    /** Start of all names; the factory's when left out. */
    prefix: z.optional(prefix),
  },
  unknownKeys("binding", "prefix"),
);

export type KvCacheConfig = z.infer<typeof kvCacheConfig>;

/** Throws FAILED_PRECONDITION, with what to add to the worker, when there is no such binding. */
export function kvBinding(bindings: Bindings, name: string): KVNamespace {
  const binding = bindings[name];
  if (isKv(binding)) return binding;
  throw new ConnectError(
    `The worker has no KV namespace bound as ${name}. Add to its wrangler.toml: ` +
      `[[kv_namespaces]] binding = "${name}", id = "<namespace id>".`,
    Code.FailedPrecondition,
  );
}

function isKv(binding: unknown): binding is KVNamespace {
  return typeof binding === "object" && binding !== null && "getWithMetadata" in binding;
}
