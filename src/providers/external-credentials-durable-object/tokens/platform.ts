// The token of a platform connection, whose secrets stand in gestaltd's config.
import { fixedToken } from "../../../worker/index.ts";
import { clientCredentialsGrant, type Grantor, refreshGrant } from "./grants.ts";
import { takeSteps } from "./steps.ts";
import type { TokenSet } from "./token-set.ts";

/** Whether the token stands in the config itself, so that nobody need be asked for it. */
export function isFixed({ auth }: Pick<Grantor, "auth">): boolean {
  return auth.type !== "oauth2" && auth.tokenExchangeDrivers.length === 0;
}

/** Asks for a token. `rotated` is the refresh token that the endpoint gave last, in place of the config's. */
export async function platformTokens(grantor: Grantor, rotated: string | undefined): Promise<TokenSet> {
  const first = await firstTokens(grantor, rotated);
  const last = await takeSteps(grantor, first);
  if (last === undefined) return { accessToken: fixedToken(grantor.auth), answer: {} };
  // The refresh token is the first step's, and so are its scopes no business of the last one's token.
  return last === first ? last : { ...last, refreshToken: first?.refreshToken };
}

async function firstTokens(grantor: Grantor, rotated: string | undefined): Promise<TokenSet | undefined> {
  const { auth } = grantor;
  if (auth.type === "oauth2") {
    return auth.grantType === "refresh_token"
      ? refreshGrant(grantor, rotated || auth.refreshToken)
      : clientCredentialsGrant(grantor);
  }
  return auth.token === "" ? undefined : { accessToken: fixedToken(auth), answer: {} };
}
