// Databases as an operator on one machine has them: each behind a bridge of kind indexeddb, all in one embedded worker
// whose data lies on disk, in a folder that is gone afterwards.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedNode } from "../src/bridge/embedded/node.ts";
import { connectGrpc, type GrpcClient } from "./grpc-client.ts";
import { childrenOf, descendants, startProgram } from "./processes.ts";
import { BRIDGE, bridgeEnvironment, configure, connectable } from "./subject.ts";

const PROJECT = join(import.meta.dirname, "workers", "people");

export interface EmbeddedDatabases extends AsyncDisposable {
  /** A folder of the bench's own. */
  readonly folder: string;
  /** Starts a bridge for the database of that name. */
  open(table: string): Promise<EmbeddedDatabase>;
}

export interface EmbeddedDatabase {
  readonly grpc: GrpcClient;
  /** What works for it: a process of the bridge, and workerd. */
  readonly pids: readonly number[];
}

export async function embeddedDatabases(): Promise<EmbeddedDatabases> {
  const closing = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "ge-bench-"));
  closing.defer(() => rm(folder, { recursive: true }));
  const state = join(folder, "state");
  const before = new Set(descendants(process.pid, "workerd"));
  const node = await startEmbeddedNode({ project: PROJECT, state });
  closing.defer(() => node.close());
  const workerd = descendants(process.pid, "workerd").filter((pid) => !before.has(pid));
  return {
    folder,
    async open(table) {
      const socket = join(folder, `${table}.sock`);
      const ready = () => connectable(socket);
      const bridge = await startProgram({ args: [BRIDGE, "indexeddb"], env: bridgeEnvironment(socket), ready });
      closing.defer(() => bridge.stop());
      await configure(socket, { table, worker: { project: PROJECT, state } });
      const grpc = await connectGrpc(socket);
      closing.defer(() => grpc.close());
      return { grpc, pids: [...childrenOf(bridge.pid), ...workerd] };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
