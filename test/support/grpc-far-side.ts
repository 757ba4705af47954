// A stand-in for a worker, for what a real one does not do on demand: answer late, wrongly, half, or not at all.

import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Agent } from "undici";
import { resettingConnector } from "../../src/bridge/target/connector.ts";
import type { Upstream, UpstreamSource } from "../../src/bridge/upstream.ts";

/** What the far side saw of one request. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers one request whose body has been read. */
export type Behaviour = (seen: Seen, response: ServerResponse) => unknown;

export interface FarSide {
  readonly source: UpstreamSource;
  readonly port: number;
  /** Every request, in order of arrival, once its body is there. */
  readonly seen: readonly Seen[];
  /** Resolves with the first request to a path, also when it has come already. */
  arrived(path: string): Promise<Seen>;
  /** How often the bridge reported that it could not connect, or lost a connection. */
  readonly connectFailures: number;
  /** Errors that ended connections: a reset is `ECONNRESET`. */
  readonly socketErrors: readonly string[];
  /** Resolves when no connection is left: what the bridge gives up, it resets. */
  deserted(): Promise<void>;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** Answers requests by a function. */
export function farSide(behaviour: Behaviour, source?: Partial<UpstreamSource>): Promise<FarSide> {
  const seen: Seen[] = [];
  const arrivals = new EventEmitter();
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
      seen.push(one);
      arrivals.emit(one.path, one);
      behaviour(one, response);
    });
  };
  return start(listener, { seen, arrivals }, source);
}

/** Answers requests as Connect's own router does. */
export function connectFarSide(routes: (router: ConnectRouter) => void): Promise<FarSide> {
  return start(connectNodeAdapter({ routes }), { seen: [], arrivals: new EventEmitter() });
}

interface Record {
  readonly seen: Seen[];
  readonly arrivals: EventEmitter;
}

async function start(
  listener: RequestListener,
  record: Record,
  source: Partial<UpstreamSource> = {},
): Promise<FarSide> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  const socketErrors: string[] = [];
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", (error: NodeJS.ErrnoException) => socketErrors.push(error.code ?? error.name));
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = (server.address() as AddressInfo).port;
  const dispatcher = new Agent({ connections: 32, connect: resettingConnector() });
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${port}`,
    basePath: "",
    dispatcher,
    headers: { authorization: "Bearer a-session-token" },
  };
  const counts = { connectFailures: 0 };
  return {
    source: {
      upstream: () => upstream,
      connectFailed: () => {
        counts.connectFailures += 1;
      },
      ...source,
    },
    port,
    seen: record.seen,
    async arrived(path) {
      const earlier = record.seen.find((one) => one.path === path);
      return earlier ?? ((await once(record.arrivals, path)) as [Seen])[0];
    },
    get connectFailures() {
      return counts.connectFailures;
    },
    sockets,
    socketErrors,
    async deserted() {
      for (const socket of sockets) await new Promise((closed) => socket.once("close", closed));
    },
    async close() {
      await dispatcher.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
