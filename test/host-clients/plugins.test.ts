// host.plugins inside a worker: operations and GraphQL of other plugins, and narrower tokens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { OperationResultSchema } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginInvokeRequestSchema } from "../../src/gen/gestalt/provider/v1/plugin_invoker_pb.ts";
import { MAX_MESSAGE_BYTES } from "../../src/wire/limits.ts";
import { FakeResult } from "../support/fake-gestaltd/plugin-invoker.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("host.plugins", { timeout: 60_000 }, async (t) => {
  let asked = 0;
  const plugins = {
    echo: {
      say: (params: unknown) => params,
      call: (_params: unknown, call: unknown) => call,
      missing: () => new FakeResult(404, '{"error":"no such thing"}'),
      empty: () => new FakeResult(204, ""),
      sized({ body }: JsonObject) {
        asked += 1;
        return new FakeResult(200, "b".repeat(Number(body)));
      },
    },
    graph: {
      graphql: (params: object, { connection }: { readonly connection: string }) => ({ ...params, connection }),
    },
  };
  const scenarios = new URL("./plugins.worker.ts", import.meta.url);
  const harness = await startHostHarness(t, {
    scenarios,
    hosts: ["PLUGIN_INVOKER"],
    via: "tls",
    gestaltd: { plugins },
  });

  await t.test("invokes operations with the request's token, or with what it is told", async () => {
    const { unknown, unsayable, ...results } = await harness.run<Record<string, unknown>>("invokes");
    assert.deepEqual(results, {
      echoed: [200, { words: ["a"], at: "1970-01-01T00:00:00.000Z" }],
      routed: { invocationToken: "narrow", connection: "main", instance: "eu", idempotencyKey: "once" },
      missing: [404, '{"error":"no such thing"}'],
      empty: [204, "", null],
      own: { invocationToken: "invocation-1", connection: "", instance: "", idempotencyKey: "" },
    });
    const message = "operation echo.nothing not found";
    assert.deepEqual(unknown, { name: "NotFoundError", message, code: "NotFound", service: "plugins" });
    assert.equal((unsayable as ScenarioError).name, "InvalidArgumentError");
  });

  await t.test("runs GraphQL documents, with and without variables", async () => {
    assert.deepEqual(await harness.run("graphql"), [
      { document: "query($id: ID!) { node(id: $id) { id } }", variables: { id: "1" }, connection: "" },
      { document: "{ ok }", variables: {}, connection: "c" },
    ]);
  });

  await t.test("narrows tokens", async () => {
    const { fraction, ...tokens } = await harness.run<Record<string, unknown>>("exchanges");
    assert.deepEqual(tokens, { narrow: "invocation-1/a:x:y,b:*:graphql;60s", again: "other/a" });
    assert.equal((fraction as ScenarioError).name, "InvalidArgumentError");
  });

  await t.test("says what a request without a token lacks", async () => {
    const errors = await harness.run<Record<string, ScenarioError>>("withoutToken", {}, { invocationToken: "" });
    for (const [name, { name: error, message }] of Object.entries(errors)) {
      assert.equal(error, "FailedPreconditionError", name);
      assert.match(message, /invocation token is required/);
    }
  });

  await t.test("carries messages of exactly the limit both ways, and none of a byte more", async () => {
    const request = { plugin: "echo", operation: "sized", params: { body: 0 }, invocationToken: "invocation-1" };
    const key = "k".repeat(MAX_MESSAGE_BYTES / 2);
    const around = toBinary(PluginInvokeRequestSchema, create(PluginInvokeRequestSchema, request)).length;
    const field = toBinary(
      PluginInvokeRequestSchema,
      create(PluginInvokeRequestSchema, { idempotencyKey: key }),
    ).length;
    const most = MAX_MESSAGE_BYTES - around - (field - key.length);
    assert.equal(await harness.run("sized", { key: most, body: 1 }), 1);
    assert.equal((await harness.thrown("sized", { key: most + 1, body: 1 })).code, "ResourceExhausted");
    assert.equal(asked, 1);

    const answer = create(OperationResultSchema, { status: 200, body: key });
    const longest = MAX_MESSAGE_BYTES - (toBinary(OperationResultSchema, answer).length - key.length);
    assert.equal(await harness.run("sized", { key: 1, body: longest }), longest);
    assert.equal((await harness.thrown("sized", { key: 1, body: longest + 1 })).code, "ResourceExhausted");
    assert.equal(asked, 3);
  });

  await t.test("refuses what no message can hold", async () => {
    const { code, message } = await harness.thrown("large");
    assert.equal(code, "ResourceExhausted");
    assert.match(message, /4,?194,?304/);
  });
});
