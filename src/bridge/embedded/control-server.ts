// The node's end of the control socket: tells every bridge the worker's state, counts who is there.
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { ClientGuards, GuardClient } from "../egress/client-guards.ts";
import type { Guard } from "../egress/node-egress.ts";
import {
  type BridgeMessage,
  bridgeMessageSchema,
  CONTROL_VERSION,
  type LoggedLine,
  type NodeMessage,
  type WorkerState,
} from "./control-protocol.ts";
import { onLines, sendLine } from "./json-lines.ts";
import { LogFollowers } from "./log-followers.ts";

export interface ControlServer {
  readonly path: string;
  /** Tells all bridges, and those that come later. */
  publish(state: WorkerState): void;
  /** Tells the bridges whose guards these are that one of them has denied something. */
  denied(guards: readonly Guard[], reason: string): void;
  /** Passes a printed line on to those who follow its session; without one, to all. */
  print(line: LoggedLine): void;
  /** Sends `closed` and ends all connections. */
  close(): Promise<void>;
}

export interface ControlHooks {
  /** Number of attached bridges, at each change. */
  bridges(count: number): void;
  /** A successor asks this node to end. Returns why it does not, or undefined when it will. */
  retire(): string | undefined;
  /** What a new bridge asks for guards. */
  guards(client: GuardClient): ClientGuards;
  /** Origins of the guarded services, as they are now. */
  guardOrigins(): readonly string[];
}

/** Listens on `path`. The caller holds the state's lock, so whatever lies there is left from a node that has gone. */
export async function openControlServer(path: string, hooks: ControlHooks): Promise<ControlServer> {
  let state: WorkerState = { type: "starting" };
  const sockets = new Set<Socket>();
  const attached = new Map<Socket, ClientGuards>();
  const followers = new LogFollowers();
  const tell = (socket: Socket, guards: ClientGuards) => {
    const origins = guards.origins(hooks.guardOrigins());
    const message = { type: "state", version: CONTROL_VERSION, state, guards: origins, follows: true } as const;
    sendLine(socket, message satisfies NodeMessage);
  };
  const attach = (socket: Socket) => {
    const guards = hooks.guards({
      changed: () => tell(socket, guards),
      refused: (id, { code, message }) =>
        sendLine(socket, { type: "guard-refused", id, code, message } satisfies NodeMessage),
      denied: (id, reason, times) => sendLine(socket, { type: "denied", id, reason, times } satisfies NodeMessage),
    });
    attached.set(socket, guards);
    tell(socket, guards);
    hooks.bridges(attached.size);
  };

  const receive = (socket: Socket, message: BridgeMessage) => {
    if (message.type === "guard") return attached.get(socket)?.ask(message.id, message.egress);
    if (message.type === "release") return attached.get(socket)?.release(message.id);
    if (message.type === "follow") return followers.follow(socket, message);
    if (message.type === "retire") {
      const refusal = hooks.retire();
      if (refusal !== undefined) sendLine(socket, { type: "refused", message: refusal } satisfies NodeMessage);
      return;
    }
    attach(socket);
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    onLines(socket, bridgeMessageSchema, (message) => receive(socket, message));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      followers.leave(socket);
      attached.get(socket)?.releaseAll();
      if (attached.delete(socket)) hooks.bridges(attached.size);
    });
  });

  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);

  return {
    path,
    publish(next) {
      state = next;
      for (const [socket, guards] of attached) tell(socket, guards);
    },
    denied(guards, reason) {
      for (const client of attached.values()) client.denied(guards, reason);
    },
    print({ session, ...line }) {
      if (session === undefined) followers.fault(line);
      else followers.line({ session, ...line });
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroySoon();
      rmSync(path, { force: true });
      return closed;
    },
  };
}
