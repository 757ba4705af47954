// Clients of a worker's providers the way gestaltd has them: gRPC on a Unix socket that the built bridge listens on, and
// between the bridge and the worker what the real edge would refuse.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescService, JsonObject } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { BRIDGE, isListening, until } from "./bridge-process.ts";
import { startEdgeGuard } from "./edge-guard.ts";
import { createGrpcJsTransport } from "./grpc-js-transport.ts";
import { type TestWorker, WORKER_NAME } from "./worker-harness.ts";

/** The client libraries that the surfaces are tested with. */
export const GRPC_CLIENTS = ["grpc-js", "connect-node"] as const;
export type GrpcClientName = (typeof GRPC_CLIENTS)[number];

export interface BridgedClients {
  /** A client in a session, that is in a bridge process, of its own. Its first call waits until the bridge is configured. */
  client<S extends DescService>(service: S, provider: string, config: JsonObject): Client<S>;
  /** Ends the bridges; fails when one ends badly, leaves a file, or did what the edge would refuse. */
  stop(): Promise<void>;
}

export async function startBridgedClients(
  worker: TestWorker,
  /** First argument of the bridge. */
  kind: string,
  library: GrpcClientName,
): Promise<BridgedClients> {
  const guard = await startEdgeGuard(worker.url);
  const folder = mkdtempSync(join(tmpdir(), "gb-"));
  const bridges: { readonly child: ChildProcess; readonly close: () => void }[] = [];
  return {
    client(service, provider, config) {
      const socket = join(folder, `${bridges.length}.sock`);
      const child = spawnBridge(kind, socket);
      const { transport, close } = connect(socket, library);
      bridges.push({ child, close });
      const target = { url: guard.url, name: WORKER_NAME, provider, key: worker.privateKey };
      const configured = (async () => {
        await until(() => isListening(socket), "the bridge listens");
        const lifecycle = createClient(ProviderLifecycle, transport);
        await lifecycle.configureProvider({ name: "edge", protocolVersion: 3, config: { ...config, worker: target } });
      })();
      configured.catch(() => undefined);
      return createClient(service, {
        unary: async (...call) => configured.then(() => transport.unary(...call)),
        stream: async (...call) => configured.then(() => transport.stream(...call)),
      });
    },
    async stop() {
      for (const { child, close } of bridges) {
        close();
        child.kill("SIGTERM");
        if (child.exitCode === null) await once(child, "exit");
        assert.equal(child.exitCode, 0);
      }
      await guard.stop();
      assert.deepEqual(readdirSync(folder), []);
      rmSync(folder, { recursive: true });
      assert.deepEqual(guard.violations, []);
    },
  };
}

function spawnBridge(kind: string, socket: string): ChildProcess {
  const { PATH, HOME, TMPDIR, GESTALT_EDGE_TEST_RUN } = process.env;
  return spawn(BRIDGE, [kind], {
    stdio: "ignore",
    env: {
      ...{ PATH, HOME, TMPDIR, GESTALT_EDGE_TEST_RUN },
      GESTALT_PLUGIN_SOCKET: socket,
      GESTALT_PLUGIN_PARENT_PID: String(process.pid),
      GESTALT_PLUGIN_NAME: "edge",
    },
  });
}

function connect(
  socket: string,
  library: GrpcClientName,
): { readonly transport: Transport; readonly close: () => void } {
  if (library === "grpc-js") {
    const transport = createGrpcJsTransport(`unix:${socket}`);
    return { transport, close: () => transport.close() };
  }
  const connections = new Set<net.Socket>();
  const transport = createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: {
      createConnection: () => {
        const connection = net.connect(socket);
        connections.add(connection);
        return connection;
      },
    },
  });
  return { transport, close: () => connections.forEach((connection) => void connection.destroy()) };
}
