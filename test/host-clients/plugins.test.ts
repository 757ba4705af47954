// host.plugins inside a worker: operations and GraphQL of other plugins, and narrower tokens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeResult } from "../support/fake-gestaltd/plugin-invoker.ts";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

test("host.plugins", { timeout: 60_000 }, async (t) => {
  const plugins = {
    echo: {
      say: (params: unknown) => params,
      call: (_params: unknown, call: unknown) => call,
      missing: () => new FakeResult(404, '{"error":"no such thing"}'),
      empty: () => new FakeResult(204, ""),
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

  await t.test("refuses what no message can hold", async () => {
    const { code, message } = await harness.thrown("large");
    assert.equal(code, "ResourceExhausted");
    assert.match(message, /4,?194,?304/);
  });
});
