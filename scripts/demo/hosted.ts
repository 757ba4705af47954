// What gestaltd does to have a plugin hosted: a session, polled until it is ready, then the plugin in it.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import type { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { expect, outcome, type Report } from "./report.ts";

type Runtime = Client<typeof PluginRuntimeProvider>;

/** How often gestaltd asks whether a session is ready, in milliseconds. */
const READY_POLL_MS = 25;

/** Resolves to the session's id. */
export function startSession(report: Report, runtime: Runtime, plugin: string): Promise<string> {
  return report.step(`StartSession of ${plugin}, GetSession until ready`, async () => {
    const metadata = { provider_kind: "plugin", provider_name: plugin };
    const session = await runtime.startSession({ pluginName: plugin, template: plugin, metadata });
    for (let polls = 1; ; polls++) {
      const { state, stateMessage } = await runtime.getSession({ sessionId: session.id });
      if (state === "ready" || state === "running") return outcome(`${state} after ${polls} polls`, session.id);
      expect(state !== "failed" && state !== "stopped", `the session ${state}: ${stateMessage}`);
      await delay(READY_POLL_MS);
    }
  });
}

/** Resolves to the path of the socket the plugin is served on. */
export function startPlugin(
  report: Report,
  runtime: Runtime,
  sessionId: string,
  plugin: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return report.step(`StartPlugin of ${plugin}, dial`, async () => {
    const request = { sessionId, pluginName: plugin, command: "./placeholder", defaultAction: "allow" };
    const given = { GESTALT_RUNTIME_SESSION_ID: sessionId, ...env };
    const { dialTarget } = await runtime.startPlugin({ ...request, env: given });
    const socket = dialTarget.replace(/^unix:\/\//, "");
    expect(socket.startsWith("/"), `the dial target ${dialTarget} is no Unix socket`);
    const offered = Object.keys(env).filter((name) => name.endsWith("_SOCKET")).length;
    return outcome(`${dialTarget}${offered === 0 ? "" : `, ${offered} host services`}`, socket);
  });
}

export function stopSession(report: Report, runtime: Runtime, sessionId: string): Promise<void> {
  return report.step("StopSession", async () => {
    await runtime.stopSession({ sessionId });
    return outcome("stopped");
  });
}
