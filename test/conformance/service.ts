// Starts what the matrix and the official runner test: the conformance worker in workerd, and a bridge in front of it.
import type { DescService } from "@bufbuild/protobuf";
import type { ListenAddress } from "../../src/bridge/grpc/listen.ts";
import { createRouter } from "../../src/bridge/grpc/router.ts";
import { createGrpcServer } from "../../src/bridge/grpc/server.ts";
import { createProxy } from "../../src/bridge/proxy/proxy.ts";
import { createHealth } from "../../src/bridge/services/health.ts";
import { createReflection } from "../../src/bridge/services/reflection.ts";
import { openPool } from "../../src/bridge/target/pool.ts";
import type { UpstreamSource } from "../../src/bridge/upstream.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** `onLog` gets each line the worker logs. */
export function startConformanceWorker(onLog?: (line: string) => void): Promise<TestWorker> {
  const entry = new URL("./conformance.worker.ts", import.meta.url);
  return startWorker({ entry, provider: "conformance", ...(onLog && { onLog }) });
}

export interface TestBridge {
  /** Of a bridge on TCP; 0 otherwise. */
  readonly port: number;
  close(): Promise<void>;
}

export interface BridgeOptions {
  /** The worker's address. */
  readonly url: string;
  /** Session token, sent with each call. */
  readonly token: string;
  readonly services?: readonly DescService[];
  readonly address?: ListenAddress;
}

/** A bridge as the program makes it, with health and reflection, but for one session that is there from the start. */
export async function startBridge(options: BridgeOptions): Promise<TestBridge> {
  const { url, token, services = [ConformanceService], address = { port: 0 } } = options;
  const pool = openPool({ origin: url, env: {} });
  const upstream = { origin: url, basePath: "", dispatcher: pool, headers: { authorization: `Bearer ${token}` } };
  const source: UpstreamSource = { upstream: () => upstream, connectFailed: () => undefined };
  const health = createHealth(services);
  const routes = [...createProxy(source, services), ...health.routes, ...createReflection(services)];
  const server = createGrpcServer({ router: createRouter(routes) });
  const bound = await server.listen(address);
  return {
    port: "port" in bound ? bound.port : 0,
    async close() {
      health.close();
      await server.close(0);
      await pool.destroy();
    },
  };
}
