// What a token endpoint answered, read as far as anybody needs it.
import type { TokenEndpointResponse } from "oauth4webapi";
import type { CredentialAuth } from "../../../worker/index.ts";
import { MAX_LIFETIME_SECONDS } from "../limits.ts";
import type { EndpointAnswer } from "./ask-endpoint.ts";

export interface TokenSet {
  readonly accessToken: string;
  /** Undefined when the old one stays good. */
  readonly refreshToken?: string | undefined;
  /** Undefined when the endpoint states no lifetime. */
  readonly lifetimeSeconds?: number | undefined;
  /** Undefined when they are as asked. */
  readonly scopes?: string | undefined;
  readonly tokenType?: string | undefined;
  /** The whole answer. */
  readonly answer: EndpointAnswer;
}

/**
 * The answer in the form that RFC 6749 §5.1 wants, which many endpoints come close to: the token elsewhere, numbers as texts, null
 * for what is not there. What cannot be read is left out; a missing token is for the protocol's own check to find.
 */
export function conformant(answer: EndpointAnswer, { accessTokenPath }: CredentialAuth): Record<string, unknown> {
  const { refresh_token, scope, expires_in } = answer;
  const lifetime = typeof expires_in === "string" ? Number(expires_in) : expires_in;
  return {
    access_token: accessTokenPath === "" ? answer.access_token : valueAt(answer, accessTokenPath),
    // Who uses the token knows what it is from the connection's config; services have types of their own here.
    token_type: "bearer",
    ...(typeof refresh_token === "string" && refresh_token !== "" && { refresh_token }),
    ...(typeof scope === "string" && { scope }),
    ...(typeof lifetime === "number" && lifetime > 0 && { expires_in: Math.min(lifetime, MAX_LIFETIME_SECONDS) }),
  };
}

export function tokenSet(checked: TokenEndpointResponse, answer: EndpointAnswer): TokenSet {
  return {
    accessToken: checked.access_token,
    refreshToken: checked.refresh_token,
    lifetimeSeconds: checked.expires_in,
    scopes: checked.scope,
    tokenType: typeof answer.token_type === "string" ? answer.token_type : undefined,
    answer,
  };
}

/** `authed_user.access_token`, or the same with `$.` or `.` before it. */
export function pathSteps(path: string): string[] {
  return path
    .trim()
    .replace(/^\$?\./, "")
    .split(".");
}

function valueAt(answer: EndpointAnswer, path: string): unknown {
  let value: unknown = answer;
  for (const step of pathSteps(path)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
