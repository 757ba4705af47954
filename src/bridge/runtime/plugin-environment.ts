// Splits the environment gestaltd gives a hosted plugin: what travels to the worker, and what never leaves the bridge.
import { hostServiceName, roleOfVariable } from "../environment.ts";
import type { Secrets } from "../log.ts";

export interface PluginEnvironment {
  /** Session variables: they travel in the token. */
  readonly variables: Readonly<Record<string, string>>;
  /** Host services offered, by name. */
  readonly hosts: ReadonlyMap<string, HostService>;
  /** PEM of the authority that host services' certificates are signed by. */
  readonly authority: string | undefined;
}

/** How the bridge reaches a host service. */
export interface HostService {
  /** `tls://host:port`, `tcp://host:port`, or the path of a Unix socket. */
  readonly address: string;
  readonly token: string | undefined;
}

const AUTHORITY_VARIABLE = "GESTALT_HOST_SERVICE_TLS_CA_PEM";

/** Everything that stays in the bridge and is secret is registered for redaction. */
export function splitEnvironment(env: Readonly<Record<string, string>>, secrets: Secrets): PluginEnvironment {
  const variables: Record<string, string> = {};
  const hosts = new Map<string, HostService>();
  for (const [name, value] of Object.entries(env)) {
    const role = roleOfVariable(name);
    if (role === "session") variables[name] = value;
    if (role === "host-token" || role === "proxy") secrets.add(value);
    if (role === "host-address") hosts.set(hostServiceName(name), { address: value, token: env[`${name}_TOKEN`] });
  }
  return { variables, hosts, authority: env[AUTHORITY_VARIABLE] };
}
