// A bridge of kind runtime over the fixture app, and sessions on it, walked as gestaltd walks them.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { PluginRuntimeProvider, type PluginRuntimeSession } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { type BridgeProcess, grpcClient, startBridgeProcess, until } from "../support/bridge-process.ts";

export const RUNTIME_APP = join(import.meta.dirname, "app");

export const runtime = PluginRuntimeProvider.method;

/** A worker named `app` and those given. */
export async function startRuntime(t: TestContext, state: string, workers: JsonObject = {}): Promise<BridgeProcess> {
  const bridge = await startBridgeProcess(t, "runtime");
  await bridge.configure({ workers: { app: { project: RUNTIME_APP, state }, ...workers } });
  return bridge;
}

export interface SessionWish {
  readonly kind?: "plugin" | "agent" | "workflow";
  readonly name?: string;
  readonly template?: string;
}

/** StartSession, then GetSession until it is ready or failed. */
export async function startSession(bridge: BridgeProcess, wish: SessionWish = {}): Promise<PluginRuntimeSession> {
  const { kind = "plugin", name = kind, template = "app" } = wish;
  const metadata = { provider_kind: kind, provider_name: name };
  const { id } = await bridge.call(runtime.startSession, { pluginName: name, template, metadata });
  return settled(bridge, id);
}

/** The session once it is neither pending nor, for a moment, unknown to a bridge that starts again. */
export async function settled(bridge: BridgeProcess, sessionId: string): Promise<PluginRuntimeSession> {
  let session = await bridge.call(runtime.getSession, { sessionId });
  await until(async () => {
    session = await bridge.call(runtime.getSession, { sessionId });
    return session.state !== "pending";
  }, "the session is ready or failed");
  return session;
}

export interface HostWish extends SessionWish {
  /** The environment StartPlugin has for the session of this id. */
  readonly env?: (session: string) => Variables | Promise<Variables>;
  readonly config?: JsonObject;
}

type Variables = Readonly<Record<string, string>>;

export interface Hosted {
  readonly id: string;
  /** Of its socket. */
  readonly path: string;
  readonly call: BridgeProcess["call"];
  /** Another connection to the socket. */
  connect(): Pick<BridgeProcess, "call">;
}

/** A session with its provider started, configured and, for a workflow, told to start. */
export async function host(t: TestContext, bridge: BridgeProcess, wish: HostWish = {}): Promise<Hosted> {
  const { kind = "plugin", name = kind, env = () => ({}), config = {} } = wish;
  const session = await startSession(bridge, wish);
  assert.equal(session.state, "ready", session.stateMessage);
  const variables = await env(session.id);
  const start = { sessionId: session.id, pluginName: name, command: "./catalog.yaml", env: variables };
  const { dialTarget } = await bridge.call(runtime.startPlugin, start);
  const connect = () => grpcClient(t, dialTarget);
  const { call } = connect();
  if (kind !== "plugin") {
    const { method } = ProviderLifecycle;
    await call(method.configureProvider, { name, config, protocolVersion: 3 });
    if (kind === "workflow") await call(method.startProvider, {});
  }
  return { id: session.id, path: dialTarget.slice("unix://".length), call, connect };
}
