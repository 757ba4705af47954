// What a tool such as grpcurl learns from a bridge: every service it can call, the health service among them.
import assert from "node:assert/strict";
import { it } from "node:test";
import { createClient } from "@connectrpc/connect";
import { ServerReflection } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { startBridgeProcess } from "../support/bridge-process.ts";
import { createGrpcJsTransport } from "../support/grpc-js-transport.ts";

it("a bridge describes what it serves", async (t) => {
  const bridge = await startBridgeProcess(t, "cache");
  const transport = createGrpcJsTransport(`unix:${bridge.socket}`);
  t.after(() => transport.close());
  const ask = async function* () {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
  };
  for await (const { messageResponse } of createClient(ServerReflection, transport).serverReflectionInfo(ask())) {
    assert.ok(messageResponse.case === "listServicesResponse");
    assert.deepEqual(messageResponse.value.service.map(({ name }) => name).sort(), [
      "gestalt.provider.v1.Cache",
      "gestalt.provider.v1.ProviderLifecycle",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  }
});
