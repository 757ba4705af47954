// The bridge gestaltd starts: `gestalt-edge-bridge runtime | cache | s3`. Listens first, loads the rest afterwards.

import { rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { PACKAGE_VERSION } from "../wire/version.ts";
import {
  NAME_VARIABLE,
  PARENT_PID_VARIABLE,
  rootFolder,
  SOCKET_FOLDER_PREFIX,
  SOCKET_VARIABLE,
} from "./environment.ts";
import { createRouter } from "./grpc/router.ts";
import { createGrpcServer } from "./grpc/server.ts";
import { BRIDGE_KINDS, type BridgeKind, RUNTIME_KIND } from "./kinds.ts";
import type { BridgeContext } from "./lifecycle/bridge.ts";
import { superviseProcess } from "./lifecycle/process.ts";
import { createProviderBridge } from "./lifecycle/provider-bridge.ts";
import { createLog, createSecrets } from "./log.ts";
import { nodeFault } from "./node-version.ts";
import { createRuntimeBridge } from "./runtime/runtime-bridge.ts";
import { createHealth } from "./services/health.ts";
import { createReflection } from "./services/reflection.ts";

/** `EX_USAGE` of sysexits.h: started in a way that cannot work. */
const EXIT_USAGE = 64;
const EXIT_CANNOT_LISTEN = 1;

await main(process.argv.slice(2), process.env);

async function main([argument, ...rest]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (argument === "--version") return void process.stdout.write(`${PACKAGE_VERSION}\n`);
  const fault = nodeFault(process.versions.node);
  if (fault !== undefined) return cannotRun(fault);
  const kind = BRIDGE_KINDS.find(({ name }) => name === argument);
  const socket = env[SOCKET_VARIABLE];
  if (kind === undefined || rest.length > 0) return usage();
  if (!socket) {
    return usage(`${SOCKET_VARIABLE} is not set: gestaltd starts the bridge and tells it there where to listen.`);
  }
  await serve(kind, socket, env);
}

async function serve(kind: BridgeKind, socket: string, env: NodeJS.ProcessEnv): Promise<void> {
  const secrets = createSecrets();
  const name = env[NAME_VARIABLE] ?? "";
  const log = createLog(secrets, { bridge: kind.name, provider: name });
  const context: BridgeContext = { name, root: rootFolder(env), env, secrets, log };
  const bridge = kind === RUNTIME_KIND ? createRuntimeBridge(context) : createProviderBridge(kind, context);
  const health = createHealth(bridge.services);
  const server = createGrpcServer({
    router: createRouter([...bridge.routes, ...health.routes, ...createReflection([...bridge.services, Health])]),
    onFault: (error, method) => log.error("a call failed by a fault of the bridge", { method, error }),
  });
  try {
    await server.listen({ path: socket });
  } catch (error) {
    log.error("cannot listen", { error });
    process.exit(EXIT_CANNOT_LISTEN);
  }
  superviseProcess({
    log,
    parentPid: Number(env[PARENT_PID_VARIABLE]) || undefined,
    stop: async () => {
      health.close();
      // Calls in flight need the bridge's targets until they have ended.
      await server.close();
      await bridge.close();
    },
    orphaned: () => removeSocketFolder(dirname(socket)),
  });
}

/** With the sockets of host services in it, as gestaltd itself would, had it not been killed. */
function removeSocketFolder(folder: string): void {
  if (basename(folder).startsWith(SOCKET_FOLDER_PREFIX)) rmSync(folder, { recursive: true, force: true });
}

/** gestaltd starts the bridge with whatever `node` its PATH finds first, and passes PATH on to it. */
function cannotRun(fault: string): void {
  process.stderr.write(
    `gestalt-edge-bridge ${fault} (${process.execPath}); put a current Node first on the PATH that gestaltd is started with\n`,
  );
  process.exitCode = EXIT_USAGE;
}

function usage(reason?: string): void {
  const kinds = BRIDGE_KINDS.map(({ name }) => name).join(" | ");
  process.stderr.write(`${reason ? `${reason}\n` : ""}usage: gestalt-edge-bridge ${kinds}\n`);
  process.exitCode = EXIT_USAGE;
}
