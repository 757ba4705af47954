// The host services an environment offers: addresses, tokens and authority gathered from its variables.
import { hostServiceOfVariable, roleOfVariable } from "../environment.ts";
import { hostAuthority } from "./authority.ts";
import { type HostService, hostServices, type OfferedHost } from "./host-service.ts";

/** By the names a session has for them. Throws INVALID_ARGUMENT that names the variable at fault, never its value. */
export function offeredServices(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, HostService> {
  const offered = new Map<string, OfferedHost>();
  for (const [name, address] of Object.entries(env)) {
    if (address === undefined || roleOfVariable(name) !== "host-address") continue;
    offered.set(hostServiceOfVariable(name), { address, token: env[`${name}_TOKEN`] });
  }
  const relayed = [...offered.values()].some(({ address }) => TLS.test(address));
  return hostServices(offered, relayed ? hostAuthority(env) : undefined);
}

const TLS = /^tls:/i;
