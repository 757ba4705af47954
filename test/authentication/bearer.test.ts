// Bearer tokens that are not gestaltd's own: JWTs of an issuer, for one of the audiences.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { refusal, seen } from "./host.ts";
import { AUDIENCE, CLIENT_SECRET } from "./issuer.ts";
import { rigged, unsigned } from "./rig.ts";

const rig = rigged();
const now = () => Math.floor(Date.now() / 1000);

/** Claims of a token that is taken. */
const claims = (change: Readonly<Record<string, unknown>> = {}) => ({
  ...{ iss: rig.issuer.url, aud: AUDIENCE, sub: "ada", exp: now() + 60 },
  ...{ email: "ada@acme.com", email_verified: true, name: "Ada", ...change },
});

const validate = (token: string, main: JsonObject = {}) =>
  rig.client(rig.config(main)).validateExternalToken({ token });

/** Refused, without a word of the token in error or log. */
async function refused(token: string, text: RegExp, main: JsonObject = {}, code = Code.Unauthenticated): Promise<void> {
  const parts = token.split(".").filter((part) => part.length > 8);
  await refusal(validate(token, main), code, text, parts);
  for (const part of parts) assert.ok(!rig.log.join("\n").includes(part));
}

describe("a bearer token", () => {
  it("that the issuer itself has made is taken, with who it is", async () => {
    const user = await validate(await rig.issuer.accessToken());
    assert.deepEqual(seen(user), {
      ...{ email: "Ada@Acme.com", displayName: "Ada Lovelace", avatarUrl: "https://pictures.example/ada.png" },
    });
    assert.deepEqual([user.subject, user.claims], ["confidential", { iss: rig.issuer.url }]);
  });

  it("is taken again and again without asking the issuer", async () => {
    const token = await rig.issuer.accessToken();
    await validate(token);
    rig.issuer.forget();
    for (let times = 0; times < 5; times++) await validate(token);
    for (const path of ["/jwks", "/.well-known/openid-configuration", "/me"]) assert.equal(rig.issuer.asked(path), 0);
  });

  it("has to be for one of the audiences", async () => {
    const several = await rig.issuer.sign(claims({ aud: ["x", AUDIENCE] }));
    assert.equal((await validate(several)).subject, "ada");
    const other = await rig.issuer.sign(claims({ aud: "other" }));
    assert.equal((await validate(other, { audiences: ["first", "other"] })).subject, "ada");
    for (const aud of ["other", [], ["a", "b"], undefined, `${AUDIENCE}/`, { 0: AUDIENCE }]) {
      await refused(await rig.issuer.sign(claims({ aud })), /"aud"/);
    }
    // An ID token is for the client, who is no audience unless the config says so.
    await refused(await rig.issuer.sign(claims({ aud: "confidential" })), /"aud"/);
  });

  it("has to be of the issuer, to the letter", async () => {
    await refused(await rig.issuer.sign(claims({ iss: `${rig.issuer.url}/` })), /"iss"/);
    const token = await rig.issuer.sign(claims({ iss: rig.issuer.url.toUpperCase() }));
    await refused(token, /of no issuer|"iss"/);
  });

  it("has its time, give or take the tolerance", async () => {
    for (const times of [{ exp: now() - 20 }, { nbf: now() + 20 }]) {
      assert.equal((await validate(await rig.issuer.sign(claims(times)))).subject, "ada");
    }
    await refused(await rig.issuer.sign(claims({ exp: now() - 40 })), /"exp"/);
    await refused(await rig.issuer.sign(claims({ nbf: now() + 40 })), /"nbf"/);
    for (const exp of [undefined, "tomorrow", null]) await refused(await rig.issuer.sign(claims({ exp })), /"exp"/);
    const exact = rig.client(rig.config({}, { clockToleranceSeconds: 0 }));
    const late = await rig.issuer.sign(claims({ exp: now() - 5 }));
    await refusal(exact.validateExternalToken({ token: late }), Code.Unauthenticated, /"exp"/);
  });

  it("has to be about somebody", async () => {
    await refused(await rig.issuer.sign(claims({ sub: undefined })), /"sub"/);
  });

  it("keeps to the rules on addresses", async () => {
    const main = { allow: { domains: ["acme.com"] } };
    assert.equal((await validate(await rig.issuer.sign(claims()), main)).email, "ada@acme.com");
    const denied: [Readonly<Record<string, unknown>>, RegExp][] = [
      [{ email: "eve@evil.example" }, /at evil\.example/],
      [{ email_verified: false }, /has not verified/],
      [{ email_verified: undefined }, /has not verified/],
      [{ email_verified: 1 }, /has not verified/],
      [{ email: undefined }, /no email address/],
      [{ email: ["ada@acme.com"] }, /no email address/],
    ];
    for (const [change, text] of denied) {
      await refused(await rig.issuer.sign(claims(change)), text, main, Code.PermissionDenied);
    }
  });

  it("is not asked about at the userinfo endpoint", async () => {
    rig.issuer.forget();
    await refused(await rig.issuer.sign(claims({ email: undefined })), /no email/, {}, Code.PermissionDenied);
    assert.equal(rig.issuer.asked("/me"), 0);
  });

  it("of another type is refused, though the issuer has signed it", async () => {
    for (const typ of ["JWT", "jwt", "at+jwt", "application/at+jwt"])
      await validate(await rig.issuer.sign(claims(), { typ }));
    for (const typ of ["logout+jwt", "secevent+jwt", "oauth-authz-req+jwt", ""]) {
      await refused(await rig.issuer.sign(claims(), { typ }), /of a type that is no proof/);
    }
  });

  it("that is bound to a key is refused", async () => {
    await refused(await rig.issuer.sign(claims({ cnf: { jkt: "x" } })), /bound to a key/);
  });
});

describe("a forged bearer token", () => {
  it("without a signature is refused", async () => {
    const { kid } = rig.issuer.publicKey();
    for (const header of [{ alg: "none" }, { alg: "NONE" }, { alg: "none", kid }, { alg: "RS256", kid }, { kid }, {}]) {
      await refused(unsigned(header, claims()), /alg|signature|JWS|JWT/i);
    }
  });

  it("signed with a shared secret is refused, were it the public key", async () => {
    const { publicKey } = rig.issuer;
    const { kid } = publicKey();
    for (const secret of [CLIENT_SECRET, JSON.stringify(publicKey()), String(publicKey().n)]) {
      const key = new TextEncoder().encode(secret);
      for (const alg of ["HS256", "HS512"]) {
        await refused(await new SignJWT(claims()).setProtectedHeader({ alg, kid }).sign(key), /alg/);
      }
    }
  });

  it("signed with another key is refused, and no key is taken from the token", async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const { kid } = rig.issuer.publicKey();
    const jku = `${rig.issuer.url}/evil-jwks`;
    rig.issuer.answer("/evil-jwks", () => Response.json({ keys: [{ ...jwk, kid: "evil" }] }));
    for (const header of [{ kid }, {}, { kid: "evil", jku }, { kid: "evil", jwk }, { kid: "evil", x5u: jku }]) {
      const token = new SignJWT(claims()).setProtectedHeader({ alg: "RS256", ...header });
      await refused(await token.sign(privateKey), /signature verification failed|no applicable key/);
    }
    assert.equal(rig.issuer.asked("/evil-jwks"), 0);
  });

  it("of the issuer's key and another algorithm than the config's is refused", async () => {
    await refused(await rig.issuer.sign(claims()), /alg/, { algorithms: ["ES256", "PS256"] });
    assert.equal((await validate(await rig.issuer.sign(claims()), { algorithms: ["RS256"] })).subject, "ada");
  });

  it("with claims that were changed is refused", async () => {
    const [header, , signature] = (await rig.issuer.sign(claims())).split(".");
    const payload = Buffer.from(JSON.stringify(claims({ email: "ceo@acme.com" }))).toString("base64url");
    await refused([header, payload, signature].join("."), /signature verification failed/);
  });

  it("with demands that nobody here knows is refused", async () => {
    const { kid } = rig.issuer.publicKey();
    const header = { alg: "RS256", kid, crit: ["x"], x: true };
    await refused(unsigned(header, claims(), "AAAA"), /crit|Extension/i);
  });
});

describe("what is no token of an issuer", () => {
  it("is refused without asking anybody", async () => {
    await validate(await rig.issuer.accessToken());
    rig.issuer.forget();
    const foreign = unsigned({ alg: "RS256" }, claims({ iss: "https://evil.example" }), "AAAA");
    const texts = [
      "x",
      "a.b.c",
      "....",
      "gst_api_0123456789",
      foreign,
      unsigned({}, [1]),
      unsigned({ alg: "RS256" }, {}),
    ];
    for (const text of texts) await refused(text, /is of no issuer whose tokens are taken/);
    for (const iss of [1, null, "", "x", ["a"], { a: 1 }, `${rig.issuer.url}.evil.example`, "__proto__"]) {
      await refused(unsigned({ alg: "RS256" }, claims({ iss }), "AAAA"), /is of no issuer whose tokens are taken/);
    }
    for (const path of ["/jwks", "/.well-known/openid-configuration"]) assert.equal(rig.issuer.asked(path), 0);
  });

  it("makes the worker look for new keys no more than twice a minute", async () => {
    await rig.clock(0);
    await validate(await rig.issuer.sign(claims()));
    await rig.clock(35_000);
    rig.issuer.forget();
    const unknown = (kid: number) => unsigned({ alg: "RS256", kid: `unknown-${kid}` }, claims(), "AAAA");
    await Promise.all(Array.from({ length: 20 }, (_, kid) => refused(unknown(kid), /no applicable key/)));
    assert.equal(rig.issuer.asked("/jwks"), 1);
    await rig.clock(70_000);
    await refused(unknown(0), /no applicable key/);
    assert.equal(rig.issuer.asked("/jwks"), 2);
    await rig.clock(0);
  });

  it("does not keep a new key out for longer than that", async () => {
    await validate(await rig.issuer.sign(claims()));
    await rig.issuer.rotateKeys();
    const token = await rig.issuer.sign(claims({ exp: now() + 600 }));
    await rig.clock(200_000);
    assert.equal((await validate(token)).subject, "ada");
    await rig.clock(0);
  });
});

describe("no bearer token is taken", () => {
  it("when no issuer has audiences, which gestaltd takes for no support of them", async () => {
    const token = await rig.issuer.accessToken();
    const { main } = rig.config().issuers as { main: JsonObject };
    const { audiences: _, ...without } = main;
    const client = rig.client({ issuers: { main: without } });
    await refusal(client.validateExternalToken({ token }), Code.Unimplemented, /has audiences/);
  });

  it("of an issuer without audiences, while another has them", async () => {
    const { main } = rig.config().issuers as { main: JsonObject };
    const { audiences: _, ...without } = main;
    const other = { issuer: "https://issuer.invalid", audiences: [AUDIENCE], allow: "anyone" };
    const client = rig.client({ issuers: { main: without, other } });
    const token = await rig.issuer.accessToken();
    await refusal(client.validateExternalToken({ token }), Code.Unauthenticated, /is of no issuer/);
  });
});
