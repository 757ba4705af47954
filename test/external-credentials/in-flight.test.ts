// What happens while a token is being renewed: callers that go, endpoints that take their time, users who connect again meanwhile; and
// a real OAuth server, which takes everything back from whoever uses a refresh token twice.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  ExternalCredentialProvider,
  ResolveExternalCredentialRequestSchema,
} from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { until } from "../support/bridge-process.ts";
import { type Credentials, credential, oauth, refused, resolving, after as timeAfter } from "./credentials.ts";
import { SECRET, startOAuthServer } from "./oauth-server.ts";
import { describeWithEndpoint } from "./with-endpoint.ts";

describeWithEndpoint("while a token is being renewed", (on) => {
  const lookup = { subjectId: "user:ada", connectionId: "github:default" };
  const NEW = { access_token: "at-2", token_type: "bearer", refresh_token: "rt-2", expires_in: 3600 };

  async function stored(store: string, seconds = -60, refreshToken = "rt-1") {
    const client = on.credentials.client({ store });
    const now = await on.credentials.control<number>("now");
    const lives = { expiresAt: timeAfter(now, seconds), lastRefreshedAt: timeAfter(now, seconds - 3600) };
    await client.upsertCredential({ credential: credential({ refreshToken, ...lives }) });
    return client;
  }

  const record = async (client: Awaited<ReturnType<typeof stored>>) => {
    const { accessToken, refreshToken } = await client.getCredential({ lookup });
    return [accessToken, refreshToken];
  };
  const isRenewed = (client: Awaited<ReturnType<typeof stored>>) => async () => (await record(client))[0] === "at-2";

  it("the caller may go: what the endpoint answers is kept", async () => {
    const client = await stored("gone");
    const held = on.endpoint.hold(() => ({ body: NEW }));
    const hangUp = await ask(on.credentials, "gone", on.endpoint.url);
    await held.arrived;
    await hangUp();
    held.release();
    await until(isRenewed(client), "the new tokens are stored");
    assert.deepEqual(await record(client), ["at-2", "rt-2"]);
    assert.equal((await client.resolveCredential(resolving(oauth(on.endpoint.url)))).token, "at-2");
    assert.equal(on.endpoint.asked.length, 1);
  });

  it("callers with deadlines go when those pass, and the next one finds the new token", async () => {
    const client = await stored("deadline");
    const held = on.endpoint.hold(() => ({ body: NEW }));
    const short = client.resolveCredential(resolving(oauth(on.endpoint.url)), { timeoutMs: 300 });
    await held.arrived;
    await assert.rejects(short, refused(Code.DeadlineExceeded));
    held.release();
    await until(isRenewed(client), "the new tokens are stored");
    assert.equal(on.endpoint.asked.length, 1);
  });

  it("callers are sent away when it takes too long, and a token that holds is served", async () => {
    await on.credentials.control("waits", { patience: { expired: 50, valid: 50 } });
    const [ended, holding] = [await stored("slow"), await stored("slow-valid", 60)];
    const held = on.endpoint.hold(() => ({ body: NEW }));
    const asking = resolving(oauth(on.endpoint.url));
    await assert.rejects(ended.resolveCredential(asking), refused(Code.Unavailable, /still being renewed/));
    await assert.rejects(ended.resolveCredential(asking), refused(Code.Unavailable, /still being renewed/));
    assert.equal((await holding.resolveCredential(asking)).token, "at-1");
    held.release();
    await until(isRenewed(ended), "the new tokens are stored");
    await until(isRenewed(holding), "the new tokens are stored");
    assert.equal(on.endpoint.asked.length, 2);
    await on.credentials.control("waits", { patience: { expired: 20_000, valid: 20_000 } });
  });

  it("an endpoint that never answers is given up", async () => {
    await on.credentials.control("waits", { endpointMs: 100 });
    const client = await stored("silent");
    const held = on.endpoint.hold(() => ({ body: undefined }));
    const asking = client.resolveCredential(resolving(oauth(on.endpoint.url)));
    await assert.rejects(asking, refused(Code.Unavailable, /took too long to answer/));
    held.release();
    assert.deepEqual(await record(client), ["at-1", "rt-1"]);
    await on.credentials.control("waits", { endpointMs: 60_000 });
  });

  it("whoever connects again meanwhile has the last word", async () => {
    const client = await stored("again");
    const held = on.endpoint.hold(() => ({ body: NEW }));
    const asking = client.resolveCredential(resolving(oauth(on.endpoint.url)));
    await held.arrived;
    await client.upsertCredential({ credential: credential({ accessToken: "at-own", refreshToken: "rt-own" }) });
    held.release();
    assert.equal((await asking).token, "at-own");
    assert.deepEqual(await record(client), ["at-own", "rt-own"]);
  });

  it("a failure says nothing of the tokens that came meanwhile", async () => {
    const client = await stored("again-failed");
    const held = on.endpoint.hold(() => ({ status: 400, body: { error: "invalid_grant" } }));
    const asking = client.resolveCredential(resolving(oauth(on.endpoint.url)));
    await held.arrived;
    await client.upsertCredential({ credential: credential({ accessToken: "at-own", refreshToken: "rt-own" }) });
    held.release();
    assert.equal((await asking).token, "at-own");
    assert.equal((await client.getCredential({ lookup })).refreshErrorCount, 0);
  });

  it("a credential that is deleted stays deleted, and one made anew has tokens of its own", async () => {
    const client = await stored("deleted");
    const held = on.endpoint.hold(() => ({ body: NEW }));
    const asking = client.resolveCredential(resolving(oauth(on.endpoint.url)));
    await held.arrived;
    await client.deleteCredential({ id: (await client.getCredential({ lookup })).id });
    await client.upsertCredential({ credential: credential({ subjectId: "user:bo", accessToken: "at-bo" }) });
    held.release();
    await assert.rejects(asking, refused(Code.NotFound));
    await assert.rejects(client.getCredential({ lookup }), refused(Code.NotFound));
    const bo = await client.getCredential({ lookup: { ...lookup, subjectId: "user:bo" } });
    assert.equal(bo.accessToken, "at-bo");
  });

  describe("by a real OAuth server", () => {
    it("a refresh token is used once, whoever asks, and the one that came for it next time", async () => {
      const server = await startOAuthServer();
      try {
        const client = await stored("real", -60, await server.connect());
        const auth = oauth(server.tokenUrl, { clientId: "by-header", clientSecret: SECRET, clientAuth: "header" });
        const tokens = new Set<string>();
        for (let round = 0; round < 3; round++) {
          const callers = Array.from({ length: 20 }, () => client.resolveCredential(resolving(auth)));
          const answers = new Set((await Promise.all(callers)).map(({ token }) => token));
          assert.equal(answers.size, 1);
          for (const token of answers) tokens.add(token);
          for (const token of answers) assert.ok(await server.knows(token), "nothing was taken back");
          await on.credentials.advance(3600_000);
        }
        assert.equal(tokens.size, 3);
      } finally {
        await server.stop();
      }
    });

    it("one that it took back leads to connecting again, and a client's own token does not", async () => {
      const server = await startOAuthServer();
      try {
        const client = await stored("taken-back", -60, "never-issued");
        const auth = oauth(server.tokenUrl, { clientId: "by-body", clientSecret: SECRET, clientAuth: "body" });
        const asking = client.resolveCredential(resolving(auth));
        await assert.rejects(asking, refused(Code.Unauthenticated, /invalid_grant\. Connect again/));
        const wrong = { ...auth, clientSecret: "wrong" };
        const platform = { mode: "platform", connectionId: "own", credentialSubjectId: "" };
        const own = { ...platform, auth: { ...auth, grantType: "client_credentials" } };
        const { token, expiresAt } = await client.resolveCredential(resolving(own.auth, platform));
        assert.ok(token.length > 20 && expiresAt !== undefined);
        assert.equal((await client.resolveCredential(resolving(own.auth, platform))).token, token);
        const refusedOne = client.resolveCredential(resolving({ ...wrong, grantType: "client_credentials" }, platform));
        await assert.rejects(refusedOne, refused(Code.FailedPrecondition, /invalid_client/));
      } finally {
        await server.stop();
      }
    });
  });
});

/** Asks for the token over a connection of its own, and returns how to hang up as a caller does that has died. */
async function ask({ worker }: Credentials, store: string, url: string): Promise<() => Promise<void>> {
  const token = await worker.token({ provider: "store", config: { store } });
  const body = toBinary(
    ResolveExternalCredentialRequestSchema,
    create(ResolveExternalCredentialRequestSchema, resolving(oauth(url))),
  );
  const call = httpRequest(`${worker.url}/${ExternalCredentialProvider.typeName}/ResolveCredential`, {
    method: "POST",
    agent: false,
    headers: { "content-type": "application/proto", authorization: `Bearer ${token}` },
  });
  call.on("error", () => undefined);
  call.end(body);
  return async () => {
    const { socket } = call;
    if (socket === null) throw new Error("the call has no connection yet");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resetAndDestroy();
    await closed;
  };
}
