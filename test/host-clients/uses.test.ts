// What a provider declares in `uses`, what of it a session is offered, and what its handlers then find in `request.host`.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { startWorker, type TestWorker } from "../support/worker-harness.ts";

suite("uses", { timeout: 30_000 }, () => {
  let worker: TestWorker;
  const log: string[] = [];
  before(async () => {
    const entry = new URL("./uses.worker.ts", import.meta.url);
    const durableObjects = { [CHANNEL_BINDING]: "HostChannel" };
    worker = await startWorker({ entry, durableObjects, provider: "declaring", onLog: (line) => log.push(line) });
  });
  after(() => worker.dispose());

  const plugin = (provider: string, hosts: string[]) => {
    const name = `${provider}:${hosts}`;
    return worker.client(IntegrationProvider, { provider, hosts, name, sid: name });
  };
  const execute = async (provider: string, operation: string, hosts: string[]) => {
    const { status, body } = await plugin(provider, hosts).execute({ operation, params: {} });
    return status === 200 ? JSON.parse(body) : status;
  };
  const offered = ["CACHE", "S3_ARCHIVE", "PLUGIN_INVOKER", "RUNTIME_LOG"];

  test("Describe tells all that a provider and its operations declare", async () => {
    const { providers } = await worker.client(WorkerService).describe({});
    const uses = Object.fromEntries(
      providers.map(({ name, uses }) => [name, uses.map((use) => `${use.name}${use.optional ? "?" : ""}`)]),
    );
    assert.deepEqual(uses, {
      declaring: ["cache", "plugins?", "s3?"],
      inOperations: ["cache?", "s3"],
      reaching: ["s3"],
      undeclared: [],
    });
  });

  test("an operation sees what it declares, everything else what the plugin does", async () => {
    assert.deepEqual(await execute("declaring", "own", offered), ["s3", "plugins"]);
    assert.deepEqual(await execute("declaring", "tell", offered), ["cache"]);
    assert.deepEqual(await execute("declaring", "hooks", offered), ["cache"]);
    assert.deepEqual(await execute("inOperations", "a", offered), ["cache", "s3"]);
    assert.deepEqual(await execute("inOperations", "none", offered), []);
    assert.deepEqual(await execute("inOperations", "tell", offered), ["cache", "s3"]);
    assert.deepEqual(await execute("inOperations", "hooks", offered), ["cache", "s3"]);
  });

  test("an optional service that is not offered is not there", async () => {
    assert.deepEqual(await execute("declaring", "own", ["CACHE"]), []);
    assert.deepEqual(await execute("inOperations", "a", ["S3"]), ["s3"]);
  });

  test("a plugin that declares nothing sees what is offered, and other sessions' services never", async () => {
    const all = ["cache", "s3", "plugins", "runtimeLogs"];
    assert.deepEqual(await execute("undeclared", "tell", offered), all);
    assert.deepEqual(await execute("undeclared", "hooks", offered), all);
    assert.deepEqual(await execute("undeclared", "tell", ["AGENT_MANAGER", "WORKFLOW_MANAGER"]), [
      "workflows",
      "agents",
    ]);
    assert.deepEqual(await execute("undeclared", "tell", []), []);
    assert.deepEqual(await execute("undeclared", "host", []), { publicBaseUrl: "" });
  });

  test("a session that lacks a required service is refused when it is configured, in words for the operator", async () => {
    const start = plugin("declaring", ["RUNTIME_LOG"]).startProvider({ name: "x", protocolVersion: 3 });
    await assert.rejects(start, (error: unknown) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.FailedPrecondition);
      assert.equal(
        error.rawMessage,
        `'declaring:RUNTIME_LOG' uses the host service "cache", which it is not offered: list a cache under ` +
          "plugins.declaring:RUNTIME_LOG.cache in gestaltd's config.",
      );
      return true;
    });
    assert.equal(await execute("declaring", "own", ["RUNTIME_LOG"]), 500);
  });

  test("without gestaltd a plugin starts; what needs a service says which", async () => {
    assert.deepEqual(await execute("declaring", "tell", []), []);
    const [service, message] = await execute("declaring", "explains", []);
    assert.equal(service, "cache");
    assert.match(message, /^'declaring:' uses the host service "cache", which it is not offered: list a cache under/);
    assert.equal(await execute("declaring", "needs", []), 500);
    assert.ok(log.some((line) => line.includes("HostServiceMissingError")));
    await assert.rejects(plugin("reaching", []).startProvider({ name: "x", protocolVersion: 3 }), (error: unknown) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.FailedPrecondition);
      assert.match(error.rawMessage, /uses the host service "s3", which it is not offered/);
      return true;
    });
  });

  test("a binding that is not there is an error that lists those that are", async () => {
    assert.equal(await execute("declaring", "needs", ["CACHE_MAIN", "CACHE_OTHER"]), 500);
    assert.ok(log.some((line) => line.includes('there is none named \\"X\\"; gestaltd offers MAIN, OTHER')));
  });
});
