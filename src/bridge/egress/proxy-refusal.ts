// What it means for a worker when gestaltd's proxy opens no tunnel. It knows its own rules: an entry with a port lets nothing
// through there, and gestaltd itself, which it lists for its host services, may not be reached by it.
import { hostAndPort } from "../../wire/egress/host.ts";
import type { Denial } from "../../wire/egress/policy.ts";
import type { Destination } from "./dial.ts";
import { OwnSocketRefusal } from "./own-sockets.ts";

/** The proxy's answer to CONNECT was none that opens a tunnel. */
export class ProxyRefusal extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined) {
    super(`the egress proxy answered ${status ?? "nothing"}`);
    this.status = status;
  }
}

/** Why, by status (reference §3, "Egress proxy"). Any other, such as 502, is of a host that is not there. */
const REASONS: ReadonlyMap<number | undefined, string> = new Map([
  [403, "gestaltd's egress proxy does not let it through"],
  [407, "gestaltd's egress proxy does not accept the session's token"],
]);

/** Undefined when the host could not be reached for another reason. */
export function denialOf(error: unknown, { host, port }: Pick<Destination, "host" | "port">): Denial | undefined {
  const denied = (rule: string, why: string): Denial => {
    return { allowed: false, rule, reason: `egress to ${hostAndPort(host, port)} is denied: ${why}` };
  };
  if (error instanceof OwnSocketRefusal) return denied("own node", error.message);
  const why = error instanceof ProxyRefusal ? REASONS.get(error.status) : undefined;
  return why === undefined ? undefined : denied("gestaltd's egress proxy", why);
}
