// The ways to get tokens, each one request: by a refresh token, as the client itself, for what a user entered, for another token.
import {
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  genericTokenEndpointRequest,
  None,
  processGenericTokenEndpointResponse,
} from "oauth4webapi";
import type { CredentialAuth } from "../../../worker/index.ts";
import { askEndpoint, type EndpointAnswer, type EndpointTimes } from "./ask-endpoint.ts";
import { TokenFailure } from "./failure.ts";
import { conformant, type TokenSet, tokenSet } from "./token-set.ts";
import { tokenUrl } from "./token-url.ts";

/** How a connection authenticates, and with which parameters. */
export interface Grantor {
  readonly auth: CredentialAuth;
  readonly params: Readonly<Record<string, string>>;
  readonly times: EndpointTimes;
}

export function refreshGrant(grantor: Grantor, refreshToken: string): Promise<TokenSet> {
  const { auth, params } = grantor;
  const { grant_type = "refresh_token", ...more } = auth.refreshParams;
  const url = tokenUrl(auth.tokenUrl, params);
  return grant(grantor, url, grant_type, { refresh_token: refreshToken, ...more });
}

export function clientCredentialsGrant(grantor: Grantor): Promise<TokenSet> {
  const { auth, params } = grantor;
  const { grant_type = "client_credentials", ...more } = auth.tokenParams;
  const scopes = auth.scopes.length > 0 && {
    [auth.scopeParam || "scope"]: auth.scopes.join(auth.scopeSeparator || " "),
  };
  return grant(grantor, tokenUrl(auth.tokenUrl, params), grant_type, { ...scopes, ...more });
}

/** RFC 8693: `token` is turned into another one. */
export function tokenExchangeGrant(
  grantor: Grantor,
  url: URL,
  token: string,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenSet> {
  const kind = { subject_token_type: "urn:ietf:params:oauth:token-type:access_token" };
  const form = { ...kind, ...parameters, subject_token: token };
  return grant(grantor, url, "urn:ietf:params:oauth:grant-type:token-exchange", form);
}

/** No grant of OAuth: what was entered goes to the endpoint as it is, with the config's parameters. */
export async function exchangeEntered(grantor: Grantor, entered: Readonly<Record<string, string>>): Promise<TokenSet> {
  const { auth, params } = grantor;
  const form = new URLSearchParams({ ...auth.tokenParams, ...entered });
  const headers = new Headers({ accept: "application/json" });
  // In the body the client's own id and secret stand only where the config puts them, among the parameters.
  if (auth.clientAuth === "header") await clientAuth(auth)(SERVER, clientOf(auth), form, headers);
  const url = tokenUrl(auth.tokenUrl, params);
  const request = { url, ...encoded(form, headers, auth), about: "entered" } as const;
  return checked(await askEndpoint(request, grantor.times), grantor, url);
}

async function grant(
  grantor: Grantor,
  url: URL,
  grantType: string,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenSet> {
  const { auth, times } = grantor;
  let answer: EndpointAnswer = {};
  const server = { ...SERVER, token_endpoint: url.href };
  await genericTokenEndpointRequest(server, clientOf(auth), clientAuth(auth), grantType, parameters, {
    // Plain http gets this far only on this machine (token-url.ts).
    [allowInsecureRequests]: url.protocol === "http:",
    [customFetch]: async (_url, { headers, body }) => {
      const request = { url, ...encoded(body, new Headers(headers), auth), about: "client" } as const;
      answer = await askEndpoint(request, times);
      return Response.json(answer);
    },
  });
  return checked(answer, grantor, url);
}

/** Holds the answer to the protocol's rules. */
async function checked(answer: EndpointAnswer, { auth }: Grantor, url: URL): Promise<TokenSet> {
  const response = Response.json(conformant(answer, auth));
  const checked = await processGenericTokenEndpointResponse(SERVER, clientOf(auth), response).catch(() => undefined);
  if (checked !== undefined && checked.access_token !== "") return tokenSet(checked, answer);
  const where = auth.accessTokenPath === "" ? "access_token" : "auth.accessTokenPath";
  throw new TokenFailure("unavailable", `the token endpoint at ${url.host} answered without a token at ${where}`);
}

function encoded(form: URLSearchParams, headers: Headers, { acceptHeader, tokenExchange }: CredentialAuth) {
  if (acceptHeader !== "") headers.set("accept", acceptHeader);
  const isJson = tokenExchange === "json";
  headers.set("content-type", isJson ? "application/json" : "application/x-www-form-urlencoded");
  return { headers, body: isJson ? JSON.stringify(Object.fromEntries(form)) : form.toString() };
}

/** The library wants issuers, of which a connection's config says nothing; nothing here is signed. */
const SERVER = { issuer: "https://token-endpoint.invalid" };

function clientOf({ clientId }: CredentialAuth): Client {
  return { client_id: clientId || "-" };
}

/** RFC 6749 §2.3.1; a public client names itself, and one without an id does nothing. */
function clientAuth({ clientId, clientSecret, clientAuth }: CredentialAuth): ClientAuth {
  if (clientId === "") return () => undefined;
  if (clientSecret === "" || clientAuth === "none") return None();
  return clientAuth === "header" ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret);
}
