// Where a gRPC server listens: a Unix socket of the owner only, or a port on loopback.
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, type Server } from "node:net";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

export type ListenAddress = UnixAddress | TcpAddress;

/** A path that no file has yet, or a socket that nobody listens on any more. */
export interface UnixAddress {
  readonly path: string;
}

/** A port of 127.0.0.1, 0 for any free one; for tests and the conformance runner, gestaltd uses Unix sockets. */
export interface TcpAddress {
  readonly port: number;
}

/** Owner reads and writes, nobody else anything. */
const SOCKET_MODE = 0o600;
const SOCKET_UMASK = 0o177;

/** Longest socket path, in bytes: `sun_path` without its terminating zero. */
const MAX_SOCKET_PATH_BYTES = process.platform === "darwin" ? 103 : 107;

const LOOPBACK = "127.0.0.1";

/** Binds the server; resolves with the address once it accepts connections. */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  if ("port" in address) {
    await bind(server, () => server.listen({ host: LOOPBACK, port: address.port }));
    return { port: (server.address() as AddressInfo).port };
  }
  checkPath(address.path);
  try {
    await bindUnix(server, address.path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || (await isServed(address.path))) {
      throw cannotListen(address.path, error);
    }
    unlinkSync(address.path);
    await bindUnix(server, address.path).catch((again: unknown) => {
      throw cannotListen(address.path, again);
    });
  }
  return address;
}

/** libuv binds within `listen()`, so the umask holds for the socket alone: it is never reachable by others. */
async function bindUnix(server: Server, path: string): Promise<void> {
  const previous = process.umask(SOCKET_UMASK);
  const bound = bind(server, () => server.listen({ path }));
  process.umask(previous);
  await bound;
  chmodSync(path, SOCKET_MODE);
}

function bind(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      server.off("listening", listening);
      server.off("error", failed);
      done();
    };
    const listening = () => settle(resolve);
    const failed = (error: Error) => settle(() => reject(error));
    server.once("listening", listening);
    server.once("error", failed);
    start();
  });
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new BridgeError(
      GrpcCode.invalidArgument,
      `socket path ${path} has ${bytes} bytes, and the system takes ${MAX_SOCKET_PATH_BYTES}; use a shorter directory`,
    );
  }
}

/** Whether somebody answers on the socket; also true for what is no socket at all, so that it is never removed. */
function isServed(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}

function cannotListen(path: string, error: unknown): BridgeError {
  const code = (error as NodeJS.ErrnoException).code ?? "error";
  return new BridgeError(GrpcCode.unavailable, `cannot listen on ${path}: ${code}`, { cause: error });
}
