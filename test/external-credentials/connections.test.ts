// What is said of a connection's config before anybody uses it, and the exchange of what a user entered.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { type Auth, oauth, refused, resolving } from "./credentials.ts";
import { describeWithEndpoint } from "./with-endpoint.ts";

const URL_ = "https://auth.example.com/token";

describeWithEndpoint("a connection", (on) => {
  const validate = (mode: string, auth?: Auth) =>
    on.credentials
      .client()
      .validateCredentialConfig({ provider: "github", connection: "default", mode, ...(auth && { auth }) });

  const step = (fields: object) => ({
    tokenExchangeDrivers: [{ type: "oauth2_token_exchange", endpoint: URL_, ...fields }],
  });
  const google = { type: "google_service_account_impersonation", targetPrincipal: "robot@p", scopes: ["cloud"] };
  const platform = { grantType: "client_credentials" };

  const GOOD: readonly [mode: string, auth: Auth | undefined][] = [
    ["none", undefined],
    ["", {}],
    ["user", undefined],
    ["user", { type: "none" }],
    ["user", { type: "bearer" }],
    ["user", { type: "manual" }],
    ["user", { type: "mcp_oauth" }],
    ["user", { type: "manual", tokenUrl: URL_, tokenExchange: "json", accessTokenPath: "$.data.token" }],
    ["user", { type: "oauth2" }],
    ["user", oauth("https://{host}.example.com/{path}/token", { clientAuth: "header", acceptHeader: "text/x; q=1" })],
    ["user", oauth("http://localhost:8080/token", { clientAuth: "none" })],
    ["platform", { type: "bearer", token: "t" }],
    ["platform", { type: "manual" }],
    ["platform", oauth(URL_, platform)],
    ["platform", oauth(URL_, { grantType: "refresh_token", refreshToken: "rt" })],
    ["platform", { ...oauth(URL_, platform), ...step({}) }],
    ["platform", { type: "bearer", token: "t", tokenExchangeDrivers: [google, google] }],
    ["platform", { tokenExchangeDrivers: [{ ...google, params: { sourceAccessToken: "t" } }] }],
  ];
  for (const [mode, auth] of GOOD) {
    it(`of mode "${mode}" is good with ${JSON.stringify(auth)}`, async () => {
      await validate(mode, auth);
    });
  }

  const BAD: readonly [mode: string, auth: Auth, faults: RegExp[]][] = [
    ["user", { type: "s3cr3t" }, [/auth\.type is none of oauth2, mcp_oauth, bearer, manual, none/]],
    ["user", { tokenUrl: "auth.example.com/s3cr3t" }, [/auth\.tokenUrl is not an absolute URL of https/]],
    ["user", { tokenUrl: "ftp://auth.example.com" }, [/auth\.tokenUrl is not/]],
    ["user", { tokenUrl: "http://auth.example.com/" }, [/auth\.tokenUrl must be https/]],
    ["user", { tokenUrl: "http://localhost.example.com/" }, [/auth\.tokenUrl must be https/]],
    ["user", { tokenUrl: "https://user:s3cr3t@example.com" }, [/auth\.tokenUrl holds credentials/]],
    ["user", { clientSecret: "s3cr3t" }, [/auth\.clientId is missing/]],
    ["user", { clientAuth: "s3cr3t" }, [/auth\.clientAuth is none of/]],
    ["user", { tokenExchange: "xml" }, [/auth\.tokenExchange is neither/]],
    ["user", { acceptHeader: "a\r\nauthorization: s3cr3t" }, [/auth\.acceptHeader holds/]],
    ["user", { accessTokenPath: "a..b" }, [/auth\.accessTokenPath has an empty step/]],
    ["user", { tokenParams: { "": "x" } }, [/auth\.tokenParams has/]],
    ["user", { refreshParams: { "": "x" } }, [/auth\.refreshParams has/]],
    ["user", { ...platform, refreshToken: "s3cr3t" }, [/auth\.grantType is for/, /auth\.refreshToken is for/]],
    ["user", step({}), [/tokenExchangeDrivers is for connections of mode platform only/]],
    ["platform", {}, [/auth\.type of a platform connection must be/]],
    ["platform", { type: "bearer" }, [/auth\.token is missing/]],
    [
      "platform",
      { type: "oauth2", grantType: "password" },
      [/grantType must be/, /tokenUrl is/, /clientId is/, /clientSecret is/],
    ],
    ["platform", oauth(URL_, { grantType: "refresh_token" }), [/auth\.refreshToken is missing/]],
    [
      "platform",
      oauth(URL_, { ...platform, refreshToken: "s3cr3t" }),
      [/auth\.refreshToken is for grantType refresh_token/],
    ],
    ["platform", step({ type: "s3cr3t" }), [/tokenExchangeDrivers\[0\]\.type is none of google_service_account/]],
    ["platform", step({ endpoint: "" }), [/\[0\]\.endpoint is missing/, /\[0\]\.params\.sourceAccessToken is missing/]],
    ["platform", step({ endpoint: "http://s3cr3t" }), [/\[0\]\.endpoint must be https/]],
    ["platform", step({ lifetimeSeconds: -1 }), [/\[0\]\.lifetimeSeconds is not from 0 to 43200/]],
    [
      "platform",
      { tokenExchangeDrivers: [{ type: "google_service_account_impersonation" }] },
      [/targetPrincipal is missing/, /scopes is empty/, /a Worker has no default credentials of Google's/],
    ],
  ];
  for (const [mode, auth, faults] of BAD) {
    it(`of mode "${mode}" hears of every fault of ${JSON.stringify(auth)}`, async () => {
      for (const fault of faults) {
        await assert.rejects(validate(mode, auth), refused(Code.InvalidArgument, fault));
      }
      await assert.rejects(
        validate(mode, auth),
        refused(Code.InvalidArgument, /^The connection github\/default cannot/),
      );
      if (mode !== "user") return;
      const asking = on.credentials.client().resolveCredential(resolving(auth));
      await assert.rejects(asking, refused(Code.InvalidArgument, faults[0]));
    });
  }

  describe("whose users enter something", () => {
    const exchange = (auth: Auth | undefined, credentialJson: string, connectionParams = {}) =>
      on.credentials.client().exchangeCredential({
        ...{ provider: "p", connection: "default", connectionId: "p:default", credentialSubjectId: "user:ada" },
        ...{ credentialJson, connectionParams, ...(auth && { auth }) },
      });
    const manual = (more: Auth = {}): Auth => ({ type: "manual", tokenUrl: on.endpoint.url, ...more });
    const ENTERED = '{"api_key":"entered-s3cr3t","account":"ada"}';

    it("has it exchanged for tokens", async () => {
      on.endpoint.give({
        access_token: "at-1",
        expires_in: "3600",
        token_type: "Session",
        scope: "x",
        instance_url: "https://x",
      });
      const { tokenResponse } = await exchange(
        manual({ tokenParams: { kind: "session", account: "config" } }),
        ENTERED,
      );
      const { extraJson, ...rest } = tokenResponse ?? {};
      assert.deepEqual(
        { ...rest, $typeName: "" },
        {
          ...{ $typeName: "", accessToken: "at-1", refreshToken: "", expiresIn: 3600, tokenType: "Session" },
          refreshSource: ENTERED,
        },
      );
      assert.equal(JSON.parse(extraJson ?? "").instance_url, "https://x");
      assert.deepEqual(on.endpoint.asked[0]?.form, { kind: "session", api_key: "entered-s3cr3t", account: "ada" });
    });

    it("has it sent as the config says", async () => {
      on.endpoint.give({ data: { token: "at-1" }, refresh_token: "rt-1" });
      const auth = manual({
        ...{
          tokenUrl: on.endpoint.url.replace("/token", "/{region}"),
          tokenExchange: "json",
          accessTokenPath: "data.token",
        },
        ...{ clientId: "c", clientSecret: "s", clientAuth: "header" },
      });
      const { tokenResponse } = await exchange(auth, ENTERED, { region: "eu" });
      assert.deepEqual([tokenResponse?.accessToken, tokenResponse?.refreshToken], ["at-1", "rt-1"]);
      const [asked] = on.endpoint.asked;
      assert.deepEqual([asked?.path, asked?.headers.authorization], ["/eu", `Basic ${btoa("c:s")}`]);
      assert.deepEqual(JSON.parse(asked?.body ?? ""), { api_key: "entered-s3cr3t", account: "ada" });
    });

    it("has it stored as it is when there is nobody to ask", async () => {
      assert.equal((await exchange({ type: "manual" }, "anything")).tokenResponse, undefined);
      assert.equal((await exchange(undefined, "")).tokenResponse, undefined);
    });

    it("hears that it was refused, or that it is nothing to exchange", async () => {
      on.endpoint.answer(({ body }) => ({ status: 401, body: { message: `no: ${body}` } }));
      await assert.rejects(
        exchange(manual(), ENTERED),
        refused(Code.InvalidArgument, /could not be exchanged: .* answered 401/),
      );
      on.endpoint.answer(() => ({ status: 429, body: "" }));
      await assert.rejects(exchange(manual(), ENTERED), refused(Code.Unavailable, /answered 429/));
      on.endpoint.answer(() => ({ status: 404, body: "" }));
      await assert.rejects(exchange(manual(), ENTERED), refused(Code.FailedPrecondition, /answered 404/));
      on.endpoint.answer(() => ({ body: undefined }));
      await assert.rejects(exchange(manual(), ENTERED), refused(Code.Unavailable, /could not be reached/));
      on.endpoint.give({ access_token: "at" });
      for (const nothing of [
        "",
        "s3cr3t",
        "[]",
        "{}",
        "null",
        '"x"',
        '{"a":1}',
        '{"a":{"b":"c"}}',
        "{".repeat(10_000),
      ]) {
        const asking = exchange(manual(), nothing);
        await assert.rejects(asking, refused(Code.InvalidArgument, /credential_json is not a JSON object of texts/));
      }
      assert.equal(on.endpoint.asked.length, 0);
      const proto = await exchange(manual(), '{"__proto__":"x","constructor":"y"}');
      assert.equal(proto.tokenResponse?.accessToken, "at");
      assert.equal(on.endpoint.asked[0]?.body, "__proto__=x&constructor=y");
    });
  });
});
