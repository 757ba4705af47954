// The parsed config of a session that is ready, tied to the session object: it cannot outlive it or reach another.
import type { Session } from "./session.ts";

/** What a session's hooks left behind. Each token makes a session object of its own; all of one session share this. */
export interface Configured<Config = unknown> {
  /** What the schema made of the config. */
  readonly config: Config;
  /** The session was closed: calls under way go on, a further one runs the hooks anew. */
  closed: boolean;
}

const known = new WeakMap<Session, Configured>();

/** Marks the session ready: its hooks have run. */
export function markReady(session: Session, configured: Configured): void {
  known.set(session, configured);
}

export function isReady(session: Session): boolean {
  return known.get(session)?.closed === false;
}

/** The config as the provider's schema parsed it. Throws a TypeError when the session's hooks have not run. */
export function configOf(session: Session): unknown {
  const configured = known.get(session);
  if (configured === undefined) throw new TypeError("The session's config was read before the session was configured.");
  return configured.config;
}
