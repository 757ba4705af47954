// A bridge of kind runtime: hosts plugins on workers (PluginRuntimeProvider), answered here and never proxied.
import { type ConfigureProviderRequest, ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeEgressMode, PluginRuntimeProvider } from "../../gen/gestalt/provider/v1/runtime_pb.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session-token.ts";
import { PACKAGE_VERSION } from "../../wire/version.ts";
import { BridgeError } from "../errors.ts";
import { localUnary } from "../grpc/local.ts";
import type { Route } from "../grpc/router.ts";
import { RUNTIME_KIND } from "../kinds.ts";
import type { Bridge, BridgeContext } from "../lifecycle/bridge.ts";
import { assertProtocolVersion } from "../lifecycle/protocol-version.ts";
import type { RuntimeProvider } from "./runtime-provider.ts";

/** Key of a {@link KeptRuntime}. */
const CONFIGURATION = "configuration";

/** What a successor is configured with. Holds secrets. */
interface KeptRuntime {
  readonly name: string;
  readonly config: JsonObject | undefined;
  /** Of the sessions' sockets. */
  readonly folder: string;
}

export function createRuntimeBridge(context: BridgeContext): Bridge {
  let runtime: RuntimeProvider | undefined;
  let name = context.name;

  const configure = async (request: ConfigureProviderRequest) => {
    assertProtocolVersion(request.protocolVersion);
    // Loaded only now: the socket must be open before zod and the rest are.
    const { RuntimeProvider } = await import("./runtime-provider.ts");
    const previous = runtime;
    name = request.name || name;
    runtime = new RuntimeProvider(request.config, name, context);
    const kept: KeptRuntime = { name, config: request.config, folder: runtime.folder };
    await context.keeper.keep(CONFIGURATION, JSON.stringify(kept));
    // Sessions belong to a configuration; gestaltd configures once, so this ends none in practice.
    await previous?.close();
    return { protocolVersion: PROTOCOL_VERSION };
  };
  const restore = async () => {
    const kept = context.keeper.kept.get(CONFIGURATION);
    if (kept === undefined) return;
    const { RuntimeProvider } = await import("./runtime-provider.ts");
    const { keptSessions } = await import("./kept-session.ts");
    const { config, folder, ...rest } = JSON.parse(kept) as KeptRuntime;
    name = rest.name;
    runtime = new RuntimeProvider(config, name, context, folder);
    await runtime.restore(keptSessions(context.keeper.kept));
  };
  const configured = (): RuntimeProvider => {
    if (runtime !== undefined) return runtime;
    throw new BridgeError(GrpcCode.failedPrecondition, "not configured: gestaltd must call ConfigureProvider first");
  };
  /** A runtime that has no workers yet promises nothing. */
  const egressMode = async () => runtime?.egressMode() ?? PluginRuntimeEgressMode.NONE;

  const { method } = ProviderLifecycle;
  return {
    services: [ProviderLifecycle, PluginRuntimeProvider],
    routes: [
      localUnary(method.getProviderIdentity, () => identity(name)),
      localUnary(method.configureProvider, configure),
      localUnary(method.healthCheck, () => ({ ready: configured() !== undefined })),
      localUnary(method.startProvider, () => ({ protocolVersion: PROTOCOL_VERSION })),
      ...runtimeRoutes(configured, egressMode),
    ],
    restore,
    close: async () => runtime?.close(),
  };
}

function identity(name: string) {
  const { kind, displayName, description } = RUNTIME_KIND;
  return {
    kind,
    name,
    displayName,
    description,
    version: PACKAGE_VERSION,
    minProtocolVersion: PROTOCOL_VERSION,
    maxProtocolVersion: PROTOCOL_VERSION,
  };
}

function runtimeRoutes(runtime: () => RuntimeProvider, egressMode: () => Promise<PluginRuntimeEgressMode>): Route[] {
  const { method } = PluginRuntimeProvider;
  const noWorkspaces = (): never => {
    throw new BridgeError(GrpcCode.unimplemented, "a worker has no file system to prepare a workspace in");
  };
  return [
    localUnary(method.getSupport, async () => ({
      canHostPlugins: true,
      egressMode: await egressMode(),
      supportsPrepareWorkspace: false,
    })),
    localUnary(method.startSession, (request) => runtime().startSession(request)),
    localUnary(method.getSession, ({ sessionId }) => runtime().getSession(sessionId)),
    localUnary(method.listSessions, () => ({ sessions: runtime().listSessions() })),
    localUnary(method.stopSession, async ({ sessionId }, { deadline }) => {
      await runtime().stopSession(sessionId, deadline);
      return {};
    }),
    localUnary(method.startPlugin, (request) => runtime().startPlugin(request)),
    localUnary(method.prepareWorkspace, noWorkspaces),
    localUnary(method.removeWorkspace, noWorkspaces),
  ];
}
