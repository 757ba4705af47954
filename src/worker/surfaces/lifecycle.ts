// ProviderLifecycle: the handshake of every kind but plugins, which gestaltd starts through IntegrationProvider.
import { Code, ConnectError } from "@connectrpc/connect";
import { ProviderLifecycle } from "../../gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PROTOCOL_VERSION } from "../../wire/limits.ts";
import type { Call } from "../call.ts";
import type { Provider } from "../provider.ts";
import { type Surface, surface } from "../surface.ts";
import { wireKind } from "./kinds.ts";

/** `name` is the provider's name in `serve({ … })`. */
export function lifecycleSurface(name: string, provider: Provider): Surface {
  const { info, lifecycle } = provider;
  return surface(
    ProviderLifecycle,
    {
      async getProviderIdentity(_request, call) {
        return {
          kind: wireKind(provider.kind),
          name,
          displayName: info.displayName || name,
          description: info.description,
          version: info.version,
          warnings: [...(await warnings(provider, call))],
          minProtocolVersion: PROTOCOL_VERSION,
          maxProtocolVersion: PROTOCOL_VERSION,
        };
      },
      async configureProvider(request, call) {
        assertProtocolVersion(request.protocolVersion);
        await lifecycle.configure(call.session, call);
        return { protocolVersion: PROTOCOL_VERSION };
      },
      async healthCheck(_request, call) {
        if (call.session.config === undefined) return { ready: false, message: "not configured yet" };
        await lifecycle.configure(call.session, call);
        return { ...(await lifecycle.healthCheck(call)) };
      },
      async startProvider(_request, call) {
        await lifecycle.configure(call.session, call);
        return { protocolVersion: PROTOCOL_VERSION };
      },
    },
    { selfConfiguring: true },
  );
}

/** Refuses a host of another generation at its first word, rather than misunderstand it later. */
export function assertProtocolVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ConnectError(
    `gestaltd speaks protocol version ${version}, this provider speaks ${PROTOCOL_VERSION}.`,
    Code.FailedPrecondition,
  );
}

/**
 * gestaltd asks for the identity before it has configured the provider, and again afterwards; only then are there
 * warnings. The identity must be answerable in any case, so a hook that fails costs the warnings, not the answer.
 */
async function warnings({ lifecycle }: Provider, call: Call): Promise<readonly string[]> {
  if (call.session.config === undefined) return [];
  try {
    await lifecycle.configure(call.session, call);
    return await lifecycle.warnings(call);
  } catch (error) {
    call.log.error("warnings failed", { error });
    return [];
  }
}
