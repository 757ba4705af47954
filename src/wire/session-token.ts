// What a session token says. The bridge signs one, the worker verifies it; neither stores a session anywhere else.

import type { EgressClaim } from "./egress/policy.ts";

/** `iss` of every session token. */
export const TOKEN_ISSUER = "gestalt-edge-bridge";

/** The only signature algorithm accepted. RFC 8037; never `none`, never a shared secret. */
export const TOKEN_ALGORITHM = "EdDSA";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export type SessionClaims = {
  /** Always {@link TOKEN_ISSUER}. The key id stands in the protected header as `kid`. */
  readonly iss: typeof TOKEN_ISSUER;
  /** Name of the worker the token is for. */
  readonly aud: string;
  /** Which provider of the worker's `serve({ … })` the session uses. */
  readonly provider: string;
  /** Session id: unique per provider instance as gestaltd sees it. */
  readonly sid: string;
  /** Counts configurations of the session from 0; a new one makes the worker run `configure` and `start` again. */
  readonly rev: number;
  /** gestaltd's name for the provider. */
  readonly name: string;
  /** The provider's config. Absent until gestaltd has configured the session; `{}` when it sent none. */
  readonly config?: JsonObject | undefined;
  /** Session variables: the environment gestaltd gave the hosted plugin, less host-service addresses and tokens. */
  readonly vars?: Readonly<Record<string, string>> | undefined;
  /** Host services offered to the session, by environment variable name without prefix and suffix. */
  readonly hosts?: readonly string[] | undefined;
  /** Hosts the provider may reach. */
  readonly egress?: EgressClaim | undefined;
  /** Issued at, not before, expires: seconds since the epoch. */
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
};

type Check = (value: unknown) => boolean;

/**
 * By hand, where all else is checked with zod: a plugin that needs little of zod would carry 2 to 3 kB (gzip) more in its
 * bundle for these few lines. Being parsed from JSON, a payload holds nothing but JSON values.
 */
const CHECKS: { readonly [Claim in keyof Required<SessionClaims>]: Check } = {
  iss: (value) => value === TOKEN_ISSUER,
  aud: isName,
  provider: isName,
  sid: isName,
  rev: (value) => isWhole(value) && Number(value) >= 0,
  name: isText,
  config: optional(isObject),
  vars: optional((value) => isObject(value) && Object.values(value).every(isText)),
  hosts: optional(isTexts),
  egress: optional(
    (value) => isObject(value) && isTexts(value.allow) && (value.default === "allow" || value.default === "deny"),
  ),
  iat: isWhole,
  nbf: isWhole,
  exp: isWhole,
};

/**
 * Checks the payload of a token whose signature, audience and times have been checked. Throws a TypeError that names the
 * claims with a wrong shape. Claims it does not know are left out.
 */
export function parseSessionClaims(payload: unknown): SessionClaims {
  const given: Readonly<Record<string, unknown>> = isObject(payload) ? payload : {};
  const wrong = Object.entries(CHECKS).filter(([claim, check]) => !check(given[claim]));
  if (wrong.length > 0) throw new TypeError(`claims missing or malformed: ${wrong.map(([claim]) => claim).join(", ")}`);
  const known = Object.keys(CHECKS).filter((claim) => given[claim] !== undefined);
  return Object.fromEntries(known.map((claim) => [claim, given[claim]])) as SessionClaims;
}

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isName(value: unknown): boolean {
  return isText(value) && value !== "";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value);
}
