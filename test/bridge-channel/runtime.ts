// A bridge of kind runtime, as its own process, in front of a scripted worker.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { type BridgeProcess, startBridgeProcess, until } from "../support/bridge-process.ts";
import type { FakeGestaltd, FakeGestaltdOptions, HostName, Via } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";
import { ScriptedWorker, type WorkerChannel } from "./scripted-worker.ts";

const runtime = PluginRuntimeProvider.method;

/** The bridge's key, which a scripted worker does not look at. */
export const KEY = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;

export async function startRuntime(t: TestContext, options?: FakeGestaltdOptions) {
  const worker = await ScriptedWorker.start(t);
  const gestaltd = await startFakeGestaltd(t, options);
  const bridge = await startBridgeProcess(t, "runtime");
  await bridge.configure({
    workers: { search: { url: worker.origin, key: KEY, name: "scripted", provider: "search" } },
  });
  return { worker, gestaltd, bridge };
}

export async function startSession(bridge: BridgeProcess, pluginName = "search"): Promise<string> {
  const { id } = await bridge.call(runtime.startSession, { pluginName, template: "search" });
  const state = async () => (await bridge.call(runtime.getSession, { sessionId: id })).state;
  await until(async () => (await state()) === "ready", "the session is ready");
  return id;
}

/** Starts a plugin of its own session; resolves with its channel. */
export async function hostedChannel(
  bridge: BridgeProcess,
  worker: ScriptedWorker,
  gestaltd: FakeGestaltd,
  pluginName: string,
  hosts: readonly HostName[],
  via: Via = "tcp",
): Promise<WorkerChannel> {
  const session = await startSession(bridge, pluginName);
  const env = await gestaltd.offer({ plugin: pluginName, session, via, hosts });
  await bridge.call(runtime.startPlugin, { sessionId: session, pluginName, env });
  const found = worker.channels.find(({ headers }) => claimsOf(headers.authorization).sid === session);
  assert.ok(found);
  return found;
}

function claimsOf(authorization = ""): { sid?: string } {
  return JSON.parse(Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString());
}
