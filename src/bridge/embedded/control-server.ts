// The node's end of the control socket: tells every bridge the worker's state, counts who is there.
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import {
  type BridgeMessage,
  bridgeMessageSchema,
  CONTROL_VERSION,
  type NodeMessage,
  type WorkerState,
} from "./control-protocol.ts";
import { onLines, sendLine } from "./json-lines.ts";

export interface ControlServer {
  readonly path: string;
  /** Tells all bridges, and those that come later. */
  publish(state: WorkerState): void;
  /** Sends `closed` and ends all connections. */
  close(): Promise<void>;
}

export interface ControlHooks {
  /** Number of attached bridges, at each change. */
  bridges(count: number): void;
  /** A successor asks this node to end. Returns why it does not, or undefined when it will. */
  retire(): string | undefined;
}

/** Listens on `path`. The caller holds the state's lock, so whatever lies there is left from a node that has gone. */
export async function openControlServer(path: string, hooks: ControlHooks): Promise<ControlServer> {
  let state: WorkerState = { type: "starting" };
  const sockets = new Set<Socket>();
  const attached = new Set<Socket>();

  const receive = (socket: Socket, message: BridgeMessage) => {
    if (message.type === "retire") {
      const refusal = hooks.retire();
      if (refusal !== undefined) sendLine(socket, { type: "refused", message: refusal } satisfies NodeMessage);
      return;
    }
    attached.add(socket);
    sendLine(socket, stateMessage(state));
    hooks.bridges(attached.size);
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    onLines(socket, bridgeMessageSchema, (message) => receive(socket, message));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
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
      for (const socket of attached) sendLine(socket, stateMessage(next));
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroySoon();
      rmSync(path, { force: true });
      return closed;
    },
  };
}

function stateMessage(state: WorkerState): NodeMessage {
  return { type: "state", version: CONTROL_VERSION, state };
}
