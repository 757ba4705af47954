// What is wrong with how a connection authenticates, said before anybody depends on it. In the words of gestaltd's config, and
// without its values: a secret may stand where it does not belong.
import type { CredentialAuth, CredentialConfigInput, CredentialExchangeDriver } from "../../../worker/index.ts";
import { MAX_IMPERSONATION_SECONDS } from "../limits.ts";
import { STEP_TYPES } from "./steps.ts";
import { pathSteps } from "./token-set.ts";
import { urlFault } from "./token-url.ts";

type Faults = (string | false)[];

const GRANT_TYPES = ["client_credentials", "refresh_token"];

/** All faults, each a sentence without its full stop. */
export function configFaults({ mode, auth }: Pick<CredentialConfigInput, "mode" | "auth">): string[] {
  const driven = auth.tokenExchangeDrivers.length > 0;
  const faults = [
    ...valueFaults(auth),
    ...(mode === "user" ? userFaults(auth) : []),
    ...(mode === "platform" && !driven ? platformFaults(auth) : []),
    ...(mode !== "platform" && driven ? ["auth.tokenExchangeDrivers is for connections of mode platform only"] : []),
    ...(auth.type === "oauth2" && mode === "platform" ? grantFaults(auth) : []),
    ...auth.tokenExchangeDrivers.flatMap((driver, index) => driverFaults(auth, driver, index)),
  ];
  return faults.filter((fault) => fault !== false);
}

/** Of single values, whoever owns the connection. */
function valueFaults(auth: CredentialAuth): Faults {
  const { type, tokenUrl, clientAuth, tokenExchange, acceptHeader, accessTokenPath } = auth;
  const url = tokenUrl.trim() === "" ? undefined : urlFault(tokenUrl);
  return [
    !isOneOf(type, "oauth2", "mcp_oauth", "bearer", "manual", "none") &&
      "auth.type is none of oauth2, mcp_oauth, bearer, manual, none",
    url !== undefined && `auth.tokenUrl ${url}`,
    !isOneOf(clientAuth, "body", "header", "none") && "auth.clientAuth is none of body, header, none",
    !isOneOf(tokenExchange, "form", "json") && "auth.tokenExchange is neither form nor json",
    !/^[\t\x20-\x7e]*$/.test(acceptHeader) && "auth.acceptHeader holds characters that no header may have",
    accessTokenPath !== "" && pathSteps(accessTokenPath).includes("") && "auth.accessTokenPath has an empty step",
    auth.clientSecret !== "" && auth.clientId === "" && "auth.clientId is missing, for there is an auth.clientSecret",
    "" in auth.tokenParams && "auth.tokenParams has a parameter without a name",
    "" in auth.refreshParams && "auth.refreshParams has a parameter without a name",
  ];
}

/** Little must be there: gestaltd checks its users' connections as they connect, and must start before that. */
function userFaults({ grantType, refreshToken }: CredentialAuth): Faults {
  return [
    grantType !== "" && "auth.grantType is for connections of mode platform only",
    refreshToken !== "" && "auth.refreshToken is for connections of mode platform only",
  ];
}

function platformFaults({ type, token }: CredentialAuth): Faults {
  return [
    !["bearer", "manual", "oauth2"].includes(type) &&
      "auth.type of a platform connection must be bearer, manual or oauth2",
    // A manual connection may have none: gestaltd then sends "{}" for it.
    type === "bearer" && token.trim() === "" && "auth.token is missing",
  ];
}

function grantFaults({
  grantType,
  tokenUrl,
  clientId,
  clientSecret,
  clientAuth,
  refreshToken,
}: CredentialAuth): Faults {
  return [
    !GRANT_TYPES.includes(grantType) && "auth.grantType must be client_credentials or refresh_token",
    tokenUrl.trim() === "" && "auth.tokenUrl is missing",
    clientId === "" && "auth.clientId is missing",
    clientSecret === "" && clientAuth !== "none" && "auth.clientSecret is missing",
    grantType === "refresh_token" && refreshToken === "" && "auth.refreshToken is missing",
    grantType === "client_credentials" &&
      refreshToken !== "" &&
      "auth.refreshToken is for grantType refresh_token only",
  ];
}

function driverFaults(auth: CredentialAuth, driver: CredentialExchangeDriver, index: number): Faults {
  const at = `auth.tokenExchangeDrivers[${index}]`;
  const { type, endpoint, lifetimeSeconds, targetPrincipal, scopes, params } = driver;
  const isKnown = (STEP_TYPES as readonly string[]).includes(type);
  if (!isKnown) return [`${at}.type is none of ${STEP_TYPES.join(", ")}`];
  const isGoogle = type === "google_service_account_impersonation";
  const url = endpoint.trim() === "" ? undefined : urlFault(endpoint);
  const isFirst = index === 0 && auth.type !== "oauth2" && auth.token === "";
  const noSource = isFirst && !params.sourceAccessToken?.trim();
  return [
    url !== undefined && `${at}.endpoint ${url}`,
    !isGoogle && endpoint.trim() === "" && `${at}.endpoint is missing`,
    isGoogle && targetPrincipal.trim() === "" && `${at}.targetPrincipal is missing`,
    isGoogle && scopes.length === 0 && `${at}.scopes is empty`,
    (lifetimeSeconds < 0 || lifetimeSeconds > MAX_IMPERSONATION_SECONDS) &&
      `${at}.lifetimeSeconds is not from 0 to ${MAX_IMPERSONATION_SECONDS}`,
    noSource &&
      `${at}.params.sourceAccessToken is missing, and the connection has no token of its own to begin with` +
        (isGoogle ? "; a Worker has no default credentials of Google's" : ""),
  ];
}

/** Empty is good everywhere: the default. */
function isOneOf(value: string, ...known: string[]): boolean {
  return value === "" || known.includes(value);
}
