// Splits the environment gestaltd gives a hosted plugin: what travels to the worker, and what never leaves the bridge.
import { roleOfVariable } from "../environment.ts";
import type { HostService } from "../host/host-service.ts";
import { offeredServices } from "../host/offered.ts";
import type { Secrets } from "../log.ts";

export interface PluginEnvironment {
  /** Session variables: they travel in the token. `GESTALT_RUNTIME_SESSION_ID` is one, and no secret. */
  readonly variables: Readonly<Record<string, string>>;
  /** Host services offered, by name. */
  readonly hosts: ReadonlyMap<string, HostService>;
}

/**
 * Everything that stays in the bridge and is secret is registered for redaction.
 *
 * @throws BridgeError INVALID_ARGUMENT that names the variable when an address, a token or a certificate is malformed.
 */
export function splitEnvironment(env: Readonly<Record<string, string>>, secrets: Secrets): PluginEnvironment {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const role = roleOfVariable(name);
    if (role === "session") variables[name] = value;
    if (role === "host-token" || role === "proxy") secrets.add(value);
  }
  return { variables, hosts: offeredServices(env) };
}
