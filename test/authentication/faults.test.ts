// Issuers that are slow, busy, broken, or have changed their keys; and clocks that differ.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { generateKeyPair, SignJWT } from "jose";
import type { JsonObject } from "../../src/wire/session-token.ts";
import { until } from "../support/bridge-process.ts";
import { loginUrl, refusal } from "./host.ts";
import { AUDIENCE, CLIENT_SECRET, silence } from "./issuer.ts";
import { rigged } from "./rig.ts";

const DISCOVERY = "/.well-known/openid-configuration";

const rig = rigged();

describe("a token endpoint", () => {
  const fails = async (answer: () => Response, code: Code, text: RegExp) => {
    const client = rig.client();
    const redirect = await rig.redirect(client);
    rig.issuer.forget();
    rig.issuer.answer("/token", answer);
    const { code: authorizationCode = "" } = redirect.query;
    const secrets = [authorizationCode, CLIENT_SECRET];
    const { message } = await refusal(client.completeLogin(redirect), code, text, secrets);
    rig.issuer.answer("/token", undefined);
    assert.equal(rig.issuer.asked("/token"), 1, "a code is taken once: nothing may be tried again");
    return message;
  };

  it("that is slow is given up in time", async () => {
    const client = rig.client(rig.config({}, { timeoutSeconds: 1 }));
    const redirect = await rig.redirect(client);
    const { answer, gone } = silence();
    rig.issuer.answer("/token", answer);
    const call = client.completeLogin(redirect);
    await refusal(call, Code.Unavailable, /"main": the token endpoint did not answer within 1 s\. Try again\./);
    await gone;
    rig.issuer.answer("/token", undefined);
  });

  it("that is slow is left when the caller's deadline passes", async () => {
    const client = rig.client();
    const redirect = await rig.redirect(client);
    const { answer, gone } = silence();
    rig.issuer.answer("/token", answer);
    await refusal(client.completeLogin(redirect, { timeoutMs: 300 }), Code.DeadlineExceeded, /./);
    await gone;
    rig.issuer.answer("/token", undefined);
  });

  it("that is busy or broken says so", async () => {
    await fails(() => new Response("slow down", { status: 429 }), Code.Unavailable, /asks for fewer requests \(429\)/);
    await fails(() => Response.json({ error: "x" }, { status: 500 }), Code.Unavailable, /endpoint failed \(500\)/);
    await fails(() => new Response("", { status: 503 }), Code.Unavailable, /endpoint failed \(503\)/);
  });

  it("that answers with something else says so", async () => {
    const notAcceptable = /the token endpoint is not acceptable/;
    await fails(
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      Code.Unauthenticated,
      notAcceptable,
    );
    await fails(
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      Code.Unauthenticated,
      notAcceptable,
    );
    await fails(() => Response.json([]), Code.Unauthenticated, notAcceptable);
    await fails(() => Response.json({ access_token: 1 }), Code.Unauthenticated, notAcceptable);
    await fails(() => new Response(null, { status: 302 }), Code.Unauthenticated, notAcceptable);
    await fails(() => new Response(null, { status: 204 }), Code.Unauthenticated, notAcceptable);
    await fails(() => new Response(" ".repeat(600_000)), Code.Unavailable, /more than 524288 bytes/);
  });

  it("that does not know the client says so", async () => {
    const text = /does not accept the client; compare clientId and clientSecret/;
    await fails(() => Response.json({ error: "invalid_client" }, { status: 401 }), Code.FailedPrecondition, text);
    await fails(() => Response.json({ error: "invalid_client" }, { status: 400 }), Code.FailedPrecondition, text);
    const config = rig.config({ clientSecret: "OIDC_WRONG_SECRET" });
    await refusal(rig.redirect(rig.client(config)), Code.FailedPrecondition, /no secret OIDC_WRONG_SECRET/);
  });

  it("may say why, but nothing that was a secret", async () => {
    const refuse = (error: string, error_description: string) => () =>
      Response.json({ error, error_description }, { status: 400 });
    const told = await fails(
      refuse("invalid_request", "redirect_uri\r\nmismatch \u001b[31m"),
      Code.FailedPrecondition,
      /\(invalid_request/,
    );
    assert.match(told, /\(invalid_request: redirect_uri mismatch +\[31m\)/);
    const kept = await fails(
      refuse("invalid_client", `bad secret ${CLIENT_SECRET}`),
      Code.FailedPrecondition,
      /\(invalid_client\)/,
    );
    assert.doesNotMatch(kept, /bad secret/);
    await fails(refuse("x\ny", "…"), Code.FailedPrecondition, /\(unnamed error/);
    const long = await fails(refuse("invalid_grant", "x".repeat(100_000)), Code.Unauthenticated, /invalid_grant/);
    assert.ok(long.length < 600);
  });
});

describe("a discovery document", () => {
  let tenants = 0;

  /** An issuer that the worker has not heard of before, whose document is `answer`. */
  const tenant = (answer: (url: string) => Response | Promise<Response>) => {
    const path = `/tenant-${tenants++}`;
    const url = rig.issuer.url + path;
    rig.issuer.answer(path + DISCOVERY, () => answer(url));
    return { path: path + DISCOVERY, client: rig.client(rig.config({ issuer: url })) };
  };
  const document = (url: string, members: object = {}) =>
    Response.json({ issuer: url, authorization_endpoint: `${url}/auth`, ...members });

  it("is asked for again when the issuer is busy", async () => {
    let asked = 0;
    const statuses = [429, 503];
    const { client } = tenant((url) => {
      const status = statuses[asked++];
      return status === undefined ? document(url) : new Response("", { status });
    });
    assert.match(await loginUrl(client), /\/tenant-\d+\/auth\?/);
    assert.equal(asked, 3);
  });

  it("is given up after a while", async () => {
    const { client, path } = tenant(() => new Response("", { status: 500 }));
    await refusal(loginUrl(client), Code.Unavailable, /"main": the discovery document failed \(500\)\. Try again\./);
    assert.equal(rig.issuer.asked(path), 3);
  });

  it("must be the issuer's own", async () => {
    const { client } = tenant(() => document("https://evil.example"));
    await refusal(loginUrl(client), Code.FailedPrecondition, /discovery document is not acceptable: .*"issuer"/);
  });

  it("must be one", async () => {
    for (const answer of [
      () => new Response("", { status: 404 }),
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      () => Response.json([]),
      () => Response.json({ issuer: 1 }),
      () => new Response(null, { status: 301 }),
    ]) {
      await refusal(loginUrl(tenant(answer).client), Code.FailedPrecondition, /discovery document is not acceptable/);
    }
  });

  it("must have endpoints", async () => {
    for (const endpoint of [undefined, "", "javascript:alert(1)", "ftp://x", "/auth"]) {
      const { client } = tenant((url) => document(url, { authorization_endpoint: endpoint }));
      await refusal(loginUrl(client), Code.FailedPrecondition, /authorization endpoint is no URL of https/);
    }
  });

  it("of a host that is not there leads to a sentence", async () => {
    const client = rig.client(rig.config({ issuer: "http://127.0.0.1:1" }));
    await refusal(loginUrl(client), Code.Unavailable, /"main": the discovery document cannot be reached\. Try again\./);
  });

  it("that cannot be had is no session's business but its own", async () => {
    const path = "/shared";
    const release = Promise.withResolvers<void>();
    rig.issuer.answer(path + DISCOVERY, async () => {
      await release.promise;
      return new Response("", { status: 404 });
    });
    const { main = {} } = rig.config({ issuer: rig.issuer.url + path }).issuers as JsonObject;
    const fails = ["first", "second"].map((name) =>
      refusal(loginUrl(rig.client({ issuers: { [name]: main } })), Code.FailedPrecondition, new RegExp(`^"${name}": `)),
    );
    // Both wait before either is answered.
    await until(() => rig.issuer.asked(path + DISCOVERY) === 2, "both have asked");
    release.resolve();
    await Promise.all(fails);
  });

  it("that is slow keeps nobody waiting beyond its time, and is asked for once", async () => {
    const { answer } = silence();
    const path = "/slow";
    rig.issuer.answer(path + DISCOVERY, answer);
    const client = rig.client(rig.config({ issuer: rig.issuer.url + path }, { timeoutSeconds: 1 }));
    await refusal(loginUrl(client), Code.Unavailable, /did not answer within 1 s/);
    assert.equal(rig.issuer.asked(path + DISCOVERY), 1);
  });

  it("is used for an hour when there is no other", async () => {
    let answer = () => document(`${rig.issuer.url}/${name}`);
    const name = `tenant-${tenants}`;
    const { client, path } = tenant(() => answer());
    await loginUrl(client);
    answer = () => new Response("", { status: 500 });
    await rig.clock(59 * 60_000);
    await loginUrl(client);
    assert.equal(rig.issuer.asked(path), 4);
    await rig.clock(61 * 60_000);
    await refusal(loginUrl(client), Code.Unavailable, /failed \(500\)/);
    await rig.clock(0);
  });
});

describe("a key set", () => {
  const serves = (keys: () => Response) => rig.issuer.answer("/jwks", keys);
  const broken = () => new Response("", { status: 503 });
  /** Later than a key set is fresh, sooner than it is of no use. The state of a sign-in is older then than it may be. */
  const LATER_MS = 11 * 60_000;

  it("is fetched again when somebody signs in with a key it lacks", async () => {
    await rig.signIn(rig.client());
    for (let rotations = 0; rotations < 2; rotations++) {
      await rig.issuer.rotateKeys();
      rig.issuer.forget();
      assert.equal((await rig.signIn(rig.client())).subject, "ada");
      assert.equal(rig.issuer.asked("/jwks"), 1);
    }
  });

  it("that cannot be fetched again serves as it is", async () => {
    await rig.signIn(rig.client());
    await rig.clock(LATER_MS);
    rig.forgeIdTokens((claims) => rig.issuer.sign({ ...claims, exp: Number(claims.exp) + LATER_MS / 1000 }));
    serves(broken);
    assert.equal((await rig.signIn(rig.client())).subject, "ada");
    await rig.issuer.rotateKeys();
    await refusal(rig.signIn(rig.client()), Code.Unauthenticated, /ID token is not acceptable: no applicable key/);
    rig.issuer.answer("/jwks", undefined);
    assert.equal((await rig.signIn(rig.client())).subject, "ada");
    rig.issuer.answer("/token", undefined);
    await rig.clock(0);
  });

  it("that cannot be fetched again is asked for at most every 30 s", async () => {
    const validate = (exp: number) =>
      rig.issuer
        .sign({ iss: rig.issuer.url, aud: AUDIENCE, sub: "ada", exp, email: "ada@acme.com", email_verified: true })
        .then((token) => rig.client().validateExternalToken({ token }));
    const exp = Date.now() / 1000 + 3600;
    await rig.clock(2 * LATER_MS);
    await validate(exp);
    await rig.clock(3 * LATER_MS);
    serves(broken);
    rig.issuer.forget();
    for (let times = 0; times < 5; times++) assert.equal((await validate(exp)).subject, "ada");
    assert.equal(rig.issuer.asked("/jwks"), 3, "one fetch, with its tries");
    const { privateKey } = await generateKeyPair("RS256");
    const unknown = new SignJWT({ iss: rig.issuer.url, aud: AUDIENCE, sub: "ada", exp });
    const token = await unknown.setProtectedHeader({ alg: "RS256", kid: "unknown" }).sign(privateKey);
    for (let times = 0; times < 5; times++) {
      await refusal(rig.client().validateExternalToken({ token }), Code.Unauthenticated, /no applicable key/);
    }
    assert.equal(rig.issuer.asked("/jwks"), 3, "nobody's tokens make the worker press an issuer that is down");
    await rig.clock(3 * LATER_MS + 31_000);
    await validate(exp);
    assert.equal(rig.issuer.asked("/jwks"), 6);
    rig.issuer.answer("/jwks", undefined);
    await rig.clock(0);
  });

  it("that no longer has a key ends what it signed, once the set is fetched again", async () => {
    const exp = Date.now() / 1000 + 7200;
    const claims = { iss: rig.issuer.url, aud: AUDIENCE, sub: "ada", exp, email: "ada@acme.com", email_verified: true };
    await rig.clock(5 * LATER_MS);
    const token = await rig.issuer.sign(claims);
    const validate = () => rig.client().validateExternalToken({ token });
    assert.equal((await validate()).subject, "ada");
    await rig.issuer.rotateKeys();
    assert.equal((await validate()).subject, "ada", "what is kept is not asked for again within ten minutes");
    await rig.clock(6 * LATER_MS);
    await refusal(validate(), Code.Unauthenticated, /no applicable key/);
    // A new key in use brings the set up to date at once, and the old one is gone with it.
    const before = await rig.issuer.sign(claims);
    assert.equal((await rig.client().validateExternalToken({ token: before })).subject, "ada");
    await rig.issuer.rotateKeys();
    await rig.clock(6 * LATER_MS + 31_000);
    const after = await rig.issuer.sign(claims);
    assert.equal((await rig.client().validateExternalToken({ token: after })).subject, "ada");
    await refusal(rig.client().validateExternalToken({ token: before }), Code.Unauthenticated, /no applicable key/);
    await rig.clock(0);
  });

  it("must be one", async () => {
    for (const [index, answer] of [
      () => new Response("", { status: 404 }),
      () => new Response(null, { status: 302, headers: { location: `${rig.issuer.url}/jwks` } }),
      () => Response.json({ keys: 1 }),
      () => Response.json({ keys: [1] }),
      () => new Response("{"),
    ].entries()) {
      // An issuer of its own for each, so that there is none of before.
      const path = `/keys-${index}`;
      rig.issuer.answer(path + DISCOVERY, () =>
        Response.json({ issuer: rig.issuer.url + path, jwks_uri: `${rig.issuer.url}${path}/jwks` }),
      );
      rig.issuer.answer(`${path}/jwks`, answer);
      const client = rig.client(rig.config({ issuer: rig.issuer.url + path }));
      const iss = rig.issuer.url + path;
      const token = await rig.issuer.sign({ iss, aud: AUDIENCE, sub: "x", exp: Date.now() / 1000 + 60 });
      await refusal(
        client.validateExternalToken({ token }),
        Code.FailedPrecondition,
        /"main": the key set is none \(\d+\)/,
      );
    }
  });
});

describe("clocks of issuer and worker", () => {
  // ID tokens of this issuer are good for ten minutes, and the tolerance is half a minute.
  for (const [seconds, fits] of [
    [-3600, true],
    [620, true],
    [640, false],
  ] as const) {
    it(`${fits ? "may" : "may not"} differ by ${seconds} s`, async () => {
      await rig.clock(seconds * 1000);
      const user = rig.signIn(rig.client());
      if (fits) assert.equal((await user).subject, "ada");
      else await refusal(user, Code.Unauthenticated, /not acceptable: .*exp/);
      await rig.clock(0);
    });
  }
});
