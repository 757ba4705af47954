// What a session lacks of the host services that its provider requires, in words an operator can act on.
import { Code, ConnectError } from "@connectrpc/connect";
import type { HostServiceKey } from "../../wire/host-services.ts";
import type { Session } from "../sessions/session.ts";
import { isOffered } from "./host.ts";
import { NO_CHANNEL } from "./hosting.ts";
import { missingOf, type Uses } from "./uses.ts";

/**
 * Throws FAILED_PRECONDITION when a required service is missing. A session that is offered nothing at all passes: it is not
 * gestaltd's but one of `gestalt-edge invoke` or `dev`, where operations that need no host service still work.
 */
export function assertOffered({ name, hosts }: Session, uses: Uses | undefined): void {
  if (hosts.length === 0) return;
  const missing = missingOf(uses, (key) => isOffered(hosts, key));
  const sentences = missing.map((key) => notOfferedText(name, key));
  if (sentences.length > 0) throw new ConnectError(sentences.join(" "), Code.FailedPrecondition);
}

/** Why a session's provider has no client of a service: it is not offered it, or its worker has no way there. */
export function missingText({ name, hosts }: Session, key: HostServiceKey): string {
  return isOffered(hosts, key) ? NO_CHANNEL : notOfferedText(name, key);
}

/** `name` is gestaltd's for the provider. */
function notOfferedText(name: string, key: HostServiceKey): string {
  return `'${name}' uses the host service "${key}", which it is not offered: ${REMEDIES[key](name)}.`;
}

/** By reference §1.5 and §2.5: what must stand in gestaltd's config. */
const REMEDIES: { readonly [Key in HostServiceKey]: (name: string) => string } = {
  cache: (name) => `list a cache under plugins.${name}.cache in gestaltd's config`,
  s3: (name) => `list an object store under plugins.${name}.s3 in gestaltd's config`,
  indexedDB: () => "give it a database, `indexeddb` of its entry in gestaltd's config",
  plugins: (name) => `list what it may call under plugins.${name}.invokes in gestaltd's config`,
  authorization: () => "gestaltd offers it to plugins with HTTP bindings, when it has an authorization provider",
  workflows: () => "gestaltd offers it to plugins that run on a runtime",
  agents: () => "gestaltd offers it to plugins that run on a runtime",
  runtimeLogs: () => "gestaltd offers it to what runs on a runtime",
  workflowHost: () => "gestaltd offers it to workflow providers only",
  agentHost: () => "gestaltd offers it to agent providers only",
};
