// Signing in through a real OpenID provider, over HTTP into workerd, with gestaltd's part played by host.ts.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { loginUrl, refusal, seen, unwrap } from "./host.ts";
import { CALLBACK, startIssuer, type TestIssuer } from "./issuer.ts";
import { rigged } from "./rig.ts";

const ADA = {
  email: "Ada@Acme.com",
  displayName: "Ada Lovelace",
  avatarUrl: "https://pictures.example/ada.png",
};

const rig = rigged();

describe("a sign-in", () => {
  it("asks with PKCE, nonce and a state of its own, and shows the host's state to nobody", async () => {
    const config = rig.config({ parameters: { prompt: "login" }, scopes: ["email"] });
    const { authorizationUrl, providerState } = await rig.client(config).beginLogin({
      ...{ callbackUrl: CALLBACK, hostState: "of-the-host", scopes: ["profile"] },
    });
    const { searchParams, origin, pathname } = new URL(authorizationUrl);
    assert.deepEqual([origin, pathname], [rig.issuer.url, "/auth"]);
    const { state, nonce, code_challenge, ...fixed } = Object.fromEntries(searchParams);
    for (const random of [state, nonce, code_challenge]) assert.match(random ?? "", /^[\w-]{43}$/);
    assert.deepEqual(fixed, {
      response_type: "code",
      client_id: "confidential",
      redirect_uri: CALLBACK,
      scope: "openid email profile",
      code_challenge_method: "S256",
      prompt: "login",
    });
    const carried = Buffer.from(providerState).toString("latin1");
    for (const text of [authorizationUrl, carried]) assert.doesNotMatch(text, /of-the-host/);
    for (const secret of [state, nonce, "confidential"]) assert.ok(!carried.includes(secret ?? ""));
    assert.ok(providerState.byteLength < 400, `${providerState.byteLength} bytes`);
  });

  for (const [client, main] of Object.entries({
    confidential: {},
    post: { clientId: "post" },
    public: { clientId: "public", clientSecret: undefined },
  })) {
    it(`ends with the person, for a ${client} client`, async () => {
      const config = JSON.parse(JSON.stringify(rig.config(main as JsonObject)));
      const user = await rig.signIn(rig.client(config));
      assert.deepEqual(seen(user), ADA);
      assert.deepEqual([user.subject, user.emailVerified, user.claims], ["ada", true, { iss: rig.issuer.url }]);
    });
  }

  it("sends the client's secret as the config says, else by Basic authentication", async () => {
    const sent: (readonly [boolean, boolean])[] = [];
    rig.issuer.answer("/token", async (request, forward) => {
      const body = new URLSearchParams(await request.text());
      sent.push([request.headers.has("authorization"), body.has("client_secret")]);
      return forward();
    });
    for (const clientAuthentication of ["basic", "post"])
      await rig.signIn(rig.client(rig.config({ clientAuthentication })));
    await rig.signIn(rig.client());
    rig.issuer.answer("/token", undefined);
    assert.deepEqual(sent, [
      [true, false],
      [false, true],
      [true, false],
    ]);
  });

  it("takes the client's secret from a Secrets Store as well", async () => {
    assert.equal((await rig.signIn(rig.client(rig.config({ clientSecret: "OIDC_STORE" })))).subject, "ada");
    const lost = rig.signIn(rig.client(rig.config({ clientSecret: "OIDC_LOST" })));
    await refusal(lost, Code.FailedPrecondition, /OIDC_LOST/);
  });

  it("asks for the discovery document and the keys once, however many sign in", async () => {
    await rig.signIn(rig.client());
    rig.issuer.forget();
    await Promise.all(["ada", "eve", "ada"].map((person) => rig.signIn(rig.client(), person)));
    assert.equal(rig.issuer.asked("/token"), 3);
    assert.equal(rig.issuer.asked("/.well-known/openid-configuration"), 0);
    assert.equal(rig.issuer.asked("/jwks"), 0);
  });

  it("asks for a document once for all who wait for it", async () => {
    await rig.clock(11 * 60_000);
    rig.issuer.forget();
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    rig.issuer.answer("/.well-known/openid-configuration", async (_request, forward) => {
      asked.resolve();
      await released.promise;
      return forward();
    });
    const urls = Array.from({ length: 8 }, () => loginUrl(rig.client()));
    await asked.promise;
    // Whoever came before this one waits by the time it has waited in vain.
    await refusal(rig.client().beginLogin({ callbackUrl: CALLBACK }, { timeoutMs: 100 }), Code.DeadlineExceeded, /./);
    released.resolve();
    await Promise.all(urls);
    rig.issuer.answer("/.well-known/openid-configuration", undefined);
    assert.equal(rig.issuer.asked("/.well-known/openid-configuration"), 1);
    await rig.clock(0);
  });
});

describe("several issuers", () => {
  let other: TestIssuer;
  let config: JsonObject;
  before(async () => {
    other = await startIssuer({ claimsInIdToken: true });
    const second = { issuer: other.url, clientId: "public", allow: { domains: ["acme.com"] } };
    config = rig.config({}, { login: "main" });
    config = { ...config, issuers: { ...(config.issuers as JsonObject), second } };
  });
  after(() => other.stop());

  it("sign in through the one that the config names", async () => {
    const first = await rig.signIn(rig.client(config));
    assert.deepEqual(first.claims, { iss: rig.issuer.url });
    const client = rig.client({ ...config, login: "second" });
    other.forget();
    const { url } = other;
    const redirect = await other.signIn(await loginUrl(client), "ada");
    assert.equal(redirect.iss, url);
    assert.equal(other.asked("/me"), 0);
  });

  it("sign in through the one that the host asks for, with its own rules", async () => {
    const client = rig.client(config);
    const signIn = async (person: string) => {
      const query = await other.signIn(await loginUrl(client, { issuer: "second" }), person);
      return client.completeLogin(unwrap(query));
    };
    assert.deepEqual(seen(await signIn("ada")), ADA);
    assert.equal(other.asked("/me"), 0, "the ID token said everything");
    await refusal(signIn("eve"), Code.PermissionDenied, /"second": this address at evil\.example/);
    assert.equal(seen(await rig.signIn(client, "eve")).email, "eve@evil.example");
  });

  it("do not take each other's redirects", async () => {
    const client = rig.client(config);
    const begun = unwrap(await rig.issuer.signIn(await loginUrl(client), "ada"));
    const elsewhere = unwrap(await other.signIn(await loginUrl(client, { issuer: "second" }), "ada"));
    const mixed = { ...begun, query: { ...elsewhere.query, state: begun.query.state ?? "" } };
    await refusal(client.completeLogin(mixed), Code.Unauthenticated, /"main": the redirect .*iss/);
  });

  it("are known by name", async () => {
    for (const issuer of ["third", "__proto__", ""]) {
      await refusal(loginUrl(rig.client(config), { issuer }), Code.InvalidArgument, /names no issuer/);
    }
  });
});
