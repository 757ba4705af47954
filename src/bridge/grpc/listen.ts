// Where a gRPC server listens: a Unix socket of the owner only, or a port on loopback.
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
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

/** Ends the name of a socket that does not accept connections yet. */
const UNREADY = "~";

/** Longest socket path, in bytes: `sun_path` without its terminating zero and the ending above. */
const MAX_SOCKET_PATH_BYTES = (process.platform === "darwin" ? 103 : 107) - UNREADY.length;

const LOOPBACK = "127.0.0.1";

export interface Listening {
  readonly address: ListenAddress;
  /** Removes the socket file. To be called when the server has stopped accepting. */
  remove(): void;
}

/** Binds the server; resolves once it accepts connections. */
export async function listen(server: Server, address: ListenAddress): Promise<Listening> {
  if ("port" in address) {
    await bind(server, () => server.listen({ host: LOOPBACK, port: address.port }));
    return { address: { port: (server.address() as AddressInfo).port }, remove: () => undefined };
  }
  const { path } = address;
  checkPath(path);
  try {
    await bindUnix(server, path);
  } catch (error) {
    throw cannotListen(path, error);
  }
  return { address, remove: () => rmSync(path, { force: true }) };
}

/**
 * Listens under another name and takes its own only then: gestaltd dials as soon as the file is there, and waits a second
 * before it tries again (gestaltd.md §1.3). A socket that nobody serves any more is replaced. libuv binds within `listen()`, so
 * the umask holds for the socket alone: it is never reachable by others.
 */
async function bindUnix(server: Server, path: string): Promise<void> {
  if (await isServed(path)) throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
  const unready = path + UNREADY;
  rmSync(unready, { force: true });
  const previous = process.umask(SOCKET_UMASK);
  const bound = bind(server, () => server.listen({ path: unready }));
  process.umask(previous);
  await bound;
  chmodSync(unready, SOCKET_MODE);
  renameSync(unready, path);
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
      `socket path ${path} has ${bytes} bytes, and the longest that works is ${MAX_SOCKET_PATH_BYTES}; use a shorter directory`,
    );
  }
}

/** Whether somebody answers on the socket; also true for what is no socket at all, so that it is never replaced. */
function isServed(path: string): Promise<boolean> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return Promise.resolve(false);
  if (!file.isSocket()) return Promise.resolve(true);
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
