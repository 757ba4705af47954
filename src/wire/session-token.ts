// What a session token says. The bridge signs one, the worker verifies it; neither stores a session anywhere else.
import * as z from "zod/mini";

/** `iss` of every session token. */
export const TOKEN_ISSUER = "gestalt-edge-bridge";

/** The only signature algorithm accepted. RFC 8037; never `none`, never a shared secret. */
export const TOKEN_ALGORITHM = "EdDSA";

const json: z.ZodMiniType<JsonValue> = z.json() as z.ZodMiniType<JsonValue>;

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

const claims = z.object({
  /** Always {@link TOKEN_ISSUER}. The key id stands in the protected header as `kid`. */
  iss: z.literal(TOKEN_ISSUER),
  /** Name of the worker the token is for. */
  aud: z.string().check(z.minLength(1)),
  /** Which provider of the worker's `serve({ … })` the session uses. */
  provider: z.string().check(z.minLength(1)),
  /** Session id: unique per provider instance as gestaltd sees it. */
  sid: z.string().check(z.minLength(1)),
  /** Counts configurations of the session from 0; a new one makes the worker run `configure` and `start` again. */
  rev: z.int().check(z.nonnegative()),
  /** gestaltd's name for the provider. */
  name: z.string(),
  /** The provider's config. Absent until gestaltd has configured the session; `{}` when it sent none. */
  config: z.optional(z.record(z.string(), json)),
  /** Session variables: the environment gestaltd gave the hosted plugin, less host-service addresses and tokens. */
  vars: z.optional(z.record(z.string(), z.string())),
  /** Host services offered to the session, by environment variable name without prefix and suffix. */
  hosts: z.optional(z.array(z.string())),
  /** Hosts the provider may reach. */
  egress: z.optional(z.object({ allow: z.array(z.string()), default: z.enum(["allow", "deny"]) })),
  /** Issued at, not before, expires: seconds since the epoch. */
  iat: z.int(),
  nbf: z.int(),
  exp: z.int(),
});

export type SessionClaims = z.infer<typeof claims>;

/** Checks the payload of a token whose signature, audience and times have been checked. Throws on a wrong shape. */
export function parseSessionClaims(payload: unknown): SessionClaims {
  return claims.parse(payload);
}
