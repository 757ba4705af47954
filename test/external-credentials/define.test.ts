// The authoring function: what is made of few handlers, and what becomes of handlers that misbehave.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import {
  type Credentials,
  credential,
  refused,
  resolving,
  resolvingPlatform,
  startCredentials,
  after as timeAfter,
} from "./credentials.ts";

describe("an authored external-credential provider", () => {
  let credentials: Credentials;
  before(async () => {
    credentials = await startCredentials();
  });
  after(() => credentials?.stop());

  it("is of its kind", async () => {
    const lifecycle = credentials.worker.client(ProviderLifecycle, { provider: "plain" });
    assert.equal((await lifecycle.getProviderIdentity({})).kind, ProviderKind.EXTERNAL_CREDENTIAL);
    const { providers } = await credentials.worker.client(WorkerService, { provider: "plain" }).describe({});
    const store = providers.find(({ name }) => name === "store");
    assert.deepEqual(store?.uses, []);
    const schema = JSON.parse(store?.configSchema ?? "");
    assert.deepEqual(Object.keys(schema.properties), ["binding", "store", "location", "key", "oldKeys"]);
    assert.equal(schema.additionalProperties, false);
  });

  it("of four handlers resolves what it stores", async () => {
    const client = credentials.client({}, "plain");
    const auth = { type: "oauth2" };
    await assert.rejects(client.resolveCredential(resolving(auth)), refused(Code.NotFound));
    const metadataJson = '{"host":"own","n":1}';
    const stored = await client.upsertCredential({ credential: credential({ instance: "1", metadataJson }) });
    const connectionParams = { host: "config", region: "eu" };
    const resolved = await client.resolveCredential(resolving(auth, { connectionParams }));
    assert.deepEqual([resolved.token, resolved.metadataJson], ["at-1", metadataJson]);
    assert.deepEqual(resolved.params, { host: "own", region: "eu" });
    assert.deepEqual(resolved.credential, stored);
    await client.upsertCredential({ credential: credential({ instance: "2", expiresAt: timeAfter(Date.now(), -1) }) });
    await assert.rejects(client.resolveCredential(resolving(auth)), refused(Code.FailedPrecondition, /ambiguous/));
    const ended = client.resolveCredential(resolving(auth, { instance: "2" }));
    await assert.rejects(ended, refused(Code.Unauthenticated, /has expired; connect again/));
    await assert.rejects(client.resolveCredential(resolving(auth, { instance: "3" })), refused(Code.NotFound));
    const fixed = await client.resolveCredential(resolvingPlatform({ type: "bearer", token: " t " }));
    assert.equal(fixed.token, "t");
    const other = client.resolveCredential(resolvingPlatform({ type: "oauth2", grantType: "client_credentials" }));
    await assert.rejects(other, refused(Code.FailedPrecondition, /bearer or manual with auth\.token/));
  });

  it("of four handlers takes every config, and exchanges nothing", async () => {
    const client = credentials.client({}, "plain");
    await client.validateCredentialConfig({ mode: "user", auth: { type: "whatever" } });
    const { tokenResponse } = await client.exchangeCredential({
      auth: { tokenUrl: "https://x" },
      credentialJson: "{}",
    });
    assert.equal(tokenResponse, undefined);
    await assert.rejects(client.deleteCredential({ id: "nobody" }), refused(Code.NotFound));
  });

  it("that fails tells neither its caller nor the log with what text", async () => {
    const client = credentials.client({}, "careless");
    const calls = {
      upsert: () => client.upsertCredential({ credential: credential() }),
      list: () => client.listCredentials({}),
      delete: () => client.deleteCredential({ id: "x" }),
      validate: () => client.validateCredentialConfig({}),
    };
    for (const call of Object.values(calls)) {
      await assert.rejects(call(), refused(Code.Internal, /the worker's log says where/));
    }
    const lines = credentials.log.filter((line) => line.includes("failed"));
    assert.equal(lines.length, 4);
    assert.ok(
      lines.every((line) => line.includes('"error":"Error"') && line.includes('"at":[')),
      lines[0],
    );
    assert.doesNotMatch(credentials.log.join("\n"), /s3cr3t/);
  });

  it("that answers what gestaltd could not use is told so", async () => {
    const client = credentials.client({}, "careless");
    const get = client.getCredential({ lookup: { subjectId: "s", connectionId: "c" } });
    await assert.rejects(get, refused(Code.Internal, /no valid createdAt/));
    await assert.rejects(
      client.resolveCredential(resolving({})),
      refused(Code.Internal, /without the record behind it/),
    );
    const empty = client.resolveCredential(resolvingPlatform({}, { connectionId: "empty" }));
    await assert.rejects(empty, refused(Code.Internal, /to no token/));
    const { tokenResponse } = await client.exchangeCredential({ credentialJson: "t" });
    assert.deepEqual([tokenResponse?.expiresIn, tokenResponse?.extraJson], [2 ** 31 - 1, '{"a":1}']);
    await assert.rejects(client.exchangeCredential({ credentialJson: "" }), refused(Code.Internal, /for no token/));
  });

  it("has no keys to rotate unless it says so", async () => {
    const { worker } = credentials;
    const response = await worker.fetch("/gestalt.edge.v1.CredentialKeysService/RotateKeys", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${await worker.token({ provider: "plain" })}`,
      },
      body: "{}",
    });
    assert.equal(response.status, 501);
    assert.match(await response.text(), /of kind external_credentials and does not serve/);
  });

  it("answers reads in a way that no cache keeps", async () => {
    await credentials.client({ store: "cached" }).upsertCredential({ credential: credential() });
    for (const [method, message] of [
      ["GetCredential", { lookup: { subjectId: "user:ada", connectionId: "github:default" } }],
      ["ListCredentials", { subjectId: "user:ada" }],
    ] as const) {
      const query = new URLSearchParams({ connect: "v1", encoding: "json", message: JSON.stringify(message) });
      const token = await credentials.worker.token({ provider: "store", config: { store: "cached" } });
      const response = await credentials.worker.fetch(
        `/gestalt.provider.v1.ExternalCredentialProvider/${method}?${query}`,
        { headers: { authorization: `Bearer ${token}` } },
      );
      assert.match(await response.text(), /at-1/);
      assert.equal(response.headers.get("cache-control"), "no-store");
    }
  });
});
