// The working process' end of the IPC channel to its supervisor.
import { rmSync } from "node:fs";
import { Socket } from "node:net";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import type { GrpcServer } from "../grpc/server.ts";
import { giveSignsOfLife } from "./heartbeat.ts";
import type { FromSupervisor, FromWorkingProcess, Kept } from "./messages.ts";
import type { OpenSocket, Supervision } from "./supervision.ts";

/**
 * Resolves with what the predecessor left. To be called once, in a process that a supervisor has started. Everything that waits
 * for a supervisor that has gone rejects, UNAVAILABLE. `hungAfterMs` is the silence after which the supervisor ends this process.
 */
export async function joinSupervisor(hungAfterMs: number): Promise<Supervision> {
  const servers: Servers = new Map();
  const opening: Opening = new Map();
  const began = Promise.withResolvers<Kept>();

  process.on("message", (message: FromSupervisor, socket: unknown) => {
    switch (message.type) {
      case "begin":
        return began.resolve(message.kept);
      case "opened":
        return opening.get(message.path)?.resolve();
      case "refused":
        return opening.get(message.path)?.reject(new BridgeError(message.code, message.message));
      case "connection":
        void tell({ type: "taken", path: message.path, id: message.id });
        // None comes along when the caller has closed it on the way.
        if (socket instanceof Socket) serve(servers.get(message.path), socket);
    }
  });
  const lost = new Promise<"supervisor">((resolve) => {
    process.once("disconnect", () => {
      for (const waiting of [began, ...opening.values()]) waiting.reject(supervisorGone());
      resolve("supervisor");
    });
  });
  const kept = new Map(await began.promise);
  giveSignsOfLife(hungAfterMs, () => void tell({ type: "beat" }));

  return {
    keeper: {
      kept,
      keep: (key, value) => tell({ type: "keep", key, value }),
      forget: (key) => void tell({ type: "forget", key }),
      adoptFolder: (path) => void tell({ type: "folder", path }),
    },
    sockets: { open: (path, server) => open(path, server, { servers, opening }) },
    serving: () => void tell({ type: "serving" }),
    lost,
  };
}

/** By path of their socket: those that are served, or shall be. */
type Servers = Map<string, Pick<GrpcServer, "accept">>;
/** By path of their socket: those that the supervisor has been asked to open, until it says what came of it. */
type Opening = Map<string, PromiseWithResolvers<void>>;

async function open(
  path: string,
  server: Pick<GrpcServer, "accept">,
  { servers, opening }: { readonly servers: Servers; readonly opening: Opening },
): Promise<OpenSocket> {
  if (!process.connected) throw supervisorGone();
  const opened = Promise.withResolvers<void>();
  opening.set(path, opened);
  servers.set(path, server);
  void tell({ type: "open", path });
  try {
    await opened.promise;
  } catch (error) {
    servers.delete(path);
    throw error;
  } finally {
    opening.delete(path);
  }
  return {
    close() {
      if (!servers.delete(path)) return;
      // Here and now, because whoever asked for the end may look; the supervisor is told, and may be gone.
      rmSync(path, { force: true });
      void tell({ type: "close", path });
    },
  };
}

/** Resolves when the message is on its way: it is read even after this process was killed. Without a supervisor it is dropped. */
function tell(message: FromWorkingProcess): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

function supervisorGone(): BridgeError {
  return new BridgeError(GrpcCode.unavailable, "the bridge's supervisor is gone");
}

function serve(server: Pick<GrpcServer, "accept"> | undefined, socket: Socket): void {
  socket.on("error", () => undefined);
  if (server === undefined) socket.destroy();
  else server.accept(socket);
}
