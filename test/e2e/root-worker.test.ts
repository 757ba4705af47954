// The worker that the wrangler.toml at the root deploys, run embedded: each of its providers answers behind a bridge of its kind, and
// those that decide who may what answer whatever comes over their sockets with a code, and go on.
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { DescService, JsonObject } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { AuthenticationProvider } from "../../src/gen/gestalt/provider/v1/authentication_pb.ts";
import { AuthorizationProvider } from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { ExternalCredentialProvider } from "../../src/gen/gestalt/provider/v1/external_credential_pb.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { S3 } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { SecretsProvider } from "../../src/gen/gestalt/provider/v1/secrets_pb.ts";
import { type BridgeProcess, grpcError, sharedApp, startBridgeProcess } from "../support/bridge-process.ts";

const project = join(import.meta.dirname, "../..");
/** Nobody listens there. Issuers are asked when somebody signs in. */
const ISSUER = { issuer: "http://127.0.0.1:1", clientId: "gestaltd", audiences: ["gestaltd"], allow: "anyone" };

describe("the worker of all ready-made providers", { timeout: 120_000 }, () => {
  const app = sharedApp(project);
  const configured = async (t: TestContext, kind: string, provider: string, config: JsonObject = {}) => {
    const bridge = await startBridgeProcess(t, kind);
    await bridge.configure({ ...config, worker: { project, state: app.state, provider } });
    return bridge;
  };

  it("serves each of them, with its bindings and a Durable Object class where it has one", async (t) => {
    const kv = await configured(t, "cache", "cache-kv");
    assert.equal((await kv.call(Cache.method.get, { key: "k" })).found, false);
    const cache = await configured(t, "cache", "cache-durable-object");
    assert.equal((await cache.call(Cache.method.get, { key: "k" })).found, false);
    const s3 = await configured(t, "s3", "s3-r2");
    assert.deepEqual((await s3.call(S3.method.listObjects, { bucket: "blobs" })).objects, []);
    const databases = await configured(t, "indexeddb", "indexeddb-durable-object");
    await databases.call(IndexedDB.method.createObjectStore, { name: "store" });
    const encryptionKey = "ab".repeat(32);
    const credentials = await configured(t, "external-credentials", "external-credentials-durable-object", {
      encryptionKey,
    });
    const { listCredentials } = ExternalCredentialProvider.method;
    assert.deepEqual((await credentials.call(listCredentials, {})).credentials, []);
    const secrets = await configured(t, "secrets", "secrets-bindings");
    const { getSecret } = SecretsProvider.method;
    await assert.rejects(secrets.call(getSecret, { name: "A" }), grpcError(grpc.status.NOT_FOUND, /secret "A"/));
    const login = await configured(t, "authentication", "authentication-oidc", { issuers: { main: ISSUER } });
    const { getSessionSettings } = AuthenticationProvider.method;
    assert.equal((await login.call(getSessionSettings, {})).sessionTtlSeconds, 0n);
    const policies = await configured(t, "authorization", "authorization-durable-object");
    assert.equal((await policies.call(AuthorizationProvider.method.getActiveModel, {})).model, undefined);
  });

  const KINDS: readonly [kind: string, service: DescService, provider: string, config: JsonObject][] = [
    ["secrets", SecretsProvider, "secrets-bindings", {}],
    ["authentication", AuthenticationProvider, "authentication-oidc", { issuers: { main: ISSUER } }],
    ["authorization", AuthorizationProvider, "authorization-durable-object", { store: "hostile" }],
  ];
  for (const [kind, service, provider, config] of KINDS) {
    it(`answers what is no request of the ${kind} kind, with a code`, async (t) => {
      const bridge = await configured(t, kind, provider, config);
      const send = sender(t, bridge, service);
      for (const { name, input } of service.methods) {
        const nothing = input.typeName === "google.protobuf.Empty";
        // No tag, a length beyond the end, a text that is no UTF-8, and a text of 4 MB where there is one.
        for (const bytes of [[0xff, 0xff], [0x0a, 0x7f, 0x41], ...(nothing ? [] : [[0x0a, 0x02, 0xff, 0xfe]])]) {
          assert.deepEqual([name, ...(await send(name, Buffer.from(bytes)))], [name, "INVALID_ARGUMENT", true]);
        }
        if (!nothing)
          assert.deepEqual([name, ...(await send(name, long(4_000_000)))], [name, "INVALID_ARGUMENT", true]);
        assert.deepEqual([name, ...(await send(name, long(4_194_304)))], [name, "RESOURCE_EXHAUSTED", true]);
      }
      assert.deepEqual(await send("ListEverything", Buffer.alloc(0)), ["UNIMPLEMENTED", true]);
      assert.equal(bridge.stderr(), "", "what callers do wrong is no news for the log");
      if (kind !== "authorization") return;
      const { relationships } = await bridge.call(AuthorizationProvider.method.readRelationships, {});
      const { models } = await bridge.call(AuthorizationProvider.method.listModels, {});
      assert.deepEqual([relationships, models], [[], []]);
    });
  }
});

/** Sends bytes as they are; answers the code and whether its text is a sentence, not what was sent. */
function sender(t: TestContext, { socket }: BridgeProcess, { typeName }: DescService) {
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  });
  t.after(() => client.close());
  const asIs = (bytes: Buffer) => bytes;
  return (method: string, bytes: Buffer) =>
    new Promise<[code: string | undefined, isShort: boolean]>((resolve) => {
      const path = `/${typeName}/${method}`;
      client.makeUnaryRequest(path, asIs, asIs, bytes, { deadline: Date.now() + 30_000 }, (error) =>
        resolve([grpc.status[error?.code ?? grpc.status.OK], (error?.details.length ?? 0) < 300]),
      );
    });
}

/** Field 1 as so many bytes of text. */
function long(length: number): Buffer {
  const varint: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 7) varint.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Buffer.concat([Buffer.from([0x0a, ...varint]), Buffer.alloc(length, "A")]);
}
