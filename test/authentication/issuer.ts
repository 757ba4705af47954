// A real OpenID provider (npm: oidc-provider) on loopback. A layer before it counts requests and can answer in its place, or alter what
// it answers, as a broken or hostile one would.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { Provider } from "oidc-provider";

export const CALLBACK = "https://gestalt.example/api/v1/auth/login/callback";

/** The audience of the access tokens that are JWTs. */
export const AUDIENCE = "https://gestalt.example/api";

/** Secret of the client `confidential`; `public` has none, and `post` takes it in the body alone. */
export const CLIENT_SECRET = "a-client-secret-that-no-log-may-hold";

/** People by the name they sign in with. */
export const PEOPLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ada: {
    ...{ email: "Ada@Acme.com", email_verified: true, name: "Ada Lovelace" },
    picture: "https://pictures.example/ada.png",
  },
  eve: { email: "eve@evil.example", email_verified: true, name: "Eve" },
  mallory: { email: "ada@acme.com", email_verified: false, name: "Mallory" },
  silent: { email: "ada@acme.com", name: "Silent about verification" },
  nobody: { name: "Nobody" },
  kelvin: { email: "\u212Aim@acme.com", email_verified: true, name: "Not Kim" },
  script: { email: "bob@acme.com", email_verified: "true", name: "Bob\u0007\nB", picture: "javascript:alert(1)" },
};

type Answer = (request: Request, forward: () => Promise<Response>) => Response | Promise<Response>;

export interface TestIssuer {
  /** Its identifier. */
  readonly url: string;
  /** Signs somebody in as a browser would, by the pages' forms; resolves with the query of the redirect to the callback. */
  signIn(authorizationUrl: string, person: string): Promise<Record<string, string>>;
  /**
   * Answers requests for a path in the provider's place, until the test puts another there; undefined ends it. The request's signal
   * aborts when whoever asked has gone.
   */
  answer(path: string, answer: Answer | undefined): void;
  /** How often a path has been asked for since last {@link forget}. */
  asked(path: string): number;
  forget(): void;
  /** Takes another callback than {@link CALLBACK} too. */
  register(callback: string): void;
  /** Signs with a new key from now on, and no longer knows the old one. */
  rotateKeys(): Promise<void>;
  /** A JWT signed with the key in use; members of the header win over what it would be. */
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The public key in use. */
  publicKey(): { readonly kid: string; readonly n: string } & JWK;
  /** A JWT access token that the provider itself has issued. */
  accessToken(): Promise<string>;
  stop(): Promise<void>;
}

export interface IssuerOptions {
  /** Whether ID tokens hold the claims of the scopes; the specification has them at the userinfo endpoint alone. */
  readonly claimsInIdToken?: boolean;
}

export async function startIssuer({ claimsInIdToken = false }: IssuerOptions = {}): Promise<TestIssuer> {
  const answers = new Map<string, Answer>();
  const counts = new Map<string, number>();
  const callbacks = [CALLBACK];
  let key = await createKey();
  let provider: ReturnType<Provider["callback"]>;
  const inner = createServer((request, response) => void provider(request, response));
  const outer = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://issuer");
    counts.set(pathname, (counts.get(pathname) ?? 0) + 1);
    const answer = answers.get(pathname);
    if (answer === undefined) return void provider(request, response);
    void answerWith(answer, request, response, innerUrl).catch(() => response.destroy());
  });
  const [url, innerUrl] = [await listen(outer), await listen(inner)];
  const restart = () => {
    const made = quietly(() => new Provider(url, configuration(key.jwk, claimsInIdToken, callbacks)));
    // It names its endpoints by the host it is asked at: for the inner server that is the outer one.
    made.proxy = true;
    provider = made.callback();
  };
  restart();
  return {
    url,
    signIn: (authorizationUrl, person) => signIn(authorizationUrl, person, url),
    answer: (path, answer) => void (answer === undefined ? answers.delete(path) : answers.set(path, answer)),
    asked: (path) => counts.get(path) ?? 0,
    forget: () => counts.clear(),
    register(callback) {
      callbacks.push(callback);
      restart();
    },
    async rotateKeys() {
      key = await createKey();
      restart();
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", kid: String(key.jwk.kid), ...header })
        .sign(key.privateKey),
    publicKey: () => ({ kty: "RSA", kid: String(key.jwk.kid), n: String(key.jwk.n), e: String(key.jwk.e) }),
    accessToken: () => accessToken(url),
    async stop() {
      for (const server of [outer, inner]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

/** An answer that never comes. Resolves when it has been asked for, and when whoever asked has gone. */
export function silence(): { readonly answer: Answer; readonly asked: Promise<void>; readonly gone: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const answer = async ({ signal }: Request) => {
    asked.resolve();
    signal.addEventListener("abort", () => gone.resolve());
    await gone.promise;
    return new Response();
  };
  return { answer, asked: asked.promise, gone: gone.promise };
}

function configuration(jwk: JWK, claimsInIdToken: boolean, callbacks: readonly string[]): object {
  const client = {
    redirect_uris: callbacks,
    application_type: "native",
    grant_types: ["authorization_code", "client_credentials"],
    client_secret: CLIENT_SECRET,
  };
  return {
    jwks: { keys: [jwk] },
    clients: [
      { ...client, client_id: "confidential" },
      { ...client, client_id: "post", token_endpoint_auth_method: "client_secret_post" },
      { redirect_uris: callbacks, client_id: "public", token_endpoint_auth_method: "none" },
    ],
    claims: { email: ["email", "email_verified"], profile: ["name", "picture"] },
    conformIdTokenClaims: !claimsInIdToken,
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...PEOPLE[accountId] }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ["for tests"] },
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    extraTokenClaims: () => PEOPLE.ada,
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "api", audience: AUDIENCE, accessTokenFormat: "jwt" }),
      },
    },
  };
}

/** It warns of everything that is fit for tests alone. */
function quietly<T>(work: () => T): T {
  const { warn, info } = console;
  Object.assign(console, { warn: () => undefined, info: () => undefined });
  try {
    return work();
  } finally {
    Object.assign(console, { warn, info });
  }
}

async function createKey() {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: "RS256", use: "sig" } };
}

/** Sends the forms of sign-in and consent, and keeps cookies, until a redirect leads away from the issuer. */
export async function signIn(
  authorizationUrl: string,
  person: string,
  issuer: string,
): Promise<Record<string, string>> {
  const cookies = new Map<string, string>();
  let url = authorizationUrl;
  let form: Record<string, string> | undefined;
  for (let hops = 0; hops < 12; hops++) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const page = await response.text();
    const location = response.headers.get("location");
    if (location !== null && !new URL(location, url).href.startsWith(issuer)) {
      return Object.fromEntries(new URL(location).searchParams);
    }
    assert.ok(location !== null || response.status === 200, `${response.status} ${page}`);
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    form = location !== null ? undefined : { prompt: prompt ?? "", login: person, password: "any" };
    url = new URL(location ?? url, url).href;
  }
  throw new Error("the sign-in leads in circles");
}

async function accessToken(issuer: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`confidential:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", resource: AUDIENCE, scope: "api" }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

async function answerWith(
  answer: Answer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  innerUrl: string,
): Promise<void> {
  const { method = "GET", url = "" } = incoming;
  const body = method === "GET" ? undefined : await text(incoming);
  const given = Object.entries(incoming.headers).filter(
    ([name]) => !["host", "connection", "content-length"].includes(name),
  );
  const left = new AbortController();
  outgoing.once("close", () => left.abort());
  const headers: [string, string][] = [
    ...(given as [string, string][]),
    ["x-forwarded-host", incoming.headers.host ?? ""],
  ];
  const init = { method, headers, redirect: "manual", signal: left.signal, ...(body && { body }) } as const;
  const response = await answer(new Request(innerUrl + url, init), () => fetch(innerUrl + url, init));
  const content = await response.text();
  const kept = ["content-type", "location"].flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  outgoing.writeHead(response.status, Object.fromEntries(kept)).end(content);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
