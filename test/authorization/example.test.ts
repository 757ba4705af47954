// examples/authorization as gestaltd runs it: its databases on a Unix socket, the provider behind a bridge, records over the channel.
import assert from "node:assert/strict";
import { it } from "node:test";
import { createClient } from "@connectrpc/connect";
import { AuthorizationProvider } from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { atEnd, startBridgeProcess, until } from "../support/bridge-process.ts";
import { FakeGestaltd } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { createGrpcJsTransport } from "../support/grpc-js-transport.ts";
import { startWorker, WORKER_NAME } from "../support/worker-harness.ts";
import { asText, question } from "./authorizations.ts";
import { GestaltdAuthorizer } from "./gestaltd-authorizer.ts";

it("examples/authorization decides by gestaltd's own database", { timeout: 60_000 }, async (t) => {
  const gestaltd = await new FakeGestaltd().start();
  atEnd(t, () => gestaltd.stop());
  const worker = await startWorker({
    entry: new URL("../../examples/authorization/src/index.ts", import.meta.url),
    durableObjects: { [CHANNEL_BINDING]: "HostChannel" },
    unsafeEphemeralDurableObjects: true,
  });
  atEnd(t, () => worker.dispose());
  atEnd(t, () => until(() => gestaltd.connections === 0, "the bridge has left no connection"));
  const env = await gestaltd.offer({ plugin: "policies", session: "s", via: "unix", hosts: ["INDEXEDDB"] });
  const bridge = await startBridgeProcess(t, "authorization", { env });
  const target = { url: worker.url, key: worker.privateKey, name: WORKER_NAME, provider: "policies" };
  await bridge.configure({ worker: target, administrators: ["user:root"] });
  const transport = createGrpcJsTransport(`unix:${bridge.socket}`);
  atEnd(t, () => transport.close());
  const client = createClient(AuthorizationProvider, transport);

  const authorizer = new GestaltdAuthorizer(client, { staff: { "user:ada": "admin", "user:bo": "viewer" } });
  assert.equal((await authorizer.reload()).writes.length, 2);
  assert.deepEqual((await authorizer.reload()).writes, []);
  assert.equal(await authorizer.roleOf("user:bo", "policy_static:staff", ["admin", "viewer"]), "viewer");
  assert.equal(await authorizer.roleOf("user:cy", "policy_static:staff", ["admin", "viewer"]), undefined);
  assert.equal(await authorizer.roleOf("user:root", "policy_static:staff", ["admin", "viewer"]), "admin");
  await authorizer.grant("user:cy", "triage", "github");
  assert.equal(await authorizer.roleOf("user:cy", "plugin_dynamic:github", ["triage"]), "triage");

  const page = await client.readRelationships({ pageSize: 2, resource: { type: "policy_static" } });
  assert.deepEqual([page.relationships.length, page.nextPageToken], [2, ""]);
  const first = await client.readRelationships({ pageSize: 1 });
  const rest = await client.readRelationships({ pageToken: first.nextPageToken });
  assert.equal(new Set([...first.relationships, ...rest.relationships].map(asText)).size, 3);

  const restarted = new GestaltdAuthorizer(client, { staff: { "user:ada": "viewer" } });
  assert.equal((await restarted.reload()).deletes.length, 2);
  const { allowed } = await client.evaluate(question("subject:user:bo viewer policy_static:staff"));
  assert.equal(allowed, false);
  await bridge.stop();
});
