// What an operation says whose worker has no way to the host services that its session is offered.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

suite("a worker that forgot its channel", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  before(async () => {
    worker = await startWorker({ entry: new URL("./no-channel.worker.ts", import.meta.url), provider: "plugin" });
  });
  after(() => worker.dispose());

  test("says what to add to it, not what to bind in gestaltd; what needs no host service works", async () => {
    const plugin = worker.client(IntegrationProvider, { hosts: ["CACHE"] });
    const { status, body } = await plugin.execute({ operation: "look", params: { key: "k" } });
    assert.equal(status, 500);
    assert.match(JSON.parse(body).error, /^This worker has no host channel: .* export \{ HostChannel \} from/);
    assert.equal((await plugin.execute({ operation: "other" })).body, "true");
  });

  test("says what to bind when that is what is missing", async () => {
    const { body } = await worker.client(IntegrationProvider).execute({ operation: "look", params: {} });
    assert.match(JSON.parse(body).error, /uses the host service "cache", which it is not offered: list a cache under/);
  });
});
