// Sign-ins that somebody has tampered with: the state, the redirect, the tokens.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { type Redirect, refusal } from "./host.ts";
import { CLIENT_SECRET } from "./issuer.ts";
import { rigged, startOidcWorker, unsigned } from "./rig.ts";

const rig = rigged({ claimsInIdToken: true });

describe("a sign-in's state", () => {
  const refused = (redirect: Redirect, text: RegExp, client = rig.client()) =>
    refusal(client.completeLogin(redirect), Code.Unauthenticated, text);

  it("leads to the person once", async () => {
    const client = rig.client();
    const redirect = await rig.redirect(client);
    await client.completeLogin(redirect);
    await refused(redirect, /"main": the token endpoint refused the authorization code: .*\(invalid_grant/, client);
  });

  it("does not fit the code of another sign-in", async () => {
    const client = rig.client();
    const [ada, eve] = [await rig.redirect(client), await rig.redirect(client, "eve")];
    const code = eve.query.code ?? "";
    await refused({ ...ada, query: { ...ada.query, code } }, /invalid_grant/, client);
    await refused({ ...ada, query: eve.query }, /"main": the redirect is not acceptable: .*state/, client);
  });

  it("is refused when any of it has changed", async () => {
    const client = rig.client();
    const redirect = await rig.redirect(client);
    const { providerState } = redirect;
    const variants = Array.from({ length: 20 }, (_, index) => {
      const at = Math.floor((index * providerState.length) / 20);
      return providerState.with(at, (providerState[at] ?? 0) ^ (1 << (index % 8)));
    });
    const shorter = [1, 12, 13, 28, providerState.length - 1].map((length) => providerState.slice(0, length));
    const longer = new Uint8Array([...providerState, 0]);
    for (const state of [...variants, ...shorter, longer, new TextEncoder().encode('{"name":"main"}')]) {
      await refused({ ...redirect, providerState: state }, /was altered/, client);
    }
    const none = { ...redirect, providerState: new Uint8Array() };
    await refusal(client.completeLogin(none), Code.InvalidArgument, /was not begun here/);
    // None of that has spent the code.
    assert.equal((await client.completeLogin(redirect)).subject, "ada");
  });

  it("ends after its time", async () => {
    const client = rig.client(rig.config({}, { loginTtlSeconds: 60 }));
    const redirect = await rig.redirect(client);
    await rig.clock(61_000);
    await refused(redirect, /is too old\. Begin again/, client);
    await rig.clock(0);
    assert.equal((await client.completeLogin(redirect)).subject, "ada");
  });

  it("is bound to provider and callback", async () => {
    const redirect = await rig.redirect(rig.client());
    await refused(redirect, /was altered, or made by another/, rig.client(rig.config(), { name: "another" }));
    await refused({ ...redirect, callbackUrl: "https://evil.example/callback" }, /for another callback/);
  });

  it("is bound to the worker's secret", async () => {
    const redirect = await rig.redirect(rig.client());
    const worker = await startOidcWorker([], { GESTALT_EDGE_LOGIN_SECRET: "another secret of no less than 32 bytes" });
    try {
      const client = worker.client(AuthenticationProvider, { config: rig.config() });
      await refused(redirect, /with another secret/, client);
    } finally {
      await worker.dispose();
    }
  });

  it("is bound to issuer and client", async () => {
    const redirect = await rig.redirect(rig.client());
    const renamed = { ...(rig.config().issuers as object), main: undefined };
    for (const config of [
      rig.config({ clientId: "post" }),
      rig.config({ issuer: `${rig.issuer.url}/other` }),
      JSON.parse(JSON.stringify({ issuers: { ...renamed, other: (rig.config().issuers as { main: object }).main } })),
    ]) {
      await refusal(rig.client(config).completeLogin(redirect), Code.FailedPrecondition, /than the config now has/);
    }
  });
});

describe("a redirect", () => {
  it("must come from the issuer", async () => {
    const client = rig.client();
    const redirect = await rig.redirect(client);
    const query = { ...redirect.query, iss: "https://evil.example" };
    const call = client.completeLogin({ ...redirect, query });
    await refusal(call, Code.Unauthenticated, /the redirect is not acceptable: .*"iss"/);
  });

  it("must have the sign-in's own state", async () => {
    const client = rig.client();
    const { query, ...redirect } = await rig.redirect(client);
    const { state: _, ...without } = query;
    for (const wrong of [without, { ...query, state: "" }, { ...query, state: "another" }]) {
      await refusal(client.completeLogin({ ...redirect, query: wrong }), Code.Unauthenticated, /redirect .*"state"/);
    }
  });

  it("says that nobody has signed in, or holds a code", async () => {
    const client = rig.client();
    const { query, ...redirect } = await rig.redirect(client);
    const { code: _, ...rest } = query;
    const denied = { ...rest, error: "access_denied", error_description: "forged\nlog line" };
    const call = client.completeLogin({ ...redirect, query: denied });
    const { message } = await refusal(call, Code.Unauthenticated, /did not sign anybody in \(access_denied\)/);
    assert.doesNotMatch(message, /forged/);
    const odd = client.completeLogin({ ...redirect, query: { ...denied, error: "x\ny" } });
    await refusal(odd, Code.Unauthenticated, /\(unnamed error\)/);
    const { state = "", iss = "" } = query;
    await refusal(client.completeLogin({ ...redirect, query: { state, iss } }), Code.InvalidArgument, /holds no code/);
  });
});

describe("an ID token", () => {
  const now = () => Math.floor(Date.now() / 1000);

  const refused = async (text: RegExp, config = rig.config()) => {
    const secrets = [CLIENT_SECRET];
    await refusal(rig.signIn(rig.client(config)), Code.Unauthenticated, text, secrets);
    rig.issuer.answer("/token", undefined);
  };

  const CLAIMS: Record<string, [change: (rig: { url: string }) => object, text: RegExp]> = {
    "of another issuer": [() => ({ iss: "https://evil.example" }), /issuer/],
    "for another client": [() => ({ aud: "public" }), /audience/],
    "for several, and issued to another": [() => ({ aud: ["confidential", "x"], azp: "x" }), /azp/],
    "of another sign-in": [() => ({ nonce: "another" }), /nonce/],
    "of no sign-in": [() => ({ nonce: undefined }), /nonce/],
    "that has ended": [() => ({ exp: now() - 40 }), /exp/],
    "that has not begun": [() => ({ nbf: now() + 40 }), /nbf/],
    "without an end": [() => ({ exp: undefined }), /exp/],
    "about nobody": [() => ({ sub: undefined }), /sub/],
  };
  for (const [what, [change, text]] of Object.entries(CLAIMS)) {
    it(`${what} is refused`, async () => {
      rig.forgeIdTokens((claims) => rig.issuer.sign({ ...claims, ...change(rig.issuer) }));
      await refused(text);
    });
  }

  it("within the tolerance for clocks passes", async () => {
    rig.forgeIdTokens((claims) => rig.issuer.sign({ ...claims, exp: now() - 20, nbf: now() + 20, iat: now() + 20 }));
    assert.equal((await rig.signIn(rig.client())).subject, "ada");
    await refused(/exp|nbf|now/, rig.config({}, { clockToleranceSeconds: 5 }));
  });

  it("without a signature is refused", async () => {
    rig.forgeIdTokens((claims) => unsigned({ alg: "none" }, claims));
    await refused(/alg/);
    rig.forgeIdTokens((claims) => unsigned({ alg: "RS256", kid: rig.issuer.publicKey().kid }, claims));
    await refused(/signature|JWT/i);
  });

  it("signed with a shared secret is refused, were it the client's or the public key", async () => {
    const { publicKey } = rig.issuer;
    for (const secret of [CLIENT_SECRET, JSON.stringify(publicKey()), String(publicKey().n)]) {
      const key = new TextEncoder().encode(secret);
      rig.forgeIdTokens((claims) => new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key));
      await refused(/alg/);
    }
  });

  it("signed with another key is refused, and no key is taken from the token itself", async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const { kid } = rig.issuer.publicKey();
    for (const header of [{ kid }, { kid: "unknown" }, { jwk }, { kid: "unknown", jku: "https://evil.example/jwks" }]) {
      const protect = { alg: "RS256", ...header };
      rig.forgeIdTokens((claims) => new SignJWT(claims).setProtectedHeader(protect).sign(privateKey));
      await refused(/ID token is not acceptable: (signature verification failed|no applicable key)/);
    }
  });

  it("of an algorithm that the config leaves out is refused", async () => {
    await refused(/ID token is not acceptable: "alg"/, rig.config({ algorithms: ["ES256"] }));
  });

  it("must be there", async () => {
    rig.issuer.answer("/token", async (_request, forward) => {
      const { id_token: _, ...tokens } = (await (await forward()).json()) as Record<string, unknown>;
      return Response.json(tokens);
    });
    await refused(/id_token/);
  });

  it("and the userinfo endpoint must be about one person", async () => {
    rig.forgeIdTokens(({ email: _, ...claims }) => rig.issuer.sign(claims));
    rig.issuer.answer("/me", () => Response.json({ sub: "eve", email: "ada@acme.com", email_verified: true }));
    await refused(/userinfo endpoint is not acceptable/);
    rig.issuer.answer("/me", undefined);
  });

  it("does not vouch for the address that the userinfo endpoint tells", async () => {
    rig.forgeIdTokens(({ email: _, ...claims }) => rig.issuer.sign({ ...claims, email_verified: true }));
    rig.issuer.answer("/me", () => Response.json({ sub: "ada", email: "ceo@acme.com" }));
    await refusal(rig.signIn(rig.client()), Code.PermissionDenied, /has not verified/);
    rig.issuer.answer("/token", undefined);
    rig.issuer.answer("/me", undefined);
  });
});
