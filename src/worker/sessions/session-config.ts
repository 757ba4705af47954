// The parsed config of a session that is ready, tied to the session object: it cannot outlive it or reach another.
import type { Session } from "./session.ts";

const configs = new WeakMap<Session, { readonly config: unknown }>();

/** Marks the session ready: its hooks have run and `config` is what its schema made of the config. */
export function markReady(session: Session, config: unknown): void {
  configs.set(session, { config });
}

export function isReady(session: Session): boolean {
  return configs.has(session);
}

export function markClosed(session: Session): void {
  configs.delete(session);
}

/** The config as the provider's schema parsed it. Throws a TypeError when the session's hooks have not run. */
export function configOf(session: Session): unknown {
  const known = configs.get(session);
  if (known === undefined) throw new TypeError("The session's config was read before the session was configured.");
  return known.config;
}
