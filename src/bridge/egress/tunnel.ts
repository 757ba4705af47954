// Forwards one admitted `connect()`: bytes both ways, until both sides have ended. TLS to the host is spoken here, from the start
// or from when the worker asks for it, because workerd gives raw connections to a gate without it.
import { type Duplex, pipeline } from "node:stream";
import { dial, secured } from "./dial.ts";
import type { Upgrading } from "./forward-upgrade.ts";

/** A connection of workerd's, and what was read of it already. */
export interface Incoming {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const ESTABLISHED = "HTTP/1.1 200 OK\r\n\r\n";
/** The worker learns no more than that there is no connection, as without the gate; Node's words would name addresses. */
const UNREACHABLE = "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/** Resolves to the connection to the host; undefined when there is none, and the worker has been told. */
export async function openTunnelTo(
  { proxy, unreachable, ...destination }: Upgrading,
  { socket, head }: Incoming,
): Promise<Duplex | undefined> {
  socket.on("error", () => undefined);
  try {
    const connection = await dial(destination, proxy);
    if (!socket.destroyed) {
      socket.write(ESTABLISHED);
      if (head.length > 0) connection.write(head);
      return connection;
    }
    connection.destroy();
  } catch (error) {
    if (!unreachable(error as Error)) socket.end(UNREACHABLE);
  }
  return undefined;
}

/** Back-pressure and half-close pass through; an error on one side ends the other. */
export function join(socket: Duplex, connection: Duplex): void {
  connection.on("error", () => undefined);
  const failed = (error: Error | null | undefined) => {
    if (!error) return;
    socket.destroy();
    connection.destroy();
  };
  pipeline(socket, connection, failed);
  pipeline(connection, socket, failed);
}

/**
 * The same for a connection whose worker may ask for TLS later. The returned function starts it, once: nothing may be under way
 * then, as in every protocol that has such a step. It rejects when the handshake fails, and both connections have ended.
 */
export function joinForTls(socket: Duplex, connection: Duplex, host: string): () => Promise<void> {
  const end = () => {
    socket.destroy();
    connection.destroy();
  };
  const ways = [
    { from: socket, to: connection },
    { from: connection, to: socket },
  ];
  for (const { from, to } of ways) from.pipe(to).once("error", end).once("close", end);
  return async () => {
    for (const { from, to } of ways) {
      from.unpipe(to);
      to.removeListener("error", end).removeListener("close", end);
    }
    try {
      join(socket, await secured(connection, host));
    } catch (error) {
      end();
      throw error;
    }
  };
}
