// What an operator does about a host service that a provider uses and would not reach. For the errors of both sides.
import { CHANNEL_BINDING } from "./bindings.ts";
import type { HostServiceKey } from "./host-services.ts";

/** About a service that gestaltd does not offer; `name` is its name for the provider. A clause, to stand within a sentence. */
export function offerRemedy(key: HostServiceKey, name: string): string {
  return OFFER[key](name);
}

/** By reference §1.5 and §2.5: whom gestaltd offers it to, and what must stand in its config. */
const OFFER: { readonly [Key in HostServiceKey]: (name: string) => string } = {
  cache: (name) => `list a cache under plugins.${name}.cache in gestaltd's config`,
  s3: (name) => `list an object store under plugins.${name}.s3 in gestaltd's config`,
  // Plugins always have one; of agents and workflows those that name it.
  indexedDB: () => "give it a database, `indexeddb` of its entry in gestaltd's config",
  plugins: (name) => `list what it may call under plugins.${name}.invokes in gestaltd's config`,
  // Both managers are there whether or not gestaltd has a workflow or an agent provider.
  workflows: () => "gestaltd offers it to plugins only",
  agents: () => "gestaltd offers it to plugins only",
  authorization: (name) =>
    `gestaltd offers it to plugins with an HTTP binding, plugins.${name}.http in its config, when it has a provider ` +
    "under providers.authorization",
  runtimeLogs: () => "gestaltd offers it to what runs on a runtime, `runtime` of its entry in gestaltd's config",
  workflowHost: () => "gestaltd offers it to workflow providers only",
  agentHost: () => "gestaltd offers it to agent providers only",
};

/** About a worker without a channel. Clauses, to stand at the end of a sentence. */
export const CHANNEL_REMEDY =
  'export the class from the worker\'s main module, export { HostChannel } from "gestalt-edge/channel", and bind it in ' +
  `wrangler.toml: a [[durable_objects.bindings]] with name = "${CHANNEL_BINDING}" and class_name = "HostChannel", and a ` +
  '[[migrations]] with new_sqlite_classes = ["HostChannel"]';
