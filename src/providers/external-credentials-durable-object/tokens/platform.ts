// The token of a platform connection, whose secrets stand in gestaltd's config.
import { fixedToken } from "../../../worker/index.ts";
import { TokenFailure } from "./failure.ts";
import { clientCredentialsGrant, type Grantor, refreshGrant } from "./grants.ts";
import { takeSteps } from "./steps.ts";
import type { TokenSet } from "./token-set.ts";

/** Whether the token stands in the config itself, so that nobody need be asked for it. */
export function isFixed({ auth }: Pick<Grantor, "auth">): boolean {
  return auth.type !== "oauth2" && auth.tokenExchangeDrivers.length === 0;
}

/** Stores a refresh token at once: what comes after it may fail, and it may be the only one that is still good. */
export type KeepRefreshToken = (refreshToken: string) => Promise<void>;

/** Asks for a token. `rotated` is the refresh token that the endpoint gave last, in place of the config's. */
export async function platformTokens(
  grantor: Grantor,
  rotated: string | undefined,
  keep: KeepRefreshToken,
): Promise<TokenSet> {
  const first = await firstTokens(grantor, rotated);
  if (first?.refreshToken !== undefined && grantor.auth.tokenExchangeDrivers.length > 0) await keep(first.refreshToken);
  const last = await takeSteps(grantor, first);
  if (last === undefined) return { accessToken: fixedToken(grantor.auth), answer: {} };
  // What the last step may have given to refresh its token with, does not bring the first one's.
  return last === first ? last : { ...last, refreshToken: first?.refreshToken };
}

async function firstTokens(grantor: Grantor, rotated: string | undefined): Promise<TokenSet | undefined> {
  const { auth } = grantor;
  if (auth.type !== "oauth2") {
    return auth.token === "" ? undefined : { accessToken: fixedToken(auth), answer: {} };
  }
  return auth.grantType === "refresh_token" ? refreshed(grantor, rotated) : clientCredentialsGrant(grantor);
}

/** The config's refresh token is tried when the one that came for it is no good: an operator may have made it good again. */
async function refreshed(grantor: Grantor, rotated: string | undefined): Promise<TokenSet> {
  const { refreshToken } = grantor.auth;
  if (rotated === undefined || rotated === refreshToken) return refreshGrant(grantor, refreshToken);
  return refreshGrant(grantor, rotated).catch(async (error: unknown) => {
    if (!(error instanceof TokenFailure) || error.kind !== "reconnect") throw error;
    const tokens = await refreshGrant(grantor, refreshToken);
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  });
}
