// host.authorization inside a worker: all eleven methods, and what gestaltd leaves plugins of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startHostHarness } from "../support/host-harness.ts";
import type { ScenarioError } from "../support/scenarios.ts";

const scenarios = new URL("./authorization.worker.ts", import.meta.url);
const hosts = ["AUTHORIZATION"] as const;

test("host.authorization", { timeout: 60_000 }, async (t) => {
  const harness = await startHostHarness(t, { scenarios, hosts, via: "unix" });

  await t.test("writes, lists and names models", async () => {
    assert.deepEqual(await harness.run("models"), {
      none: null,
      before: { capabilities: ["search_subjects"], activeModelId: null },
      first: { id: "model-doc", version: "1" },
      dated: true,
      same: [false, true],
      pages: [["model-doc"], "1", ["model-"], null],
      active: "model-doc",
      metadata: { capabilities: ["search_subjects"], activeModelId: "model-doc" },
    });
  });

  await t.test("writes, reads page by page and removes relationships", async () => {
    const editor = { subject: { type: "user", id: "ada" }, relation: "editor", resource: { type: "doc", id: "1" } };
    assert.deepEqual(await harness.run("relationships"), {
      counts: [3, 1, 1],
      next: ["1", null],
      editors: {
        relationships: [{ ...editor, properties: { since: "2026" } }],
        nextPageToken: null,
        modelId: "model-doc",
      },
      left: 2,
    });
  });

  await t.test("decides one and many", async () => {
    assert.deepEqual(await harness.run("decisions"), {
      view: { allowed: true, context: { ip: "::1" }, modelId: "model-doc" },
      edit: { allowed: false, context: null, modelId: "model-doc" },
      many: [true, false],
      none: [],
    });
  });

  await t.test("searches subjects, resources and actions", async () => {
    const { wrong, ...found } = await harness.run<Record<string, unknown>>("searches");
    const modelId = "model-doc";
    const bo = { type: "user", id: "bo", properties: { team: "x" } };
    assert.deepEqual(found, {
      subjects: { subjects: [{ type: "user", id: "ada" }], nextPageToken: "1", modelId },
      rest: { subjects: [bo], nextPageToken: null, modelId },
      robots: [],
      resources: { resources: [{ type: "doc", id: "1" }], nextPageToken: null, modelId },
      actions: { actions: [{ name: "view" }], nextPageToken: null, modelId },
    });
    const { name, message } = wrong as ScenarioError;
    assert.deepEqual([name, /pageSize/.test(message)], ["InvalidArgumentError", true]);
  });

  await t.test("leaves plugins what gestaltd leaves them", async () => {
    harness.gestaltd.authorization.onlyForPlugins = true;
    const { metadata, subjects, evaluate } = await harness.run<Record<string, unknown>>("forPlugins");
    assert.deepEqual(metadata, { capabilities: ["search_subjects"], activeModelId: "model-doc" });
    assert.equal((subjects as unknown[]).length, 2);
    const { name, code } = evaluate as ScenarioError;
    assert.deepEqual([name, code], ["HostServiceError", "Unimplemented"]);
  });
});
