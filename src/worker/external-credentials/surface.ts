// The ExternalCredentialProvider service in terms of a provider's handlers. No token, and no text that may hold one, gets anywhere
// but into the answer.
import { Code, ConnectError } from "@connectrpc/connect";
import { ExternalCredentialProvider } from "../../gen/gestalt/provider/v1/external_credential_pb.ts";
import type { Call } from "../call.ts";
import type { HostUse, Uses } from "../host/uses.ts";
import { providerRequest } from "../sessions/provider-request.ts";
import { shortened } from "../shortened.ts";
import { type Surface, surface } from "../surface.ts";
import { checkId, checkKey, invalid } from "./checks.ts";
import type { ExternalCredentialHandlers } from "./define.ts";
import { CredentialNotFoundError } from "./errors.ts";
import { handled } from "./handled.ts";
import {
  configFrom,
  credentialTo,
  exchangedTo,
  exchangeFrom,
  filterFrom,
  resolvedTo,
  resolveFrom,
  upsertFrom,
} from "./messages.ts";
import { resolveStored } from "./resolve-stored.ts";

export function externalCredentialSurface<Config, Use extends HostUse>(
  handlers: ExternalCredentialHandlers<Config, Use>,
  uses: Uses | undefined,
): Surface {
  const request = (call: Call) => providerRequest<Config, Use>(call, uses);
  return surface(ExternalCredentialProvider, {
    async upsertCredential({ credential, preserveTimestamps }, call) {
      const input = { credential: upsertFrom(credential), preserveTimestamps };
      return credentialTo(
        await handled("upsertCredential", call, () => handlers.upsertCredential(input, request(call))),
      );
    },

    async getCredential({ lookup }, call) {
      keepOutOfCaches(call);
      if (lookup === undefined) throw invalid("The request names no credential.");
      const key = checkKey(lookup);
      const found = await handled("getCredential", call, () => handlers.getCredential(key, request(call)));
      if (found === undefined || found === null) throw missing();
      return credentialTo(found);
    },

    async listCredentials(message, call) {
      keepOutOfCaches(call);
      const filter = filterFrom(message);
      const found = await handled("listCredentials", call, () => handlers.listCredentials(filter, request(call)));
      return { credentials: found.map(credentialTo) };
    },

    async deleteCredential({ id }, call) {
      checkId(id, "id");
      const deleted = await handled("deleteCredential", call, () => handlers.deleteCredential({ id }, request(call)));
      if (!deleted) throw missing();
      return {};
    },

    async validateCredentialConfig(message, call) {
      const input = configFrom(message);
      const faults = await handled("validateCredentialConfig", call, async () =>
        handlers.validateCredentialConfig?.(input, request(call)),
      );
      if (faults === undefined || faults.length === 0) return {};
      const where = shortened(`${input.provider || "?"}/${input.connection || "?"}`);
      throw invalid(`The connection ${where} cannot be used: ${faults.join("; ")}`);
    },

    async resolveCredential(message, call) {
      const input = resolveFrom(message);
      const resolved = await handled("resolveCredential", call, () =>
        handlers.resolveCredential === undefined
          ? resolveStored(handlers, input, request(call))
          : handlers.resolveCredential(input, request(call)),
      );
      return resolvedTo(resolved, input);
    },

    async exchangeCredential(message, call) {
      const input = exchangeFrom(message);
      const exchanged = await handled("exchangeCredential", call, async () =>
        handlers.exchangeCredential?.(input, request(call)),
      );
      return exchanged === undefined || exchanged === null ? {} : { tokenResponse: exchangedTo(exchanged) };
    },
  });
}

/** These methods may be asked by GET, which caches on the way would keep. */
function keepOutOfCaches(call: Call): void {
  call.responseHeaders.set("cache-control", "no-store");
}

function missing(): ConnectError {
  return new ConnectError(new CredentialNotFoundError().message, Code.NotFound);
}
