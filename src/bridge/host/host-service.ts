// The host services an environment offers, each with how it is reached.
import { GrpcCode } from "../../wire/codes.ts";
import { HOST_SERVICES, hostServiceKey } from "../../wire/host-services.ts";
import { BridgeError } from "../errors.ts";
import { type HostAddress, parseHostAddress } from "./address.ts";
import { RelayToken } from "./relay-token.ts";

export interface HostService {
  /** As the session token has it: the variable less `GESTALT_` and `_SOCKET`, so `CACHE`, or `CACHE_MAIN` with a binding. */
  readonly name: string;
  /** gestaltd's word for it. */
  readonly service: string;
  /** What every method's path begins with: `/gestalt.provider.v1.Cache/`. */
  readonly methodPrefix: string;
  readonly address: HostAddress;
  /** Undefined for a Unix socket, whose file says who may come in. */
  readonly token: RelayToken | undefined;
}

/** An address and its token as they stand in the environment. */
export interface OfferedHost {
  readonly address: string;
  readonly token: string | undefined;
}

/**
 * The host services among what the environment offers by name; names that are no host service, such as the provider's own
 * socket, are left out. `authority` is the PEM that `tls://` is checked against besides Node's own list. Throws
 * INVALID_ARGUMENT for a malformed address or token, without its text, and for a relay without a token.
 */
export function hostServices(
  offered: ReadonlyMap<string, OfferedHost>,
  authority: string | undefined,
): ReadonlyMap<string, HostService> {
  const services = new Map<string, HostService>();
  for (const [name, host] of offered) {
    const service = hostService(name, host, authority);
    if (service !== undefined) services.set(name, service);
  }
  return services;
}

function hostService(name: string, offered: OfferedHost, authority: string | undefined): HostService | undefined {
  const key = hostServiceKey(name);
  if (key === undefined) return undefined;
  const row = HOST_SERVICES[key];
  const variable = variableOf(row.stem, name.slice(row.stem.length));
  const address = parseHostAddress(offered.address, variable);
  const token = offered.token === undefined ? undefined : new RelayToken(offered.token, `${variable}_TOKEN`);
  if (address.kind !== "unix" && token === undefined) {
    // gestaltd takes a call without a token for a page of its own, and answers "not found" to every method.
    throw new BridgeError(GrpcCode.invalidArgument, `${variable} names a relay, and there is no ${variable}_TOKEN`);
  }
  return {
    name,
    service: row.service,
    methodPrefix: `/${row.typeName}/`,
    address: address.kind === "tls" && authority !== undefined ? { ...address, authority } : address,
    token,
  };
}

function variableOf(stem: string, suffix: string): string {
  return `GESTALT_${stem}_SOCKET${suffix}`;
}

/** Throws PERMISSION_DENIED for a method that is not the service's, as gestaltd's relay would. */
export function checkMethod(service: HostService, path: string): void {
  const inside = path.startsWith(service.methodPrefix);
  if (inside && METHOD.test(path.slice(service.methodPrefix.length))) return;
  throw new BridgeError(GrpcCode.permissionDenied, `host service ${service.name} has no method ${quote(path)}`);
}

const METHOD = /^[A-Za-z][A-Za-z0-9]*$/;

/** Longest foreign text that goes into a message, in characters. */
const MAX_QUOTED = 120;

function quote(text: string): string {
  return JSON.stringify(text.slice(0, MAX_QUOTED));
}
