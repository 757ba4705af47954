// What a bridge has beyond its own process: values and sockets that the next working process gets.
import type { GrpcServer } from "../grpc/server.ts";
import { watchParent } from "../lifecycle/parent.ts";

export interface Supervision {
  readonly keeper: Keeper;
  readonly sockets: ServerSockets;
  /** Everything that was kept is in place again, and the bridge's own socket is served. */
  serving(): void;
  /** Settles when whoever started this process has gone, however it went: this one has to end then. */
  readonly lost: Promise<"supervisor" | "gestaltd">;
}

/** Values by key. They may hold secrets: they stay in memory and never reach a disk, a log or an argument. */
export interface Keeper {
  /** What the predecessor left, in the order it was first kept; empty in a first process. */
  readonly kept: ReadonlyMap<string, string>;
  /** Replaces the value of the key. Once it resolves, the value survives this process. */
  keep(key: string, value: string): Promise<void>;
  forget(key: string): void;
  /** A folder of this process, to be removed by whoever is left at the end. */
  adoptFolder(path: string): void;
}

export interface ServerSockets {
  /**
   * Serves connections to `path`, which are only then accepted.
   *
   * @throws BridgeError when it cannot be bound.
   */
  open(path: string, server: Pick<GrpcServer, "listen" | "accept">): Promise<OpenSocket>;
}

export interface OpenSocket {
  /** Takes no more connections; the file is gone. Those there are go on. */
  close(): void;
}

/** For a bridge that is one process: nothing survives it, and it listens itself. `parentPid` is gestaltd's, when it is known. */
export function unsupervised(parentPid: number | undefined): Supervision {
  return {
    keeper: {
      kept: new Map(),
      keep: () => Promise.resolve(),
      forget: () => undefined,
      adoptFolder: () => undefined,
    },
    sockets: {
      async open(path, server) {
        await server.listen({ path });
        // The server's own end closes and removes it.
        return { close: () => undefined };
      },
    },
    serving: () => undefined,
    lost: new Promise((resolve) => {
      if (parentPid !== undefined) watchParent(parentPid, () => resolve("gestaltd"));
    }),
  };
}
