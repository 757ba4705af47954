// A gRPC server of ours on a Unix socket, for one test: what is left open when the test ends fails it.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createRouter, type Route } from "../../src/bridge/grpc/router.ts";
import { createGrpcServer, type GrpcServer } from "../../src/bridge/grpc/server.ts";

export interface TestBridge {
  readonly socket: string;
  /** For gRPC clients: `unix:/…`. */
  readonly target: string;
  readonly server: GrpcServer;
  /** Errors that the server reported as faults of its own. */
  readonly faults: readonly unknown[];
}

/** Serves routes until the test ends. The server's end must come at once, and leave no file. */
export async function startBridge(t: TestContext, routes: readonly Route[]): Promise<TestBridge> {
  const directory = mkdtempSync(join(tmpdir(), "gestalt-edge-"));
  const socket = join(directory, "bridge.sock");
  const faults: unknown[] = [];
  const server = createGrpcServer({ router: createRouter(routes), onFault: (error) => faults.push(error) });
  await server.listen({ path: socket });
  t.after(async () => {
    await server.close(0);
    assert.deepEqual(readdirSync(directory), [], "the socket file is still there");
    rmSync(directory, { recursive: true });
  });
  return { socket, target: `unix:${socket}`, server, faults };
}
