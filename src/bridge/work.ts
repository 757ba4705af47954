// The working process: listens first, loads the rest when gestaltd configures it.
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { hungAfterMs, NAME_VARIABLE, PARENT_PID_VARIABLE, rootFolder, SOCKET_VARIABLE } from "./environment.ts";
import { createRouter } from "./grpc/router.ts";
import { createGrpcServer } from "./grpc/server.ts";
import { createHostClient } from "./host/client.ts";
import { unreachableLog } from "./host/unreachable.ts";
import { BRIDGE_KINDS, type BridgeKind, RUNTIME_KIND } from "./kinds.ts";
import type { BridgeContext } from "./lifecycle/bridge.ts";
import { collectLessOften } from "./lifecycle/garbage.ts";
import { isAlive } from "./lifecycle/parent.ts";
import { type EndProcess, runProcess } from "./lifecycle/process.ts";
import { createProviderBridge } from "./lifecycle/provider-bridge.ts";
import { createLog, createSecrets } from "./log.ts";
import { createRuntimeBridge } from "./runtime/runtime-bridge.ts";
import { createHealth } from "./services/health.ts";
import { createReflection } from "./services/reflection.ts";
import { removeSocketFolder } from "./socket-folder.ts";
import { joinSupervisor } from "./supervisor/join-supervisor.ts";
import { type Supervision, unsupervised } from "./supervisor/supervision.ts";
import { openTracing } from "./tracing/tracing.ts";

/** `EX_USAGE` of sysexits.h: started in a way that cannot work. */
const EXIT_USAGE = 64;
const EXIT_FAILED = 1;

/** `supervised`: a supervisor has started this process, and not gestaltd itself. */
export async function work(args: readonly string[], env: NodeJS.ProcessEnv, supervised: boolean): Promise<void> {
  collectLessOften();
  const [argument, ...rest] = args;
  const kind = BRIDGE_KINDS.find(({ name }) => name === argument);
  const socket = env[SOCKET_VARIABLE];
  if (kind === undefined || rest.length > 0) return usage();
  if (!socket) {
    return usage(`${SOCKET_VARIABLE} is not set: gestaltd starts the bridge and tells it there where to listen.`);
  }
  const parentPid = Number(env[PARENT_PID_VARIABLE]) || undefined;
  // A supervisor that has gone by now is past caring.
  const join = () => joinSupervisor(hungAfterMs(env)).catch(() => process.exit(EXIT_FAILED));
  const supervision = supervised ? await join() : unsupervised(parentPid);
  const end = await serve(kind, socket, env, supervision);
  const lost = await supervision.lost;
  end(lost === "gestaltd" ? "gestaltd is gone" : "the bridge's supervisor is gone", () => {
    // Without gestaltd nobody else comes to it; a supervisor that was killed leaves it to gestaltd, if that is still there.
    if (lost === "gestaltd" || (parentPid !== undefined && !isAlive(parentPid))) removeSocketFolder(socket);
  });
}

/** Serves the bridge on its socket. Returns what ends the process. */
async function serve(
  kind: BridgeKind,
  socket: string,
  env: NodeJS.ProcessEnv,
  supervision: Supervision,
): Promise<EndProcess> {
  const secrets = createSecrets();
  const name = env[NAME_VARIABLE] ?? "";
  const log = createLog(secrets, { bridge: kind.name, provider: name });
  const { keeper, sockets } = supervision;
  const hostClient = createHostClient({ unreachable: unreachableLog(log) });
  const tracing = openTracing({ env, log, secrets });
  const own = { name, root: rootFolder(env), env, secrets, log };
  const context: BridgeContext = { ...own, keeper, sockets, hostClient, tracing };
  const bridge = kind === RUNTIME_KIND ? createRuntimeBridge(context) : createProviderBridge(kind, context);
  const health = createHealth(bridge.services);
  const server = createGrpcServer({
    router: createRouter([...bridge.routes, ...health.routes, ...createReflection([...bridge.services, Health])]),
    onFault: (error, method) => log.error("a call failed by a fault of the bridge", { method, error }),
    tracer: tracing?.tracerOf(),
  });
  // Where calls are waiting already, in a second process: the first can wait, its socket cannot.
  if (keeper.kept.size > 0) await tracing?.start();
  const open = async () => {
    // Before anybody is let in: no call may see a bridge that is configured by half.
    await bridge.restore();
    return sockets.open(socket, server);
  };
  const opened = await open().catch((error: unknown) => {
    log.error("cannot start", { error });
    process.exit(EXIT_FAILED);
  });
  supervision.serving();
  void tracing?.start();
  return runProcess({
    log,
    stop: async () => {
      opened.close();
      health.close();
      // What has ended need not wait for what has not, which may take all the time there is.
      void tracing?.flush();
      // Calls in flight need the bridge's targets until they have ended.
      await server.close();
      await bridge.close();
      await hostClient.close();
      await tracing?.close();
    },
  });
}

function usage(reason?: string): void {
  const kinds = BRIDGE_KINDS.map(({ name }) => name).join(" | ");
  process.stderr.write(`${reason ? `${reason}\n` : ""}usage: gestalt-edge-bridge ${kinds}\n`);
  process.exitCode = EXIT_USAGE;
}
