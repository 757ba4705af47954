// Steps from one token to another (`auth.tokenExchangeDrivers`), in order.
import type { CredentialExchangeDriver } from "../../../worker/index.ts";
import { askEndpoint } from "./ask-endpoint.ts";
import { TokenFailure } from "./failure.ts";
import { type Grantor, tokenExchangeGrant } from "./grants.ts";
import type { TokenSet } from "./token-set.ts";
import { tokenUrl } from "./token-url.ts";

/** `google_service_account_impersonation` is gestaltd's own word; `oauth2_token_exchange` is RFC 8693. */
export const STEP_TYPES = ["google_service_account_impersonation", "oauth2_token_exchange"] as const;

/** What Google takes as a lifetime when nothing is said, in seconds (IAM, `generateAccessToken`). */
const GOOGLE_LIFETIME_SECONDS = 3600;

/** Runs the steps on the token before them; undefined when there was none. */
export async function takeSteps(grantor: Grantor, first: TokenSet | undefined): Promise<TokenSet | undefined> {
  let tokens = first;
  for (const driver of grantor.auth.tokenExchangeDrivers) tokens = await takeStep(grantor, driver, tokens);
  return tokens;
}

function takeStep(grantor: Grantor, driver: CredentialExchangeDriver, before: TokenSet | undefined): Promise<TokenSet> {
  const source = driver.params.sourceAccessToken?.trim() || before?.accessToken;
  if (source === undefined) {
    throw new TokenFailure("misconfigured", `there is no token to begin ${driver.type} with`);
  }
  const isGoogle = driver.type === "google_service_account_impersonation";
  return isGoogle ? impersonate(grantor, driver, source) : exchange(grantor, driver, source);
}

function exchange(grantor: Grantor, { endpoint, scopes, params }: CredentialExchangeDriver, token: string) {
  const { sourceAccessToken: _, ...more } = params;
  const scope = scopes.length > 0 && { scope: scopes.join(" ") };
  return tokenExchangeGrant(grantor, tokenUrl(endpoint, grantor.params), token, { ...scope, ...more });
}

/** Google Cloud IAM, `projects.serviceAccounts.generateAccessToken`. */
async function impersonate(grantor: Grantor, driver: CredentialExchangeDriver, token: string): Promise<TokenSet> {
  const { targetPrincipal, scopes, lifetimeSeconds } = driver;
  const account = encodeURIComponent(targetPrincipal.trim());
  const own = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`;
  const url = driver.endpoint.trim() === "" ? new URL(own) : tokenUrl(driver.endpoint, grantor.params);
  const headers = new Headers({ authorization: `Bearer ${token}`, "content-type": "application/json" });
  const body = JSON.stringify({ scope: scopes, lifetime: `${lifetimeSeconds || GOOGLE_LIFETIME_SECONDS}s` });
  const answer = await askEndpoint({ url, headers, body, about: "client" }, grantor.times);
  const { accessToken, expireTime } = answer;
  if (typeof accessToken !== "string" || accessToken === "") {
    throw new TokenFailure("unavailable", `the token endpoint at ${url.host} answered without a token at accessToken`);
  }
  const lifetime = (Date.parse(String(expireTime)) - grantor.times.now()) / 1000;
  return { accessToken, ...(lifetime > 0 && { lifetimeSeconds: lifetime }), answer };
}
