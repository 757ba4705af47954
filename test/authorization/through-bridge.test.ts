// Authorization the way gestaltd uses it: gRPC on the bridge's socket, model and relationships kept in line with a config.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { AuthorizationProvider } from "../../src/gen/gestalt/provider/v1/authorization_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { grpcError, startBridgeProcess } from "../support/bridge-process.ts";
import { type BridgedClients, GRPC_CLIENTS, startBridgedClients } from "../support/bridged-clients.ts";
import { WORKER_NAME } from "../support/worker-harness.ts";
import { type Authorizations, DOCUMENTS, question, relationship, startAuthorizations } from "./authorizations.ts";
import { GestaltdAuthorizer } from "./gestaltd-authorizer.ts";

describe("authorization through the bridge", () => {
  let authorizations: Authorizations;
  before(async () => {
    authorizations = await startAuthorizations();
  });
  after(() => authorizations?.stop());

  for (const library of GRPC_CLIENTS) {
    describe(`with ${library}`, () => {
      let bridged: BridgedClients;
      const gestaltd = (store: string, policies: ConstructorParameters<typeof GestaltdAuthorizer>[1]) =>
        new GestaltdAuthorizer(bridged.client(AuthorizationProvider, "store", { store }), policies);
      before(async () => {
        bridged = await startBridgedClients(authorizations.worker, "authorization", library);
      });
      after(() => bridged?.stop());

      it("is what gestaltd's config says, and stays what administrators made of it", async () => {
        const store = `config-${library}`;
        const first = gestaltd(store, { staff: { "user:ada": "admin", "user:bo": "viewer" } });
        assert.equal((await first.reload()).writes.length, 2);
        const { modelId, writes, deletes } = await first.reload();
        assert.deepEqual([writes, deletes], [[], []], "the second time nothing has to be written");
        const roles = ["admin", "editor", "viewer"];
        assert.equal(await first.roleOf("user:ada", "policy_static:staff", roles), "admin");
        assert.equal(await first.roleOf("user:bo", "policy_static:staff", roles), "viewer");
        assert.equal(await first.roleOf("user:cy", "policy_static:staff", roles), undefined);
        await first.grant("user:cy", "triage", "github");
        assert.equal(await first.roleOf("user:cy", "plugin_dynamic:github", ["triage"]), "triage");
        assert.notEqual((await first.reload()).modelId, modelId);

        // A restart with another config: one of the roles is gone, and another one new.
        const second = gestaltd(store, { staff: { "user:ada": "owner" } });
        const changes = await second.reload();
        assert.deepEqual(changes.writes, ["subject:user:ada owner policy_static:staff"]);
        assert.deepEqual(changes.deletes, [
          "subject:user:ada admin policy_static:staff",
          "subject:user:bo viewer policy_static:staff",
        ]);
        assert.equal(await second.roleOf("user:ada", "policy_static:staff", ["admin", "owner"]), "owner");
        assert.equal(await second.roleOf("user:cy", "plugin_dynamic:github", ["triage"]), "triage");
      });

      it("tells a gestaltd when another one has put its own model in force", async () => {
        const store = `two-${library}`;
        const [one, other] = [
          gestaltd(store, { a: { "user:ada": "admin" } }),
          gestaltd(store, { b: { "user:ada": "viewer" } }),
        ];
        await one.reload();
        await other.reload();
        await assert.rejects(one.roleOf("user:ada", "policy_static:a", ["admin"]), /active model changed/);
        assert.equal(await other.roleOf("user:ada", "policy_static:b", ["viewer"]), "viewer");
      });
    });
  }

  it("has gestaltd's databases, and does without", async (t) => {
    // Nobody listens there: a provider that has its own storage must not mind.
    const env = {
      GESTALT_INDEXEDDB_SOCKET: "/nowhere/host-0.sock",
      GESTALT_INDEXEDDB_SOCKET_MAIN: "/nowhere/host-1.sock",
    };
    const bridge = await startBridgeProcess(t, "authorization", { env });
    const identity = await bridge.call(ProviderLifecycle.method.getProviderIdentity, {});
    assert.equal(identity.kind, ProviderKind.AUTHORIZATION);
    const key = authorizations.worker.privateKey;
    await bridge.configure({
      ...{ store: "databases", worker: { url: authorizations.worker.url, name: WORKER_NAME, provider: "store", key } },
    });
    const methods = AuthorizationProvider.method;
    const { id } = await bridge.call(methods.writeModel, { model: DOCUMENTS });
    const writes = [relationship("user:ada viewer doc:1")];
    await bridge.call(methods.writeRelationships, { writes, modelId: id });
    const decision = await bridge.call(methods.evaluate, question("user:ada view doc:1"));
    assert.deepEqual([decision.allowed, decision.modelId], [true, id]);
    await assert.rejects(
      bridge.call(methods.evaluate, {}),
      grpcError(grpc.status.INVALID_ARGUMENT, /subject is missing/),
    );
    await assert.rejects(
      bridge.call(methods.readRelationships, { modelId: "m" }),
      grpcError(grpc.status.NOT_FOUND, /no authorization model "m"/),
    );
    await bridge.stop();
  });
});
