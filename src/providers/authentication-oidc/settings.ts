// What applies to a session: its config over what the worker's code says, checked as a whole.
import { Code, ConnectError } from "../../worker/index.ts";
import { ALGORITHMS, type OidcConfig, type OidcIssuerConfig } from "./config.ts";
import { DEFAULT_CLOCK_TOLERANCE_SECONDS, DEFAULT_TIMEOUT_SECONDS } from "./limits.ts";

/** A Worker secret that a session's config may name. Others it could have the worker send to an issuer of its choice. */
const SECRET_PREFIX = "OIDC_";

/** Secrets of gestalt-edge itself, which nobody may have sent anywhere. */
const OWN_PREFIX = "GESTALT_EDGE_";

const DEFAULT_SCOPES = ["openid", "email", "profile"];

export interface Issuer extends Omit<OidcIssuerConfig, "scopes" | "algorithms" | "emailClaim" | "audiences"> {
  /** Its name in the config. */
  readonly name: string;
  /** Its identifier in one form, to compare by. */
  readonly url: string;
  readonly scopes: readonly string[];
  readonly algorithms: readonly string[];
  readonly emailClaim: string;
  /** Empty when no bearer tokens of the issuer are taken. */
  readonly audiences: readonly string[];
}

export interface Settings {
  readonly issuers: readonly Issuer[];
  /** Signs people in where nothing else is said. */
  readonly login: string | undefined;
  readonly sessionTtlSeconds: number | undefined;
  readonly loginTtlSeconds: number | undefined;
  readonly clockToleranceSeconds: number;
  readonly timeoutSeconds: number;
}

export function settingsOf(defaults: OidcConfig, config: OidcConfig): Settings {
  const { issuers = {}, ...rest } = { ...defaults, ...config };
  return {
    issuers: Object.entries(issuers).map(([name, issuer]) => issuerOf(name, issuer)),
    login: rest.login,
    sessionTtlSeconds: rest.sessionTtlSeconds,
    loginTtlSeconds: rest.loginTtlSeconds,
    clockToleranceSeconds: rest.clockToleranceSeconds ?? DEFAULT_CLOCK_TOLERANCE_SECONDS,
    timeoutSeconds: rest.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
  };
}

/** Throws INVALID_ARGUMENT for what no single key of the config shows to be wrong. */
export function checkSettings({ issuers, login }: Settings, config: OidcConfig): void {
  if (issuers.length === 0) {
    throw invalid(
      "There is no issuer. Name one in the config: issuers: {<name>: {issuer: https://…, clientId: …, allow: …}}.",
    );
  }
  for (const issuer of issuers) checkIssuer(issuer, config);
  const signing = issuers.filter(({ clientId }) => clientId !== undefined);
  if (login !== undefined && !signing.some(({ name }) => name === login)) {
    throw invalid(`login: ${JSON.stringify(login)} is no issuer with a clientId.`);
  }
  if (login === undefined && signing.length > 1) {
    throw invalid(`login: say which issuer signs people in: ${signing.map(({ name }) => name).join(", ")}.`);
  }
  const bearing = issuers.filter(({ audiences }) => audiences.length > 0).map(({ url }) => url);
  const [twice] = bearing.filter((url, index) => bearing.indexOf(url) !== index);
  if (twice !== undefined) throw invalid(`issuers: two of ${twice} have audiences; give one of them both's.`);
}

/** An issuer's identifier in one form, to compare by; undefined for what is no URL. */
export function canonical(identifier: unknown): string | undefined {
  return typeof identifier === "string" ? URL.parse(identifier)?.href : undefined;
}

function issuerOf(name: string, config: OidcIssuerConfig): Issuer {
  return {
    ...config,
    name,
    url: canonical(config.issuer) ?? config.issuer,
    scopes: [...new Set(["openid", ...(config.scopes ?? DEFAULT_SCOPES)])],
    algorithms: config.algorithms ?? ALGORITHMS,
    emailClaim: config.emailClaim ?? "email",
    audiences: config.audiences ?? [],
  };
}

function checkIssuer({ name, clientId, clientSecret, audiences }: Issuer, config: OidcConfig): void {
  const at = `issuers.${name}`;
  if (clientId === undefined && audiences.length === 0) {
    throw invalid(`${at} has neither a clientId, to sign people in, nor audiences, to take bearer tokens.`);
  }
  if (clientSecret === undefined) return;
  if (clientId === undefined) throw invalid(`${at} has a clientSecret and no clientId.`);
  // The name is not repeated: it may be the secret itself, put in the wrong place.
  if (config.issuers !== undefined && !clientSecret.startsWith(SECRET_PREFIX)) {
    throw invalid(
      `${at}.clientSecret must be the name of a Worker secret that begins with ${SECRET_PREFIX}, such as ${SECRET_PREFIX}CLIENT_SECRET.`,
    );
  }
  if (clientSecret.startsWith(OWN_PREFIX)) throw invalid(`${at}.clientSecret names a secret of gestalt-edge itself.`);
}

function invalid(text: string): ConnectError {
  return new ConnectError(text, Code.InvalidArgument);
}
