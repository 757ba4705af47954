// What a guarded worker may not reach whatever its policy lists: the sockets of its own node. Behind one of them the same code
// runs without a guard, so a list with `localhost` in it, or a listed name that resolves to this machine, would let everything out.

import { isAddress } from "../../wire/egress/host.ts";

/** Ports on 127.0.0.1, by who listens there; `gestalt-edge dev` runs several nodes in one process. */
const ports = new Map<object, ReadonlySet<number>>();

/** Replaces what `owner` had claimed before. */
export function claimPorts(owner: object, claimed: Iterable<number>): void {
  ports.set(owner, new Set(claimed));
}

export function releasePorts(owner: object): void {
  ports.delete(owner);
}

/** `host` is a normalised host, or the address that a socket is connected to. */
export function isOwnSocket(host: string | undefined, port: number | undefined): boolean {
  if (host === undefined || port === undefined || !THIS_MACHINE.test(host)) return false;
  return [...ports.values()].some((claimed) => claimed.has(port));
}

/**
 * The same where a proxy is asked, which looks names up by itself, and may stand on this machine: of a name nothing is known, and
 * its owner can change what it stands for, so on such a port none passes.
 */
export function mayBeOwnSocket(host: string, port: number): boolean {
  return isOwnSocket(isAddress(host) ? host : "localhost", port);
}

/** Loopback by name and by address, and the unspecified addresses, which lead there too; IPv4 as IPv6 as Node or a URL writes it. */
const THIS_MACHINE =
  /^((.+\.)?localhost|127\.[\d.]+|0\.0\.0\.0|::1?|::ffff:(127\.[\d.]+|0\.0\.0\.0|7f[\da-f]{2}:[\da-f]{1,4}|0:0))$/;

export class OwnSocketRefusal extends Error {
  constructor() {
    super("this is a socket of the node that runs the worker");
  }
}
