// Tokens of users: served while they hold, renewed when they end, and what becomes of them when the endpoint fails.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import {
  type Auth,
  type CredentialFields,
  type CredentialsClient,
  credential,
  oauth,
  refused,
  resolving,
  secondsFrom,
  after as timeAfter,
} from "./credentials.ts";
import type { Answer } from "./token-endpoint.ts";
import { describeWithEndpoint } from "./with-endpoint.ts";

describeWithEndpoint("a user's token", (on) => {
  const lookup = { subjectId: "user:ada", connectionId: "github:default" };
  const now = () => on.credentials.control<number>("now");

  /** A credential that ended an hour ago unless told otherwise, in a store of its own. */
  async function stored(store: string, fields: CredentialFields = {}, seconds = -3600) {
    const client = on.credentials.client({ store });
    const lives = {
      expiresAt: timeAfter(await now(), seconds),
      lastRefreshedAt: timeAfter(await now(), seconds - 3600),
    };
    await client.upsertCredential({ credential: credential({ refreshToken: "rt-1", ...lives, ...fields }) });
    return client;
  }

  const tokenOf = async (client: CredentialsClient, auth: Auth = oauth(on.endpoint.url)) =>
    (await client.resolveCredential(resolving(auth))).token;

  describe("while it holds", () => {
    it("is served as it is, with parameters from its metadata before those of the config", async () => {
      const metadataJson = '{"host":"own.example.com","__proto__":"p","n":1}';
      const client = await stored("holds", { metadataJson, instance: "default" }, 3600);
      on.endpoint.give({ access_token: "at-2" });
      const connectionParams = { host: "config.example.com", region: "eu" };
      const resolved = await client.resolveCredential(resolving(oauth(on.endpoint.url), { connectionParams }));
      assert.equal(resolved.token, "at-1");
      assert.deepEqual(resolved.params, { host: "own.example.com", region: "eu", ["__proto__"]: "p" });
      assert.equal(resolved.metadataJson, metadataJson);
      assert.deepEqual(resolved.credential, await client.getCredential({ lookup: { ...lookup, instance: "default" } }));
      assert.deepEqual(resolved.expiresAt, resolved.credential?.expiresAt);
      assert.equal(on.endpoint.asked.length, 0);
    });

    it("never ends when nobody said so", async () => {
      const client = on.credentials.client({ store: "endless" });
      await client.upsertCredential({ credential: credential({ refreshToken: "rt-1" }) });
      on.endpoint.give({ access_token: "at-2" });
      assert.equal(await tokenOf(client), "at-1");
      assert.equal(on.endpoint.asked.length, 0);
    });

    it("is renewed shortly before it ends, by as much as a clock may be ahead", async () => {
      const early = await stored("early", {}, 301);
      on.endpoint.give({ access_token: "at-2", expires_in: 3600 });
      assert.equal(await tokenOf(early), "at-1");
      const due = await stored("due", {}, 299);
      assert.equal(await tokenOf(due), "at-2");
    });

    it("is not renewed at each call when it lives only a minute", async () => {
      const client = await stored("short");
      on.endpoint.give({ access_token: "at-2", expires_in: 60 });
      assert.equal(await tokenOf(client), "at-2");
      await on.credentials.advance(47_000);
      assert.equal(await tokenOf(client), "at-2");
      assert.equal(on.endpoint.asked.length, 1);
      await on.credentials.advance(1_000);
      await tokenOf(client);
      assert.equal(on.endpoint.asked.length, 2);
    });
  });

  describe("that has ended", () => {
    it("is renewed, and all that came with the new one is kept", async () => {
      const client = await stored("renewed", { refreshErrorCount: 4, scopes: "old" });
      const { id, createdAt } = await client.getCredential({ lookup });
      on.endpoint.give({ access_token: "at-2", refresh_token: "rt-2", expires_in: 3600, scope: "repo user" });
      const {
        token,
        credential: record,
        expiresAt,
      } = await client.resolveCredential(resolving(oauth(on.endpoint.url)));
      assert.equal(token, "at-2");
      assert.equal(secondsFrom(await now(), expiresAt), 3600);
      assert.deepEqual(record, await client.getCredential({ lookup }));
      assert.deepEqual([record?.accessToken, record?.refreshToken, record?.scopes], ["at-2", "rt-2", "repo user"]);
      assert.deepEqual([record?.id, record?.createdAt, record?.refreshErrorCount], [id, createdAt, 0]);
      assert.equal(secondsFrom(await now(), record?.lastRefreshedAt), 0);
      const [asked] = on.endpoint.asked;
      assert.deepEqual(asked?.form, {
        ...{ grant_type: "refresh_token", refresh_token: "rt-1" },
        ...{ client_id: "client-1", client_secret: "cs-s3cr3t" },
      });
      assert.equal(asked?.headers.accept, "application/json");
      assert.equal(asked?.headers.authorization, undefined);
    });

    it("keeps the refresh token that was not replaced", async () => {
      const client = await stored("kept", { scopes: "repo" });
      on.endpoint.give({ access_token: "at-2", refresh_token: null, scope: 7, expires_in: null });
      await tokenOf(client);
      const { refreshToken, scopes, expiresAt } = await client.getCredential({ lookup });
      assert.deepEqual([refreshToken, scopes, expiresAt], ["rt-1", "repo", undefined]);
    });

    it("is asked for in the way the config says", async () => {
      const auth = oauth(on.endpoint.url.replace("/token", "/{region}/token"), {
        ...{ clientId: "client:1", clientSecret: "s3cr3t+/=", clientAuth: "header", tokenExchange: "json" },
        ...{ acceptHeader: "application/vnd.example+json", accessTokenPath: "authed_user.access_token" },
        refreshParams: { audience: "x", grant_type: "custom_refresh" },
      });
      const client = await stored("way", { metadataJson: '{"region":"eu-1"}' });
      on.endpoint.give({ authed_user: { access_token: "at-2" }, access_token: "wrong" });
      assert.equal(
        (await client.resolveCredential(resolving(auth, { connectionParams: { region: "us" } }))).token,
        "at-2",
      );
      const [asked] = on.endpoint.asked;
      assert.equal(asked?.path, "/eu-1/token");
      assert.deepEqual(asked?.form, { grant_type: "custom_refresh", refresh_token: "rt-1", audience: "x" });
      assert.equal(asked?.headers.accept, "application/vnd.example+json");
      const basic = `Basic ${btoa("client%3A1:s3cr3t%2B%2F%3D")}`;
      assert.equal(asked?.headers.authorization, basic);
    });

    for (const [stated, lifetime] of [
      ["3600", 3600],
      [60.9, 61],
      [0, undefined],
      [-5, undefined],
      ["soon", undefined],
      [1e300, 315_360_000],
    ] as const) {
      it(`believes a lifetime of ${JSON.stringify(stated)} as far as it makes sense`, async () => {
        const client = await stored(`lifetime${stated}`.replaceAll(/[^a-z0-9]/gi, "_"));
        on.endpoint.give({ access_token: "at-2", expires_in: stated });
        const { expiresAt } = await client.resolveCredential(resolving(oauth(on.endpoint.url)));
        assert.equal(secondsFrom(await now(), expiresAt), lifetime);
      });
    }

    it("is renewed once, however many ask for it", async () => {
      const client = await stored("stampede");
      const held = on.endpoint.hold(() => ({
        body: { access_token: "at-2", token_type: "bearer", refresh_token: "rt-2", expires_in: 3600 },
      }));
      const callers = Array.from({ length: 100 }, () => tokenOf(client));
      await held.arrived;
      held.release();
      assert.deepEqual(new Set(await Promise.all(callers)), new Set(["at-2"]));
      assert.equal(on.endpoint.asked.length, 1);
    });

    it("does not wait for anybody else's", async () => {
      const slow = await stored("both", { instance: "slow" });
      await stored("both", { instance: "fast", refreshToken: "rt-fast" });
      const held = on.endpoint.hold(() => ({ body: { access_token: "at-slow", token_type: "bearer" } }));
      const auth = oauth(on.endpoint.url);
      const waiting = slow.resolveCredential(resolving(auth, { instance: "slow" }));
      await held.arrived;
      on.endpoint.give({ access_token: "at-fast" });
      assert.equal((await slow.resolveCredential(resolving(auth, { instance: "fast" }))).token, "at-fast");
      held.release();
      assert.equal((await waiting).token, "at-slow");
    });

    it("exchanges what was entered again", async () => {
      const client = await stored("entered", { refreshToken: '{"api_key":"entered-key"}' });
      const auth = { type: "manual", tokenUrl: on.endpoint.url, tokenParams: { kind: "session" } };
      on.endpoint.give({ access_token: "at-2", refresh_token: "ignored", expires_in: 60 });
      assert.equal(await tokenOf(client, auth), "at-2");
      assert.deepEqual(on.endpoint.asked[0]?.form, { kind: "session", api_key: "entered-key" });
      assert.equal((await client.getCredential({ lookup })).refreshToken, '{"api_key":"entered-key"}');
      await on.credentials.advance(3600_000);
      on.endpoint.answer(() => ({ status: 401, body: { message: "wrong key entered-key" } }));
      await assert.rejects(tokenOf(client, auth), refused(Code.Unauthenticated, /answered 401\. Connect again/));
    });

    it("leads to connecting again when nothing can renew it", async () => {
      const again = refused(Code.Unauthenticated, /has expired, and nothing renews it/);
      await assert.rejects(tokenOf(await stored("none", { refreshToken: "" })), again);
      await assert.rejects(tokenOf(await stored("mcp"), { type: "mcp_oauth" }), again);
      await assert.rejects(tokenOf(await stored("bearer"), { type: "bearer" }), again);
    });
  });

  describe("of several", () => {
    it("needs an instance, and each has its own", async () => {
      const client = on.credentials.client({ store: "several" });
      const auth = oauth(on.endpoint.url);
      await assert.rejects(tokenOf(client), refused(Code.NotFound));
      await client.upsertCredential({ credential: credential({ instance: "work", accessToken: "at-work" }) });
      assert.equal(await tokenOf(client), "at-work");
      await client.upsertCredential({ credential: credential({ instance: "home", accessToken: "at-home" }) });
      await assert.rejects(tokenOf(client), refused(Code.FailedPrecondition, /ambiguous/));
      assert.equal((await client.resolveCredential(resolving(auth, { instance: "home" }))).token, "at-home");
      await assert.rejects(client.resolveCredential(resolving(auth, { instance: "x" })), refused(Code.NotFound));
      await assert.rejects(
        client.resolveCredential(resolving(auth, { credentialSubjectId: "user:bo" })),
        refused(Code.NotFound),
      );
    });
  });

  describe("whose endpoint fails", () => {
    const failing = (answer: Answer) => on.endpoint.answer(() => answer);
    const FAILURES: readonly [what: string, answer: Answer, code: Code, text: RegExp][] = [
      [
        "refuses the token",
        { status: 400, body: { error: "invalid_grant" } },
        Code.Unauthenticated,
        /400 invalid_grant/,
      ],
      ["refuses it with 200", { body: { error: "bad_refresh_token" } }, Code.Unauthenticated, /200 bad_refresh_token/],
      ["wants to see the user", { status: 400, body: { error: "interaction_required" } }, Code.Unauthenticated, /400/],
      [
        "refuses the client",
        { status: 401, body: { error: "invalid_client" } },
        Code.FailedPrecondition,
        /invalid_client/,
      ],
      ["is not there", { status: 404, body: "not here: rt-s3cr3t" }, Code.FailedPrecondition, /answered 404/],
      [
        "leads elsewhere",
        { status: 307, headers: { location: "/steal" }, body: "" },
        Code.FailedPrecondition,
        /redirect/,
      ],
      ["has a fault", { status: 500, body: "at-s3cr3t" }, Code.Unavailable, /answered 500\. Try again in 1 s/],
      ["is busy", { status: 503, body: { error: "temporarily_unavailable" } }, Code.Unavailable, /503 temporarily/],
      ["breaks off", { body: undefined }, Code.Unavailable, /could not be reached/],
      ["sends a page", { body: "<html>s3cr3t</html>" }, Code.Unavailable, /no JSON object/],
      ["sends no token", { body: { token: "at-s3cr3t" } }, Code.Unavailable, /without a token at access_token/],
      ["sends a token of another kind", { body: { access_token: { a: 1 } } }, Code.Unavailable, /without a token/],
      ["sends too much", { body: { access_token: "x".repeat(300_000) } }, Code.FailedPrecondition, /more than 262144/],
      [
        "talks",
        { status: 400, body: { error: "your token rt-s3cr3t is bad" } },
        Code.FailedPrecondition,
        /answered 400\./,
      ],
      ["repeats the token", { status: 400, body: { error: "rt-1" } }, Code.FailedPrecondition, /answered 400\. Check/],
      // As FAILED_PRECONDITION, gestaltd would take it for a choice that the caller has to make.
      ["is ambiguous", { status: 400, body: { error: "ambiguous_user" } }, Code.Internal, /400 ambiguous_user\. Check/],
    ];
    for (const [what, answer, code, text] of FAILURES) {
      const store = what.replaceAll(" ", "-");
      it(`is not served when the endpoint ${what}, and nothing is lost`, async () => {
        const client = await stored(store);
        failing({ headers: { "www-authenticate": "Basic" }, ...answer });
        await assert.rejects(tokenOf(client), refused(code, text));
        const { accessToken, refreshToken, refreshErrorCount } = await client.getCredential({ lookup });
        assert.deepEqual([accessToken, refreshToken, refreshErrorCount], ["at-1", "rt-1", 1]);
        assert.equal(on.endpoint.asked.length, 1);
      });
      it(`is served while it holds when the endpoint ${what}`, async () => {
        const client = await stored(`${store}-valid`, {}, 60);
        failing(answer);
        assert.equal(await tokenOf(client), "at-1");
        assert.equal(await tokenOf(client), "at-1");
        assert.equal(on.endpoint.asked.length, 1, "must not be pressed");
        assert.equal((await client.getCredential({ lookup })).refreshErrorCount, 1);
      });
    }

    it("is not asked for again after the refresh token was refused, until the user or the config changes", async () => {
      const client = await stored("dead");
      failing({ status: 400, body: { error: "invalid_grant" } });
      await assert.rejects(tokenOf(client), refused(Code.Unauthenticated, /Connect again/));
      await on.credentials.advance(24 * 3600_000);
      await on.credentials.control("restart", "dead");
      await assert.rejects(tokenOf(client), refused(Code.Unauthenticated, /Connect again/));
      assert.equal(on.endpoint.asked.length, 1);
      on.endpoint.give({ access_token: "at-2", expires_in: 3600 });
      assert.equal(await tokenOf(client, oauth(on.endpoint.url, { clientId: "client-2" })), "at-2");
      await stored("dead");
      assert.equal(await tokenOf(client), "at-2");
    });

    it("does not get into what is said, however much like a code it looks", async () => {
      const client = await stored("echo", { refreshToken: "open_sesame" });
      const answers = { body: { clientAuth: "body" }, header: { clientAuth: "header" } };
      for (const [where, auth] of Object.entries(answers)) {
        const secret = where === "body" ? "open_sesame" : "client_sesame";
        failing({ status: 400, body: { error: secret } });
        const asking = tokenOf(client, oauth(on.endpoint.url, { ...auth, clientSecret: "client_sesame" }));
        await assert.rejects(asking, refused(Code.FailedPrecondition, /answered 400\. Check/));
      }
      assert.doesNotMatch(JSON.stringify(await on.credentials.rows("echo")), /sesame/);
    });

    it("is renewed however large it has become, for the new refresh token may be the only one", async () => {
      const metadataJson = JSON.stringify({ note: "x".repeat(1_000_000) });
      const client = await stored("grows", { metadataJson });
      const [access_token, refresh_token] = ["a".repeat(100_000), "r".repeat(100_000)];
      on.endpoint.give({ access_token, refresh_token, expires_in: 3600 });
      const { token, credential: record } = await client.resolveCredential(resolving(oauth(on.endpoint.url)));
      assert.deepEqual([token, record?.refreshToken], [access_token, refresh_token]);
      assert.equal(record?.metadataJson, metadataJson);
    });

    it("is asked for after pauses that grow, and counts how often it failed", async () => {
      const client = await stored("pauses");
      failing({ status: 500, body: "" });
      for (const [attempts, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
        await assert.rejects(tokenOf(client), refused(Code.Unavailable, new RegExp(`in ${seconds} s`)));
        assert.equal(on.endpoint.asked.length, attempts + 1);
        await on.credentials.advance(seconds * 1000 - 1);
        await assert.rejects(tokenOf(client), refused(Code.Unavailable, /in 1 s/));
        await on.credentials.advance(1);
      }
      assert.equal((await client.getCredential({ lookup })).refreshErrorCount, 8);
      on.endpoint.give({ access_token: "at-2", expires_in: 3600 });
      assert.equal(await tokenOf(client), "at-2");
      assert.equal((await client.getCredential({ lookup })).refreshErrorCount, 0);
    });

    it("leaves the endpoint alone for as long as it wants, within reason", async () => {
      const client = await stored("wants");
      const busy = (wait: string) => failing({ status: 429, headers: { "retry-after": wait }, body: "" });
      busy("7");
      await assert.rejects(tokenOf(client), refused(Code.Unavailable, /in 7 s/));
      await on.credentials.advance(7_000);
      busy(new Date((await now()) + 90_000).toUTCString());
      await assert.rejects(tokenOf(client), refused(Code.Unavailable, /in (89|90) s/));
      await on.credentials.advance(90_000);
      busy("999999999999999999999");
      await assert.rejects(tokenOf(client), refused(Code.Unavailable, /in 900 s/));
      await on.credentials.advance(900_000);
      busy("-1");
      await assert.rejects(tokenOf(client), refused(Code.Unavailable, /in 8 s/));
    });

    it("cannot be asked for where the URL is none", async () => {
      const client = await stored("url");
      const at = (tokenUrl: string, connectionParams = {}) =>
        client.resolveCredential(resolving(oauth(tokenUrl), { connectionParams }));
      on.endpoint.give({ access_token: "at-2" });
      const open = on.endpoint.url.replace("/token", "/{x}/token");
      await assert.rejects(at(open), refused(Code.FailedPrecondition, /parameter "x" is not set/));
      const other = { x: "../evil?s3cr3t" };
      await assert.rejects(at(open, other), refused(Code.FailedPrecondition, /parameter "x" holds characters/));
      await assert.rejects(at("https://{x}/t", { x: "a b" }), refused(Code.FailedPrecondition, /characters/));
      const proto = on.endpoint.url.replace("/token", "/{__proto__}/token");
      await assert.rejects(at(proto), refused(Code.FailedPrecondition, /parameter "__proto__" is not set/));
      assert.equal(on.endpoint.asked.length, 0);
    });
  });
});
