// Where a host service listens, as gestaltd writes it into an environment variable.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

export type HostAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** `authority` is the PEM of certificates to trust besides Node's own. */
  | { readonly kind: "tls"; readonly host: string; readonly port: number; readonly authority?: string };

/**
 * Reads `unix:///path`, a bare path, `tcp://host:port` or `tls://host:port`; IPv6 in brackets. Throws INVALID_ARGUMENT
 * that names the variable and what is wrong with its value, never the value: somebody may have put a token there.
 */
export function parseHostAddress(text: string, variable: string): HostAddress {
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) return unixAddress(text, variable);
  if (scheme === "unix") return unixAddress(rest, variable);
  if (scheme === "tcp" || scheme === "tls") return { kind: scheme, ...hostAndPort(rest, variable) };
  throw malformed(variable, `is of a kind that is not known; use ${FORMS}`);
}

const FORMS = "unix:///path, a path, tcp://host:port or tls://host:port";

/** A relay token holds no slash, a socket's path does: gestaltd always makes a folder for it. */
const PATH = /^[^\0]*\/[^\0]+$/;

function unixAddress(path: string, variable: string): HostAddress {
  if (!PATH.test(path)) throw malformed(variable, `is not the path of a socket; use ${FORMS}`);
  return { kind: "unix", path };
}

const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z_.-]+)):(\d{1,5})$/;
const MAX_PORT = 65_535;

function hostAndPort(text: string, variable: string): { readonly host: string; readonly port: number } {
  const match = HOST_AND_PORT.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw malformed(variable, "is not host:port, with nothing before or after it");
  const port = Number(match?.[3]);
  if (port < 1 || port > MAX_PORT) throw malformed(variable, `has a port that is not between 1 and ${MAX_PORT}`);
  return { host, port };
}

function malformed(variable: string, what: string): BridgeError {
  return new BridgeError(GrpcCode.invalidArgument, `the address in ${variable} ${what}`);
}

/** `:authority` of requests to it; gRPC calls a Unix socket `localhost`. */
export function authorityOf(address: HostAddress): string {
  if (address.kind === "unix") return "localhost";
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** For an operator; not for the worker, which learns no addresses. */
export function describeAddress(address: HostAddress): string {
  return address.kind === "unix" ? `unix://${address.path}` : `${address.kind}://${authorityOf(address)}`;
}

/** Equal for addresses that may share a connection: what is trusted counts, or one session's authority would be another's. */
export function addressKey(address: HostAddress): string {
  return JSON.stringify([describeAddress(address), address.kind === "tls" ? (address.authority ?? "") : ""]);
}
