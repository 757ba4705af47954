// The host services of one request: made when a handler first looks at them, since most never do.
import type { HostServiceKey } from "../../wire/host-services.ts";
import type { Call } from "../call.ts";
import type { Session } from "../sessions/session.ts";
import { HostServiceMissingError } from "./errors.ts";
import { addHostServices, type HostServices } from "./host.ts";
import { missingText } from "./offered.ts";
import { missingOf, type Uses } from "./uses.ts";

/** Adds them to `base`. `uses` is what the handler they are for may use. */
export function requestHost<T extends object>(
  base: T,
  call: Call,
  uses: Uses | undefined,
  invocationToken = "",
): T & Partial<HostServices> {
  const { session, deadline } = call;
  const caller = {
    offered: session.hosts,
    transport: (name: string) => call.hostTransport(name),
    get signal() {
      return call.signal;
    },
    deadline,
    invocationToken,
    env: session.env,
  };
  return explainingAbsence(addHostServices(base, caller, uses), uses, session);
}

/**
 * A provider also runs where there is no gestaltd, or no channel to it, and its types still say that the services it requires are
 * there. An operation that needs one is told so, in place of "undefined is not a function".
 */
function explainingAbsence<T extends object>(host: T, uses: Uses | undefined, session: Session): T {
  const absent = new Set<unknown>(missingOf(uses, (key) => key in host));
  if (absent.size === 0) return host;
  return new Proxy(host, {
    get(target, key, receiver) {
      if (!absent.has(key)) return Reflect.get(target, key, receiver);
      throw new HostServiceMissingError(key as HostServiceKey, missingText(session, key as HostServiceKey));
    },
  });
}
