// The first act: a plugin hosted by the runtime kind, called the way gestaltd calls it.
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { PROTOCOL_VERSION } from "../../src/wire/limits.ts";
import { type BridgeProcess, dial } from "./bridge-process.ts";
import { handshake } from "./handshake.ts";
import { expect, outcome, type Report } from "./report.ts";

/** How often gestaltd asks whether a session is ready, in milliseconds. */
const READY_POLL_MS = 25;

export interface PluginAct {
  readonly bridge: BridgeProcess;
  /** The `worker` part of the config, for examples/search. */
  readonly worker: JsonObject;
  /** The site the plugin reads. */
  readonly baseUrl: string;
}

export async function playPlugin(report: Report, { bridge, worker, baseUrl }: PluginAct): Promise<void> {
  report.section("A plugin: the runtime kind hosts examples/search");
  const config = { workers: { search: worker } };
  await handshake(report, bridge, { kind: ProviderKind.RUNTIME, name: "edge", config });
  const runtime = bridge.client(PluginRuntimeProvider);
  const sessionId = await startSession(report, runtime);
  const target = await startPlugin(report, runtime, sessionId);
  await callPlugin(report, createClient(IntegrationProvider, dial(target)), baseUrl);
  await report.step("StopSession", async () => {
    await runtime.stopSession({ sessionId });
    return outcome("stopped");
  });
}

async function startSession(report: Report, runtime: Client<typeof PluginRuntimeProvider>): Promise<string> {
  await report.step("GetSupport", async () => {
    const { canHostPlugins } = await runtime.getSupport({});
    expect(canHostPlugins, "the runtime says it cannot host plugins");
    return outcome("can host plugins");
  });
  return report.step("StartSession, GetSession until ready", async () => {
    const metadata = { provider_kind: "plugin", provider_name: "search" };
    const session = await runtime.startSession({ pluginName: "search", template: "search", metadata });
    for (let polls = 1; ; polls++) {
      const { state, stateMessage } = await runtime.getSession({ sessionId: session.id });
      if (state === "ready" || state === "running") return outcome(`${state} after ${polls} polls`, session.id);
      expect(state !== "failed" && state !== "stopped", `the session ${state}: ${stateMessage}`);
      await delay(READY_POLL_MS);
    }
  });
}

function startPlugin(
  report: Report,
  runtime: Client<typeof PluginRuntimeProvider>,
  sessionId: string,
): Promise<string> {
  return report.step("StartPlugin, dial", async () => {
    const request = { sessionId, pluginName: "search", command: "./placeholder", defaultAction: "allow" };
    const { dialTarget } = await runtime.startPlugin({ ...request, env: { GESTALT_RUNTIME_SESSION_ID: sessionId } });
    const socket = dialTarget.replace(/^unix:\/\//, "");
    expect(socket.startsWith("/"), `the dial target ${dialTarget} is no Unix socket`);
    return outcome(dialTarget, socket);
  });
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
