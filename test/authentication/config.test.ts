// The config of the ready-made provider: what is refused, and in which words; what gestaltd is told of sessions and issuers.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import type { JsonObject, JsonValue } from "../../src/wire/session-token.ts";
import type { TokenClaims } from "../support/worker-harness.ts";
import { refusal } from "./host.ts";
import { CLIENT_SECRET } from "./issuer.ts";
import { rigged, startOidcWorker } from "./rig.ts";

const rig = rigged();

const configure = (config: JsonObject, claims: TokenClaims = {}) =>
  rig.worker
    .client(ProviderLifecycle, { config, sid: crypto.randomUUID(), ...claims })
    .configureProvider({ name: "login", protocolVersion: 3 });

const MAIN = { issuer: "https://issuer.invalid", clientId: "gestalt", allow: "anyone" };
const without = (key: string) => Object.fromEntries(Object.entries(MAIN).filter(([name]) => name !== key));

describe("a config", () => {
  const WRONG_ISSUERS: [what: string, main: JsonObject, text: RegExp][] = [
    ["no issuer", without("issuer"), /issuers\.main\.issuer/],
    ["no rules", without("allow"), /issuers\.main\.allow: must be \{domains: \[…\], emails: \[…\]\}/],
    ["empty rules", { ...MAIN, allow: {} }, /issuers\.main\.allow/],
    ["empty lists", { ...MAIN, allow: { domains: [], emails: [] } }, /issuers\.main\.allow/],
    ["another word for everybody", { ...MAIN, allow: "everyone" }, /issuers\.main\.allow/],
    ["a rule that is no domain", { ...MAIN, allow: { domains: ["@acme.com"] } }, /issuers\.main\.allow/],
    ["a rule that is no address", { ...MAIN, allow: { emails: ["acme.com"] } }, /issuers\.main\.allow/],
    ["an unknown rule", { ...MAIN, allow: { domains: ["a.b"], groups: ["x"] } }, /issuers\.main\.allow/],
    ["an unknown key", { ...MAIN, colour: "red" }, /unknown key colour; known are issuer, clientId/],
    ["neither client nor audience", without("clientId"), /neither a clientId, .* nor audiences/],
    [
      "a secret without a client",
      { ...without("clientId"), audiences: ["x"], clientSecret: "OIDC_SECRET" },
      /no clientId/,
    ],
    ["the secret itself", { ...MAIN, clientSecret: "GOCSPX-s3cret" }, /never the secret itself/],
    ["a secret like a name", { ...MAIN, clientSecret: "s3cretLikeAName" }, /that begins with OIDC_, such as/],
    ["a secret of gestalt-edge", { ...MAIN, clientSecret: "GESTALT_EDGE_LOGIN_SECRET" }, /begins with OIDC_/],
    ["a secret that is not there", { ...MAIN, clientSecret: "OIDC_MISSING" }, /no secret OIDC_MISSING\. Set it with/],
    [
      "an unknown way to send it",
      { ...MAIN, clientAuthentication: "jwt" },
      /clientAuthentication: must be basic or post/,
    ],
    ["a scope of two", { ...MAIN, scopes: ["email profile"] }, /scopes\[0\]: must be one scope/],
    ["a parameter of ours", { ...MAIN, parameters: { redirect_uri: "x" } }, /parameters/],
    ["a nonce of its own", { ...MAIN, parameters: { nonce: "x" } }, /parameters/],
    ["no audience", { ...MAIN, audiences: [] }, /audiences: is empty/],
    ["an algorithm without a key", { ...MAIN, algorithms: ["none"] }, /algorithms\[0\]: must be among RS256/],
    ["an algorithm of secrets", { ...MAIN, algorithms: ["RS256", "HS256"] }, /algorithms\[1\]: must be among RS256/],
    ["no algorithm", { ...MAIN, algorithms: [] }, /algorithms: is empty/],
    ["an issuer of plain http", { ...MAIN, issuer: "http://issuer.invalid" }, /issuer: must be a URL of https/],
    ["an issuer with a query", { ...MAIN, issuer: "https://issuer.invalid/?x" }, /issuer: must be a URL of https/],
    ["an issuer with a password", { ...MAIN, issuer: "https://a:b@issuer.invalid" }, /issuer: must be a URL of https/],
    ["an issuer that is none", { ...MAIN, issuer: "issuer" }, /issuer: must be a URL of https/],
    ["a number for an issuer", { ...MAIN, issuer: 1 }, /issuer: must be a URL/],
  ];
  for (const [what, main, text] of WRONG_ISSUERS) {
    it(`with ${what} is refused`, async () => {
      const code = /OIDC_MISSING/.test(JSON.stringify(main)) ? Code.FailedPrecondition : Code.InvalidArgument;
      const secrets = ["GOCSPX", "s3cretLikeAName", "a:b@"];
      await refusal(configure({ issuers: { main } }), code, text, secrets);
    });
  }

  const OTHER = { ...MAIN, issuer: "https://other.invalid" };
  const WRONG: [what: string, config: JsonObject, text: RegExp][] = [
    ["no issuers", {}, /There is no issuer\. Name one/],
    ["empty issuers", { issuers: {} }, /There is no issuer\. Name one/],
    ["a list of issuers", { issuers: [MAIN] as unknown as JsonValue }, /issuers: must be a map/],
    ["an odd name", { issuers: { "a b": MAIN } }, /issuers/],
    ["two to choose from", { issuers: { main: MAIN, other: OTHER } }, /say which issuer signs people in: main, other/],
    ["another one chosen", { issuers: { main: MAIN }, login: "x" }, /login: "x" is no issuer with a clientId/],
    [
      "one chosen that has no client",
      { issuers: { main: MAIN, other: { ...without("clientId"), audiences: ["x"] } }, login: "other" },
      /login: "other" is no issuer with a clientId/,
    ],
    [
      "audiences twice for one issuer",
      { issuers: { main: { ...MAIN, audiences: ["a"] }, other: { ...MAIN, audiences: ["b"] } }, login: "main" },
      /two of https:\/\/issuer\.invalid\/ have audiences/,
    ],
    ["a session of no time", { issuers: { main: MAIN }, sessionTtlSeconds: 0 }, /sessionTtlSeconds: must be a whole/],
    ["a session of ages", { issuers: { main: MAIN }, sessionTtlSeconds: 1e9 }, /sessionTtlSeconds: must be a whole/],
    ["half a second", { issuers: { main: MAIN }, loginTtlSeconds: 0.5 }, /loginTtlSeconds: must be a whole/],
    ["an hour to sign in", { issuers: { main: MAIN }, loginTtlSeconds: 3600 }, /loginTtlSeconds: must be .* 600/],
    ["an hour between clocks", { issuers: { main: MAIN }, clockToleranceSeconds: 3600 }, /is over 300/],
    ["clocks that run back", { issuers: { main: MAIN }, clockToleranceSeconds: -1 }, /is below 0/],
    ["endless patience", { issuers: { main: MAIN }, timeoutSeconds: 60 }, /timeoutSeconds: must be .* from 1 to 25/],
    ["an unknown key", { issuers: { main: MAIN }, colour: 1 }, /unknown key colour; known are issuers, login/],
  ];
  for (const [what, config, text] of WRONG) {
    it(`with ${what} is refused`, () => refusal(configure(config), Code.InvalidArgument, text).then(() => undefined));
  }

  it("has a schema that makes gestaltd print no secret that stands in the wrong place", async () => {
    const { providers } = await rig.worker.client(WorkerService).describe({});
    const schema = providers.find(({ name }) => name === "oidc")?.configSchema ?? "";
    const [, clientSecret = ""] = /"clientSecret":(\{[^}]*\})/.exec(schema) ?? [];
    assert.deepEqual(JSON.parse(clientSecret), { type: "string" });
  });

  it("needs the worker's secret for sign-ins, and none for bearer tokens alone", async () => {
    for (const secret of [undefined, "too short", ""]) {
      const worker = await startOidcWorker([], { GESTALT_EDGE_LOGIN_SECRET: secret });
      try {
        const ask = (config: JsonObject) =>
          worker.client(ProviderLifecycle, { config }).configureProvider({ name: "login", protocolVersion: 3 });
        const text = /need the Worker secret GESTALT_EDGE_LOGIN_SECRET, at least 32 random bytes\. Set it with:/;
        await refusal(ask({ issuers: { main: MAIN } }), Code.FailedPrecondition, text);
        await ask({ issuers: { main: { ...without("clientId"), audiences: ["x"] } } });
      } finally {
        await worker.dispose();
      }
    }
  });

  it("goes over what the worker's code says, whose secrets may have any name", async () => {
    await refusal(configure({}, { provider: "coded" }), Code.FailedPrecondition, /no secret ACME_SECRET/);
    await configure({ issuers: { main: MAIN } }, { provider: "coded" });
    const config = { issuers: { main: { ...MAIN, clientSecret: "ACME_SECRET" } } };
    await refusal(configure(config, { provider: "coded" }), Code.InvalidArgument, /begins with OIDC_/);
  });
});

describe("gestaltd is told", () => {
  const settings = async (config: JsonObject, claims: TokenClaims = {}) =>
    rig.worker.client(AuthenticationProvider, { config, sid: crypto.randomUUID(), ...claims }).getSessionSettings({});

  it("how long a sign-in lasts", async () => {
    assert.equal((await settings(rig.config({}, { sessionTtlSeconds: 28_800 }))).sessionTtlSeconds, 28_800n);
    assert.equal((await settings(rig.config())).sessionTtlSeconds, 0n);
    assert.equal((await settings({ issuers: { main: MAIN } }, { provider: "coded" })).sessionTtlSeconds, 3600n);
  });

  it("of issuers that do not answer, and of no secret", async () => {
    const issuers = { ...(rig.config().issuers as JsonObject), gone: { ...MAIN, issuer: "http://127.0.0.1:1" } };
    const config = { issuers, login: "main" };
    const { warnings } = await rig.worker.client(ProviderLifecycle, { config }).getProviderIdentity({});
    assert.deepEqual(warnings, ['"gone": the discovery document cannot be reached. Try again.']);
    assert.ok(!rig.log.join("\n").includes(CLIENT_SECRET));
  });

  it("nothing of that when all is well", async () => {
    const { warnings } = await rig.worker.client(ProviderLifecycle, { config: rig.config() }).getProviderIdentity({});
    assert.deepEqual(warnings, []);
  });
});
