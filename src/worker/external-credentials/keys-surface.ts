// CredentialKeysService in terms of a provider's handler: what `gestalt-edge rotate-keys` asks.
import { CredentialKeysService } from "../../gen/gestalt/edge/v1/edge_pb.ts";
import type { HostUse, Uses } from "../host/uses.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { type Surface, surface } from "../surface.ts";
import type { ExternalCredentialHandlers } from "./define.ts";
import { handled } from "./handled.ts";

export function credentialKeysSurface<Config, Use extends HostUse>(
  handlers: ExternalCredentialHandlers<Config, Use>,
  uses: Uses | undefined,
): Surface {
  const { rotateKeys } = handlers;
  return surface(CredentialKeysService, {
    ...(rotateKeys && {
      async rotateKeys({ forgetKeyIds }, call) {
        const request = providerRequest<Config, Use>(call, uses);
        const done = await handled("rotateKeys", call, () =>
          rotateKeys.call(handlers, { forget: forgetKeyIds }, request),
        );
        return {
          keyId: done.keyId,
          rotated: BigInt(done.rotated),
          forgotten: BigInt(done.forgotten),
          remaining: BigInt(done.remaining),
          missing: done.missing.map(({ keyId, credentials }) => ({ keyId, credentials: BigInt(credentials) })),
        };
      },
    }),
  });
}
