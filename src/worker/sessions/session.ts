// A session as code inside the worker sees it: what its token says, frozen.
import type { JsonObject } from "../../wire/session-token.ts";

export interface Session {
  /** Id of the key that signed the token: which bridge, or which generation of its keys, the session is of. */
  readonly issuer: string;
  /** Session id: one per provider instance as gestaltd sees it. */
  readonly id: string;
  /** Counts configurations from 0. `id` and `revision` together key whatever is kept per session. */
  readonly revision: number;
  /** The provider of `serve({ … })` this session uses. */
  readonly provider: string;
  /** gestaltd's name for the provider. */
  readonly name: string;
  /** The provider's config; undefined until gestaltd has configured the session. */
  readonly config: JsonObject | undefined;
  /** Session variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Host services offered to the session. */
  readonly hosts: readonly string[];
  readonly egress: EgressPolicy;
}

export interface EgressPolicy {
  readonly allow: readonly string[];
  readonly default: "allow" | "deny";
}
