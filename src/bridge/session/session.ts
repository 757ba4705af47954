// A session as the bridge sees it: one provider instance of gestaltd, in the form its token is made of.
import type { EgressClaim } from "../../wire/egress/policy.ts";
import type { JsonObject } from "../../wire/session-token.ts";

/** Immutable; a new configuration makes a new value with the next revision. */
export interface Session {
  /** Unique per provider instance as gestaltd sees it. */
  readonly id: string;
  /** Counts configurations from 0. */
  readonly revision: number;
  /** The provider of the worker's `serve({ … })`. */
  readonly provider: string;
  /** gestaltd's name for the provider. */
  readonly name: string;
  /** The provider's own config; undefined until gestaltd has configured it. */
  readonly config: JsonObject | undefined;
  /** Session variables: they travel. */
  readonly variables: Readonly<Record<string, string>>;
  /** Names of offered host services; their addresses and tokens never leave the bridge. */
  readonly hosts: readonly string[];
  /** What the provider may reach; undefined when it may reach everything. */
  readonly egress?: EgressClaim | undefined;
}

/** The session with a config (again): the worker runs `configure` and `start` once more for the new revision. */
export function configured(session: Session, config: JsonObject): Session {
  return { ...session, config, revision: session.config === undefined ? session.revision : session.revision + 1 };
}
