// The first act: a plugin hosted by the runtime kind, called the way gestaltd calls it.
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { PROTOCOL_VERSION } from "../../src/wire/limits.ts";
import { type BridgeProcess, dial } from "./bridge-process.ts";
import { handshake } from "./handshake.ts";
import { startPlugin, startSession, stopSession } from "./hosted.ts";
import { expect, outcome, type Report } from "./report.ts";

export interface PluginAct {
  readonly bridge: BridgeProcess;
  /** Of the runtime's config; `search` is played here. */
  readonly workers: JsonObject;
  /** The site the plugin reads. */
  readonly baseUrl: string;
}

export async function playPlugin(report: Report, { bridge, workers, baseUrl }: PluginAct): Promise<void> {
  report.section("A plugin: the runtime kind hosts examples/search");
  const config = { workers };
  await handshake(report, bridge, { kind: ProviderKind.RUNTIME, name: "edge", config });
  const runtime = bridge.client(PluginRuntimeProvider);
  await report.step("GetSupport", async () => {
    const { canHostPlugins } = await runtime.getSupport({});
    expect(canHostPlugins, "the runtime says it cannot host plugins");
    return outcome("can host plugins");
  });
  const sessionId = await startSession(report, runtime, "search");
  const target = await startPlugin(report, runtime, sessionId, "search", {});
  await callPlugin(report, createClient(IntegrationProvider, dial(target)), baseUrl);
  await stopSession(report, runtime, sessionId);
}

async function callPlugin(report: Report, plugin: Client<typeof IntegrationProvider>, baseUrl: string): Promise<void> {
  await report.step("GetMetadata", async () => {
    const { staticCatalog } = await plugin.getMetadata({});
    const operations = staticCatalog?.operations.map(({ id }) => id) ?? [];
    return outcome(`operations ${operations.join(", ")}`);
  });
  await report.step("StartProvider", async () => {
    const request = { name: "search", config: { baseUrl }, protocolVersion: PROTOCOL_VERSION };
    const { protocolVersion } = await plugin.startProvider(request);
    return outcome(`protocol ${protocolVersion}`);
  });
  const execute = (name: string, operation: string, params: JsonObject, status: number) =>
    report.step(name, async () => {
      const result = await plugin.execute({ operation, params, invocationId: "demo" });
      expect(result.status === status, `status ${result.status} instead of ${status}: ${result.body}`);
      return outcome(`${result.status} ${shorten(result.body)}`);
    });
  await execute("Execute find, over HTTP", "find", { query: "pier", limit: 2 }, 200);
  await execute("Execute page", "page", { path: "/" }, 200);
  await execute("Execute item that does not exist", "item", { id: "99" }, 404);
  await execute("Execute find with bad input", "find", { query: "x", limit: 900 }, 400);
  await execute("Execute an operation that is not there", "fly", {}, 404);
}

const SHOWN_CHARACTERS = 88;

function shorten(body: string): string {
  return body.length <= SHOWN_CHARACTERS ? body : `${body.slice(0, SHOWN_CHARACTERS - 1)}…`;
}
