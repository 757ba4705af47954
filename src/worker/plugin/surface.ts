// The IntegrationProvider service over a plugin's operations and hooks.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Catalog } from "../../gen/gestalt/provider/v1/catalog_pb.ts";
import {
  ConnectionMode,
  IntegrationProvider,
  type ProviderMetadataSchema,
} from "../../gen/gestalt/provider/v1/integration_pb.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { Call } from "../call.ts";
import { type HostUse, type Uses, usesOf } from "../host/uses.ts";
import type { Lifecycle, ProviderInfo } from "../provider.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { shortened } from "../shortened.ts";
import { type Surface, surface } from "../surface.ts";
import { assertProtocolVersion } from "../surfaces/lifecycle.ts";
import { catalogOf } from "./catalog.ts";
import type { PluginOptions } from "./define-plugin.ts";
import { execute } from "./execute.ts";
import { resolveHTTPSubject } from "./http-subject.ts";
import { type Operations, sessionOperations } from "./operations.ts";
import { pluginRequest, type WireRequest } from "./plugin-request.ts";
import { connectedToken } from "./post-connect.ts";
import { errorResult } from "./result.ts";

export interface PluginParts<Config, Use extends HostUse> {
  readonly options: PluginOptions<Config, Use>;
  readonly operations: Operations<Config>;
  readonly info: ProviderInfo;
  readonly lifecycle: Lifecycle;
  /** Host services that the plugin and its operations declare. */
  readonly uses?: Uses | undefined;
}

export function pluginSurface<Config, Use extends HostUse>(parts: PluginParts<Config, Use>): Surface {
  const { options, lifecycle } = parts;
  const { postConnect, resolveHTTPSubject: resolver, sessionCatalog } = options;
  // What hooks may use, and operations that declare nothing themselves.
  const uses = usesOf(options.uses) ?? parts.uses;
  const metadata = lazily(() => metadataOf(parts));
  const ready = async (call: Call, wire: WireRequest) => {
    await lifecycle.configure(call.session, call);
    return pluginRequest<Config, Use>(call, wire, uses);
  };
  return surface(
    IntegrationProvider,
    {
      // gestaltd asks before it has configured the plugin.
      getMetadata: (_request, call) => ({ ...metadata(), name: call.session.provider }),
      async startProvider({ protocolVersion }, call) {
        assertProtocolVersion(protocolVersion);
        await lifecycle.configure(call.session, call);
        return { protocolVersion: PROTOCOL_VERSION };
      },
      async execute(request, call) {
        const result = await executeOperation(parts, uses, request, call);
        // Execute itself nearly always succeeds; what people look for is the operation and how it went.
        call.note({ call: request.operation, status: result.status });
        return result;
      },
      ...(resolver && {
        resolveHTTPSubject: async ({ request, context }, call) =>
          resolveHTTPSubject(resolver, request, await ready(call, { context })),
      }),
      ...(sessionCatalog && {
        async getSessionCatalog(request, call) {
          const operations = await sessionOperations(parts.operations, sessionCatalog, await ready(call, request));
          return { catalog: catalogFor(parts, operations) };
        },
      }),
      ...(postConnect && {
        async postConnect({ token }, call) {
          if (token === undefined) throw new ConnectError("PostConnect needs a token.", Code.InvalidArgument);
          await lifecycle.configure(call.session, call);
          return { metadata: { ...(await postConnect(connectedToken(token), providerRequest(call, uses))) } };
        },
      }),
    },
    { selfConfiguring: true },
  );
}

type ExecuteFields = WireRequest & { readonly operation: string; readonly params?: unknown };

async function executeOperation<Config, Use extends HostUse>(
  parts: PluginParts<Config, Use>,
  uses: Uses | undefined,
  wire: ExecuteFields,
  call: Call,
) {
  const id = wire.operation;
  const { sessionCatalog } = parts.options;
  try {
    await parts.lifecycle.configure(call.session, call);
    let operation = parts.operations.get(id);
    if (operation === undefined && sessionCatalog !== undefined) {
      const request = pluginRequest<Config, Use>(call, wire, uses);
      operation = (await sessionOperations(parts.operations, sessionCatalog, request)).get(id);
    }
    if (operation === undefined) return errorResult(404, `unknown operation "${shortened(id)}"`);
    const request = pluginRequest<Config>(call, wire, usesOf(operation.uses) ?? uses);
    return await execute(id, operation, (wire.params ?? {}) as never, call, request);
  } catch (error) {
    // A cold isolate meets its config with the first call, and the caller of an operation must not see a gRPC error.
    // A wrong config says in its message all there is to say; the stack of anything else leads to the fault.
    const cause = error instanceof ConnectError ? { reason: error.rawMessage } : { error };
    call.log.error(`operation ${shortened(id)} could not begin`, cause);
    return errorResult(500, "the plugin could not be prepared for this call");
  }
}

function metadataOf<Config, Use extends HostUse>(
  parts: PluginParts<Config, Use>,
): MessageInitShape<typeof ProviderMetadataSchema> {
  const { options, info, operations } = parts;
  return {
    displayName: info.displayName,
    description: info.description,
    connectionMode: CONNECTION_MODES[options.connectionMode ?? "none"],
    authTypes: [...(options.authTypes ?? [])],
    connectionParams: { ...options.connectionParams },
    staticCatalog: catalogFor(parts, operations),
    supportsSessionCatalog: options.sessionCatalog !== undefined,
    supportsPostConnect: options.postConnect !== undefined,
    minProtocolVersion: PROTOCOL_VERSION,
    maxProtocolVersion: PROTOCOL_VERSION,
  };
}

const CONNECTION_MODES = {
  none: ConnectionMode.NONE,
  user: ConnectionMode.USER,
  platform: ConnectionMode.PLATFORM,
} as const;

function catalogFor<Config, Use extends HostUse>(
  { options, info }: PluginParts<Config, Use>,
  operations: Operations<Config>,
): Catalog {
  const { displayName, description } = info;
  return catalogOf({ name: "", displayName, description, iconSvg: options.iconSvg ?? "" }, operations);
}

/** JSON Schemas are worth making once, and not while the Worker starts. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
