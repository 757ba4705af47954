// New tokens for a stored credential, by what was stored with it.
import type { CredentialAuth } from "../../../worker/index.ts";
import { TokenFailure } from "./failure.ts";
import { exchangeEntered, type Grantor, refreshGrant } from "./grants.ts";
import type { TokenSet } from "./token-set.ts";

/** Whether a credential can be renewed at all. */
export function canRenew({ type, tokenUrl }: CredentialAuth, refreshToken: string): boolean {
  const isKnown = type === "oauth2" || type === "manual" || type === "";
  return isKnown && tokenUrl.trim() !== "" && refreshToken !== "";
}

/** What a user once entered stands in the refresh token's place, and is exchanged again. */
export async function renewedTokens(grantor: Grantor, refreshToken: string): Promise<TokenSet> {
  const { type } = grantor.auth;
  if (type === "oauth2") return refreshGrant(grantor, refreshToken);
  const entered = enteredTexts(refreshToken);
  if (entered !== undefined) return { ...(await exchangeEntered(grantor, entered)), refreshToken };
  if (type === "manual") throw new TokenFailure("reconnect", "what was entered has not been stored");
  return refreshGrant(grantor, refreshToken);
}

/** Named texts, at least one; undefined for any other JSON and for what is none. */
export function enteredTexts(json: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  const isNamed = entries.length > 0 && entries.every(([, text]) => typeof text === "string");
  return isNamed ? Object.fromEntries(entries) : undefined;
}
