// What a session lacks of the host services that its provider requires, in words an operator can act on.
import { Code, ConnectError } from "@connectrpc/connect";
import { offerRemedy } from "../../wire/host-remedies.ts";
import type { HostServiceKey } from "../../wire/host-services.ts";
import type { Session } from "../sessions/session.ts";
import { isOffered } from "./host.ts";
import { NO_CHANNEL } from "./hosting.ts";
import { missingOf, type Uses } from "./uses.ts";

/**
 * Throws FAILED_PRECONDITION when a required service is missing. A session that is offered nothing at all passes: it is not
 * gestaltd's but one of `gestalt-edge invoke` or `dev`, where operations that need no host service still work.
 */
export function assertOffered({ name, hosts }: Session, uses: Uses | undefined): void {
  if (hosts.length === 0) return;
  const missing = missingOf(uses, (key) => isOffered(hosts, key));
  const sentences = missing.map((key) => notOfferedText(name, key));
  if (sentences.length > 0) throw new ConnectError(sentences.join(" "), Code.FailedPrecondition);
}

/** Why a session's provider has no client of a service: it is not offered it, or its worker has no way there. */
export function missingText({ name, hosts }: Session, key: HostServiceKey): string {
  return isOffered(hosts, key) ? NO_CHANNEL : notOfferedText(name, key);
}

/** `name` is gestaltd's for the provider. */
function notOfferedText(name: string, key: HostServiceKey): string {
  return `'${name}' uses the host service "${key}", which it is not offered: ${offerRemedy(key, name)}.`;
}
