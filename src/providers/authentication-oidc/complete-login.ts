// The second half of a sign-in: from the redirect to the person.
import {
  type AuthorizationServer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  customFetch,
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  type TokenEndpointResponse,
  userInfoRequest,
  validateAuthResponse,
} from "oauth4webapi";
import { type AuthenticatedUser, Code, ConnectError, type LoginReturn, openLoginState } from "../../worker/index.ts";
import { type LoginIssuer, type LoginState, loginIssuer } from "./begin-login.ts";
import { clientOf, type OidcClient } from "./client.ts";
import { inStep } from "./errors.ts";
import { isInsecure, whatOf } from "./issuer-documents.ts";
import { issuerFetch } from "./issuer-fetch.ts";
import { askingOf, type OidcCall } from "./oidc.ts";
import { type Claims, userOf, verificationOf } from "./people.ts";
import { verifyJwt } from "./verify-jwt.ts";

/** What the steps of one sign-in share. */
interface SignIn extends OidcClient {
  readonly call: OidcCall;
  readonly issuer: LoginIssuer;
  readonly metadata: AuthorizationServer;
  readonly state: LoginState;
  readonly callbackUrl: string;
}

/**
 * Each sign-in has a nonce and a verifier of its own, sealed in its state: a code of another sign-in does not fit, and its own is taken
 * once by the issuer. So a state that is used again leads nowhere.
 */
export async function completeLogin(
  { query, providerState, callbackUrl }: LoginReturn,
  call: OidcCall,
): Promise<AuthenticatedUser> {
  const { request, sources } = call;
  const state = (await openLoginState(providerState, { callbackUrl, request, now: sources.now })) as LoginState;
  const issuer = issuerOf(state, call);
  if (!query.code && !query.error) throw new ConnectError("The redirect holds no code.", Code.InvalidArgument);
  const metadata = await call.documents.metadata(askingOf(call, issuer));
  const client = await clientOf(issuer, metadata, call);
  const signIn: SignIn = { call, issuer, metadata, state, callbackUrl, ...client };
  const tokens = await exchange(query, signIn);
  const claims = await identityOf(tokens, signIn);
  if (verificationOf(claims, issuer) !== "unsaid" || metadata.userinfo_endpoint === undefined) {
    return userOf(claims, issuer);
  }
  const { email: _, email_verified: __, ...others } = claims;
  // An address and whether it is verified have to come from one place: neither is taken from the ID token any more.
  return userOf({ ...others, ...(await userInfo(tokens, claims, signIn)) }, issuer);
}

/** The config may have changed in between. */
function issuerOf({ name, issuer: url, clientId }: LoginState, call: OidcCall): LoginIssuer {
  const issuer = loginIssuer(name, call);
  if (issuer !== undefined && issuer.url === url && issuer.clientId === clientId) return issuer;
  const text = "The sign-in was begun with another issuer or client than the config now has. Begin again.";
  throw new ConnectError(text, Code.FailedPrecondition);
}

/** The tokens for the code, with an ID token whose claims are checked. A code is taken once, so that nothing is tried again. */
async function exchange(query: LoginReturn["query"], signIn: SignIn): Promise<TokenEndpointResponse> {
  const { issuer, metadata, state, client, authentication, secret, callbackUrl } = signIn;
  const redirect = { what: whatOf(issuer, "redirect"), code: Code.Unauthenticated };
  const parameters = await inStep(redirect, () =>
    validateAuthResponse(metadata, client, new URLSearchParams(query), state.state),
  );
  const what = whatOf(issuer, "token endpoint");
  const secrets = [query.code, state.verifier, secret];
  return inStep({ what, code: Code.Unauthenticated, secrets }, async () => {
    const answer = await authorizationCodeGrantRequest(
      ...([metadata, client, authentication, parameters, callbackUrl, state.verifier] as const),
      askedBy(signIn, what),
    );
    return processAuthorizationCodeResponse(metadata, client, answer, {
      expectedNonce: state.nonce,
      requireIdToken: true,
    });
  });
}

/** The ID token's claims, once its signature has been checked, which the protocol leaves out for tokens that come straight. */
async function identityOf(tokens: TokenEndpointResponse, { call, issuer, metadata }: SignIn): Promise<Claims> {
  const { documents, sources } = call;
  const nowMs = sources.now();
  await inStep({ what: whatOf(issuer, "ID token"), code: Code.Unauthenticated }, () =>
    // Whoever gets here has a code of the issuer's, so that a key it has only just begun to use is fetched at once.
    verifyJwt(tokens.id_token ?? "", metadata, askingOf(call, issuer), documents, {
      audience: [issuer.clientId],
      keysSinceMs: nowMs,
      nowMs,
    }),
  );
  return getValidatedIdTokenClaims(tokens) ?? {};
}

async function userInfo(tokens: TokenEndpointResponse, { sub }: Claims, signIn: SignIn): Promise<Claims> {
  const { issuer, metadata, client } = signIn;
  const what = whatOf(issuer, "userinfo endpoint");
  return inStep({ what, code: Code.Unauthenticated, secrets: [tokens.access_token] }, async () => {
    const answer = await userInfoRequest(metadata, client, tokens.access_token, askedBy(signIn, what));
    return processUserInfoResponse(metadata, client, String(sub), answer);
  });
}

/** Options of a request that its caller alone waits for. */
function askedBy({ call, issuer }: SignIn, what: string) {
  const { settings, request } = call;
  const limits = { what, timeoutSeconds: settings.timeoutSeconds, signal: request.signal };
  return {
    [customFetch]: (url: string, init: object) => issuerFetch(url, init, limits),
    [allowInsecureRequests]: isInsecure(issuer),
  };
}
