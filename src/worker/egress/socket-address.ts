// The first argument of `connect()`, taken apart.
import { splitPort } from "../../wire/egress/host.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Throws a TypeError for what is no address. */
export function addressOf(address: string | SocketAddress): Address {
  if (typeof address !== "string") return { host: address.hostname, port: Number(address.port) };
  const split = splitPort(address);
  if (split?.port === undefined) throw new TypeError(`"${address}" is no address; write host:port`);
  return { host: split.host, port: split.port };
}
