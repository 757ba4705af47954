// Credentials the way gestaltd has them: gRPC on the bridge's socket, with two client libraries, and in front of the worker what the
// real edge would refuse. The details of each answer are tested without the bridge, in the files beside this.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { BRIDGE_KINDS } from "../../src/bridge/kinds.ts";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { until } from "../support/bridge-process.ts";
import { type BridgedClients, GRPC_CLIENTS, startBridgedClients } from "../support/bridged-clients.ts";
import {
  type Credentials,
  type CredentialsClient,
  credential,
  oauth,
  refused,
  resolving,
  resolvingPlatform,
  startCredentials,
} from "./credentials.ts";
import { startTokenEndpoint, type TokenEndpoint } from "./token-endpoint.ts";

const lookup = { subjectId: "user:ada", connectionId: "github:default" };
const PAST = { seconds: 1_000_000_000n, nanos: 0 };

for (const library of GRPC_CLIENTS) {
  describe(`external credentials through the bridge with ${library}`, () => {
    let credentials: Credentials;
    let endpoint: TokenEndpoint;
    let bridged: BridgedClients;
    let client: CredentialsClient;
    before(async () => {
      [credentials, endpoint] = await Promise.all([startCredentials(), startTokenEndpoint()]);
      bridged = await startBridgedClients(credentials.worker, "external-credentials", library);
      // What gestaltd means to add; the worker would refuse both.
      const added = {
        encryptionKey: "s3cr3t",
        resolvedConnections: [{ auth: { clientSecret: "s3cr3t".repeat(4096) } }],
      };
      client = bridged.client(ExternalCredentialProvider, "store", { store: "bridge", ...added });
    });
    after(async () => {
      await bridged?.stop();
      await credentials?.stop();
      await endpoint?.stop();
    });

    it("are stored, found, listed and deleted", async () => {
      const stored = await client.upsertCredential({ credential: credential({ refreshToken: "rt", expiresAt: PAST }) });
      assert.deepEqual(await client.getCredential({ lookup }), stored);
      assert.deepEqual((await client.listCredentials({ subjectId: "user:ada" })).credentials, [stored]);
      assert.deepEqual(await client.upsertCredential({ credential: stored, preserveTimestamps: true }), stored);
      await client.deleteCredential({ id: stored.id });
      await assert.rejects(client.deleteCredential({ id: stored.id }), refused(Code.NotFound));
      await assert.rejects(client.getCredential({ lookup }), refused(Code.NotFound));
    });

    it("are validated, exchanged and resolved", async () => {
      const bad = client.validateCredentialConfig({ mode: "platform", auth: { type: "bearer" } });
      await assert.rejects(bad, refused(Code.InvalidArgument, /auth\.token is missing/));
      await client.validateCredentialConfig({ mode: "none" });
      endpoint.give({ access_token: "at-2", refresh_token: "rt-2", expires_in: 3600 });
      const manual = { type: "manual", tokenUrl: endpoint.url };
      const { tokenResponse } = await client.exchangeCredential({ auth: manual, credentialJson: '{"key":"k"}' });
      assert.equal(tokenResponse?.accessToken, "at-2");
      const auth = oauth(endpoint.url, { grantType: "client_credentials" });
      assert.equal((await client.resolveCredential(resolvingPlatform(auth))).token, "at-2");
    });

    it("are renewed once for a hundred callers, and lead to connecting again when that is all that helps", async () => {
      const expired = credential({ refreshToken: "rt-1", expiresAt: PAST });
      await client.upsertCredential({ credential: expired });
      const held = endpoint.hold(() => ({ body: { access_token: "at-2", refresh_token: "rt-2", token_type: "b" } }));
      const asking = resolving(oauth(endpoint.url));
      const callers = Array.from({ length: 100 }, () => client.resolveCredential(asking));
      await held.arrived;
      held.release();
      assert.deepEqual(new Set((await Promise.all(callers)).map(({ token }) => token)), new Set(["at-2"]));
      assert.equal(endpoint.asked.length, 1);
      await client.upsertCredential({ credential: expired });
      endpoint.answer(() => ({ status: 400, body: { error: "invalid_grant" } }));
      await assert.rejects(client.resolveCredential(asking), refused(Code.Unauthenticated, /Connect again/));
      await client.upsertCredential({ credential: credential({ instance: "2" }) });
      await assert.rejects(client.resolveCredential(asking), refused(Code.FailedPrecondition, /ambiguous/));
      await assert.rejects(client.resolveCredential({ ...asking, instance: "3" }), refused(Code.NotFound));
    });

    it("keep what came for a caller who has gone", async () => {
      const gone = credential({ instance: "gone", refreshToken: "rt-1", expiresAt: PAST });
      await client.upsertCredential({ credential: gone });
      const held = endpoint.hold(() => ({ body: { access_token: "at-2", refresh_token: "rt-2", token_type: "b" } }));
      const caller = new AbortController();
      const asking = resolving(oauth(endpoint.url), { instance: "gone" });
      const call = client.resolveCredential(asking, { signal: caller.signal });
      await held.arrived;
      caller.abort();
      await assert.rejects(call, refused(Code.Canceled));
      held.release();
      const found = () => client.getCredential({ lookup: { ...lookup, instance: "gone" } });
      await until(async () => (await found()).refreshToken === "rt-2", "the new tokens are stored");
    });

    it("leave nothing secret in what worker and bridge print", () => {
      assert.doesNotMatch(credentials.log.join("\n"), /s3cr3t|at-\d|rt-\d/);
    });
  });
}

describe("the kind external-credentials", () => {
  it("has the word of manifests that gestaltd knows", () => {
    assert.equal(BRIDGE_KINDS.find(({ name }) => name === "external-credentials")?.manifest, "external_credentials");
  });
});
