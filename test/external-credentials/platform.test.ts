// Tokens of platform connections: fixed ones, those a client gets for itself, refresh tokens of the config, and steps from one to
// another.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { type Auth, oauth, refused, resolvingPlatform, secondsFrom } from "./credentials.ts";
import { describeWithEndpoint } from "./with-endpoint.ts";

describeWithEndpoint("a platform connection's token", (on) => {
  const resolve = (store: string, auth: Auth, fields = {}) =>
    on.credentials.client({ store }).resolveCredential(resolvingPlatform(auth, fields));
  const client = (more: Auth = {}) => oauth(on.endpoint.url, { grantType: "client_credentials", ...more });
  const refreshing = (more: Auth = {}) =>
    oauth(on.endpoint.url, { grantType: "refresh_token", refreshToken: "rt-config", ...more });

  it("is the config's own where it has one", async () => {
    const connectionParams = { baseUrl: "https://models.example.com" };
    for (const type of ["bearer", "manual"]) {
      const resolved = await resolve(
        "fixed",
        { type, token: " at-fixed ", tokenPrefix: "Token " },
        { connectionParams },
      );
      assert.equal(resolved.token, "at-fixed");
      assert.deepEqual(
        [resolved.params, resolved.credential, resolved.expiresAt],
        [connectionParams, undefined, undefined],
      );
    }
    assert.equal((await resolve("fixed", { type: "manual", token: "{}" })).token, "{}");
    await assert.rejects(resolve("fixed", { type: "manual" }), refused(Code.FailedPrecondition, /auth\.token/));
    assert.deepEqual(await on.credentials.rows("fixed"), [], "what the config has need not be stored");
  });

  it("is asked for by the client itself, and kept until shortly before its end", async () => {
    on.endpoint.give({ access_token: "at-1", expires_in: 3600 });
    const auth = client({
      scopes: ["a", "b"],
      scopeParam: "scopes",
      scopeSeparator: ",",
      tokenParams: { audience: "x" },
    });
    const first = await resolve("client", auth);
    assert.equal(first.token, "at-1");
    assert.equal(secondsFrom(await on.credentials.control<number>("now"), first.expiresAt), 3600);
    assert.deepEqual(on.endpoint.asked[0]?.form, {
      ...{ grant_type: "client_credentials", scopes: "a,b", audience: "x" },
      ...{ client_id: "client-1", client_secret: "cs-s3cr3t" },
    });
    assert.equal((await resolve("client", auth)).token, "at-1");
    await on.credentials.control("restart", "client");
    assert.equal((await resolve("client", auth)).token, "at-1");
    assert.equal(on.endpoint.asked.length, 1);
    on.endpoint.give({ access_token: "at-2", expires_in: 3600 });
    await on.credentials.advance(3301_000);
    assert.equal((await resolve("client", auth)).token, "at-2");
  });

  it("is asked for once, however many want it, and never shown as a credential", async () => {
    const held = on.endpoint.hold(() => ({ body: { access_token: "at-1", token_type: "bearer", expires_in: 60 } }));
    const callers = Array.from({ length: 50 }, () => resolve("many", client()));
    await held.arrived;
    held.release();
    assert.deepEqual(new Set((await Promise.all(callers)).map(({ token }) => token)), new Set(["at-1"]));
    assert.equal(on.endpoint.asked.length, 1);
    const own = on.credentials.client({ store: "many" });
    assert.deepEqual((await own.listCredentials({})).credentials, []);
    assert.deepEqual((await own.listCredentials({ connectionId: "models:default" })).credentials, []);
    for (const { id } of await on.credentials.rows("many")) {
      await assert.rejects(own.deleteCredential({ id: String(id) }), refused(Code.NotFound));
    }
    const lookup = { subjectId: "", connectionId: "models:default", instance: "" };
    await assert.rejects(own.getCredential({ lookup }), refused(Code.InvalidArgument));
  });

  it("is another one for another config", async () => {
    on.endpoint.answer(({ form }) => ({
      body: { access_token: `at-${form.client_id}-${form.scope ?? ""}`, expires_in: 60 },
    }));
    const configs = [
      client(),
      client({ clientId: "client-2" }),
      client({ scopes: ["a"] }),
      client({ clientSecret: "x" }),
    ];
    for (const auth of [...configs, ...configs]) await resolve("configs", auth);
    assert.equal(on.endpoint.asked.length, configs.length);
    await resolve("configs", client(), { connectionId: "models:other" });
    assert.equal(on.endpoint.asked.length, configs.length + 1);
  });

  it("is asked for again soon when nobody says how long it lives", async () => {
    on.endpoint.give({ access_token: "at-1" });
    const { expiresAt } = await resolve("unstated", client());
    assert.equal(expiresAt, undefined);
    await resolve("unstated", client());
    assert.equal(on.endpoint.asked.length, 1);
    await on.credentials.advance(5 * 60_000);
    await resolve("unstated", client());
    assert.equal(on.endpoint.asked.length, 2);
  });

  it("keeps the refresh token that replaced the config's, until the config has a new one", async () => {
    on.endpoint.answer(({ form }) => {
      const generation = Number(/\d+$/.exec(form.refresh_token ?? "")?.[0] ?? 0) + 1;
      return { body: { access_token: `at-${generation}`, refresh_token: `rt-${generation}`, expires_in: 3600 } };
    });
    for (const generation of [1, 2, 3]) {
      assert.equal((await resolve("rotating", refreshing())).token, `at-${generation}`);
      await on.credentials.advance(3600_000);
      await on.credentials.control("restart", "rotating");
    }
    assert.deepEqual(
      on.endpoint.asked.map(({ form }) => form.refresh_token),
      ["rt-config", "rt-1", "rt-2"],
    );
    assert.equal((await resolve("rotating", refreshing({ refreshToken: "rt-new" }))).token, "at-1");
  });

  it("falls back to the config's refresh token when the one that came for it is refused", async () => {
    on.endpoint.give({ access_token: "at-1", refresh_token: "rt-1", expires_in: 60 });
    await resolve("fallback", refreshing());
    await on.credentials.advance(60_000);
    on.endpoint.answer(({ form }) =>
      form.refresh_token === "rt-config"
        ? { body: { access_token: "at-2", expires_in: 60 } }
        : { status: 400, body: { error: "invalid_grant" } },
    );
    assert.equal((await resolve("fallback", refreshing())).token, "at-2");
    await on.credentials.advance(60_000);
    on.endpoint.answer(() => ({ status: 400, body: { error: "invalid_grant" } }));
    const why = refused(Code.FailedPrecondition, /400 invalid_grant\. Check the connection's config/);
    await assert.rejects(resolve("fallback", refreshing()), why);
  });

  it("is not served when the endpoint fails, and nobody is told to connect", async () => {
    on.endpoint.answer(() => ({ status: 503, body: "s3cr3t" }));
    await assert.rejects(resolve("failing", client()), refused(Code.Unavailable, /answered 503/));
    await assert.rejects(resolve("failing", client()), refused(Code.Unavailable, /answered 503/));
    assert.equal(on.endpoint.asked.length, 1);
    on.endpoint.answer(() => ({ status: 401, body: { error: "invalid_client" } }));
    await on.credentials.advance(1_000);
    await assert.rejects(resolve("failing", client()), refused(Code.FailedPrecondition, /401 invalid_client/));
    on.endpoint.give({ access_token: "at-1", expires_in: 60 });
    await on.credentials.advance(2_000);
    assert.equal((await resolve("failing", client())).token, "at-1");
  });

  it("is forgotten when nobody has asked for it in a year", async () => {
    on.endpoint.give({ access_token: "at-1", expires_in: 60 });
    await resolve("years", client());
    await on.credentials.advance(366 * 24 * 3600_000);
    await resolve("years", client({ clientId: "client-2" }));
    assert.equal((await on.credentials.rows("years")).length, 2, "the store's own secret, and the newer token");
  });

  describe("that takes steps", () => {
    const step = (fields: object) => ({
      type: "oauth2_token_exchange",
      endpoint: `${on.endpoint.url}/exchange`,
      ...fields,
    });

    it("impersonates a service account, with a token of its own or one it was given", async () => {
      const expireTime = new Date((await on.credentials.control<number>("now")) + 600_000).toISOString();
      on.endpoint.answer(({ path }) =>
        path.endsWith("/google")
          ? { body: { accessToken: "at-google", expireTime } }
          : { body: { access_token: "at-own", expires_in: 3600 } },
      );
      const google = {
        ...{ type: "google_service_account_impersonation", targetPrincipal: "robot@p.iam.gserviceaccount.com" },
        ...{ endpoint: `${on.endpoint.url}/google`, scopes: ["cloud"], lifetimeSeconds: 600 },
      };
      const given = { ...google, params: { sourceAccessToken: "at-given" } };
      const { token, expiresAt } = await resolve("google", { tokenExchangeDrivers: [given] });
      assert.equal(token, "at-google");
      assert.equal(secondsFrom(await on.credentials.control<number>("now"), expiresAt), 600);
      assert.equal(on.endpoint.asked[0]?.headers.authorization, "Bearer at-given");
      assert.deepEqual(JSON.parse(on.endpoint.asked[0]?.body ?? ""), { scope: ["cloud"], lifetime: "600s" });
      await resolve("google", { ...client(), tokenExchangeDrivers: [google] });
      assert.deepEqual(
        on.endpoint.asked.slice(1).map(({ headers }) => headers.authorization),
        [undefined, "Bearer at-own"],
      );
      await resolve("google", { type: "bearer", token: "at-fixed", tokenExchangeDrivers: [google] });
      assert.equal(on.endpoint.asked[3]?.headers.authorization, "Bearer at-fixed");
    });

    it("exchanges one token for another, step by step", async () => {
      on.endpoint.answer(({ path, form }) => {
        const kind = path.endsWith("/exchange") ? `exchanged(${form.subject_token})` : "first";
        return { body: { access_token: kind, expires_in: 60, refresh_token: `rt-of-${kind}` } };
      });
      const tokenExchangeDrivers = [step({ scopes: ["x", "y"], params: { audience: "api" } }), step({})];
      assert.equal(
        (await resolve("steps", { ...client(), tokenExchangeDrivers })).token,
        "exchanged(exchanged(first))",
      );
      assert.deepEqual(on.endpoint.asked[1]?.form, {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        ...{ subject_token: "first", scope: "x y", audience: "api" },
        ...{ client_id: "client-1", client_secret: "cs-s3cr3t" },
      });
      on.endpoint.answer(({ path }) => ({
        body: { access_token: path, refresh_token: `rt-of-${path}`, expires_in: 60 },
      }));
      const rotating = { ...refreshing(), tokenExchangeDrivers: [step({})] };
      assert.equal((await resolve("steps-rotating", rotating)).token, "/token/exchange");
      await on.credentials.advance(60_000);
      await resolve("steps-rotating", rotating);
      assert.deepEqual(
        on.endpoint.asked.map(({ form }) => form.refresh_token),
        ["rt-config", undefined, "rt-of-/token", undefined],
      );
    });

    it("keeps a refresh token that came before a step that failed", async () => {
      let failing = true;
      on.endpoint.answer(({ path, form }) => {
        if (path === "/token")
          return { body: { access_token: "at-1", refresh_token: `${form.refresh_token}+`, expires_in: 60 } };
        return failing ? { status: 500, body: "" } : { body: { access_token: "at-2", expires_in: 60 } };
      });
      const auth = { ...refreshing(), tokenExchangeDrivers: [step({})] };
      await assert.rejects(resolve("steps-failing", auth), refused(Code.Unavailable, /answered 500/));
      failing = false;
      await on.credentials.advance(1_000);
      assert.equal((await resolve("steps-failing", auth)).token, "at-2");
      assert.deepEqual(
        on.endpoint.asked.filter(({ path }) => path === "/token").map(({ form }) => form.refresh_token),
        ["rt-config", "rt-config+"],
      );
    });
  });
});
