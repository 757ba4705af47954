// The first half of a sign-in: the authorization request, and what the second half must know.
import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
} from "oauth4webapi";
import { Code, ConnectError, type LoginRedirect, type LoginStart, sealLoginState } from "../../worker/index.ts";
import { isInsecure, whatOf } from "./issuer-documents.ts";
import { askingOf, type OidcCall } from "./oidc.ts";
import type { Issuer } from "./settings.ts";

/** What is sealed into `provider_state`. */
export interface LoginState extends Readonly<Record<string, string>> {
  /** The issuer's name in the config, and what it stood for. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type LoginIssuer = Issuer & { readonly clientId: string };

/** `options.issuer` names another issuer than the config's, for hosts that let people choose; gestaltd sends no options. */
export async function beginLogin({ callbackUrl, scopes, options }: LoginStart, call: OidcCall): Promise<LoginRedirect> {
  const issuer = chosen(options.issuer, call);
  const { authorization_endpoint: endpoint } = await call.documents.metadata(askingOf(call, issuer));
  const state: LoginState = {
    name: issuer.name,
    issuer: issuer.url,
    clientId: issuer.clientId,
    state: generateRandomState(),
    nonce: generateRandomNonce(),
    verifier: generateRandomCodeVerifier(),
  };
  const authorizationUrl = endpointOf(endpoint, issuer);
  const parameters = {
    ...issuer.parameters,
    response_type: "code",
    client_id: issuer.clientId,
    redirect_uri: callbackUrl,
    scope: [...new Set([...issuer.scopes, ...scopes])].join(" "),
    state: state.state,
    nonce: state.nonce,
    code_challenge: await calculatePKCECodeChallenge(state.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) authorizationUrl.searchParams.set(name, value);
  const { request, settings, sources } = call;
  const context = { callbackUrl, request, now: sources.now };
  return { authorizationUrl, providerState: await sealLoginState(state, context, settings.loginTtlSeconds) };
}

/** The issuer of this name, if it signs people in. */
export function loginIssuer(name: string, { settings }: Pick<OidcCall, "settings">): LoginIssuer | undefined {
  return settings.issuers.filter(signsIn).find((issuer) => issuer.name === name);
}

function chosen(name: string | undefined, call: OidcCall): LoginIssuer {
  if (name !== undefined) {
    const issuer = loginIssuer(name, call);
    if (issuer !== undefined) return issuer;
    throw new ConnectError("The option issuer names no issuer that signs people in.", Code.InvalidArgument);
  }
  const { issuers, login } = call.settings;
  const issuer = issuers.filter(signsIn).find(({ name }) => login === undefined || name === login);
  if (issuer !== undefined) return issuer;
  throw new ConnectError(
    "No issuer of the config has a clientId, so that nobody can sign in.",
    Code.FailedPrecondition,
  );
}

function signsIn(issuer: Issuer): issuer is LoginIssuer {
  return issuer.clientId !== undefined;
}

function endpointOf(endpoint: string | undefined, issuer: Issuer): URL {
  const url = URL.parse(endpoint ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isInsecure(issuer))) return url;
  throw new ConnectError(`${whatOf(issuer, "authorization endpoint")} is no URL of https.`, Code.FailedPrecondition);
}
