// Secrets the way gestaltd reads them: several short-lived bridge processes, one after the other, each for a few names.
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { SecretsProvider } from "../../src/gen/gestalt/provider/v1/secrets_pb.ts";
import { grpcError, startBridgeProcess, stateFolder, temporaryFolder } from "../support/bridge-process.ts";
import { startBridgedClients } from "../support/bridged-clients.ts";
import { startWorker, type TestWorker, WORKER_NAME } from "../support/worker-harness.ts";

const VALUE = "sk_live_through_the_bridge";

describe("secrets through the bridge", () => {
  let worker: TestWorker;
  const log: string[] = [];

  before(async () => {
    worker = await startWorker({
      entry: new URL("./secrets.worker.ts", import.meta.url),
      vars: { SECRET_TOKEN: VALUE, SECRET_TEXT: "grüße\n-----BEGIN KEY-----\n" },
      onLog: (line) => log.push(line),
    });
  });
  after(() => worker?.dispose());

  it("come by gestaltd's handshake, with the bridge's key from `env`, where alone a secret may stand", async (t) => {
    const key = { env: "EDGE_KEY" };
    const target = { url: worker.url, name: WORKER_NAME, provider: "prefixed", key };
    for (let start = 0; start < 3; start++) {
      const bridge = await startBridgeProcess(t, "secrets", { env: { EDGE_KEY: worker.privateKey } });
      const identity = await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
      assert.equal(identity.kind, ProviderKind.SECRETS);
      await bridge.configure({ worker: target, allow: ["TOKEN", "TEXT", "NOPE"] });
      assert.equal((await bridge.call(ProviderLifecycle.method.getProviderIdentity, {})).name, "edge");
      const get = async (name: string) => (await bridge.call(SecretsProvider.method.getSecret, { name })).value;
      assert.equal(await get("TOKEN"), VALUE);
      assert.equal(await get("TEXT"), "grüße\n-----BEGIN KEY-----\n");
      await assert.rejects(get("NOPE"), grpcError(grpc.status.NOT_FOUND, /no secret "NOPE"/));
      await assert.rejects(get("OTHER"), grpcError(grpc.status.NOT_FOUND, /"OTHER": it is not among/));
      await bridge.stop();
      assert.ok(![VALUE, "BEGIN PRIVATE KEY"].some((secret) => bridge.stderr().includes(secret)), bridge.stderr());
    }
    assert.ok(!log.some((line) => line.includes(VALUE)));
  });

  it("may be an embedded worker's, from its .dev.vars", async (t) => {
    const project = temporaryFolder(t);
    const state = stateFolder(t);
    symlinkSync(join(import.meta.dirname, "../../node_modules"), join(project, "node_modules"));
    writeFileSync(
      join(project, "worker.ts"),
      `import { serve } from "gestalt-edge";
       import { bindingSecrets } from "gestalt-edge/providers/secrets-bindings";
       export default serve({ vault: bindingSecrets() });`,
    );
    const wrangler = ['name = "vault"', 'main = "worker.ts"', 'compatibility_date = "2026-07-01"'];
    const store = [
      "[[secrets_store_secrets]]",
      'binding = "SECRET_STORED"',
      'store_id = "s"',
      'secret_name = "absent"',
    ];
    writeFileSync(join(project, "wrangler.toml"), [...wrangler, ...store].join("\n"));
    writeFileSync(join(project, ".dev.vars"), `SECRET_TOKEN="${VALUE}"\n`);
    const bridge = await startBridgeProcess(t, "secrets");
    await bridge.configure({ worker: { project, state } });
    const get = (name: string) => bridge.call(SecretsProvider.method.getSecret, { name });
    assert.equal((await get("TOKEN")).value, VALUE);
    await assert.rejects(get("STORED"), grpcError(grpc.status.NOT_FOUND, /no secret "STORED"/));
    await assert.rejects(get("NOPE"), grpcError(grpc.status.NOT_FOUND, /no binding SECRET_NOPE/));
    await bridge.stop();
    assert.ok(!bridge.stderr().includes(VALUE), bridge.stderr());
  });

  it("are refused where the edge would refuse them, with another gRPC client", async () => {
    const bridged = await startBridgedClients(worker, "secrets", "connect-node");
    const secrets = bridged.client(SecretsProvider, "prefixed", {});
    assert.equal((await secrets.getSecret({ name: "TOKEN" })).value, VALUE);
    await assert.rejects(secrets.getSecret({ name: "" }), { code: Code.InvalidArgument });
    await assert.rejects(secrets.getSecret({ name: "NOPE" }), { code: Code.NotFound });
    await bridged.stop();
  });
});
