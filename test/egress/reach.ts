// The front door of these tests: a bridge of kind runtime before the app, sessions with policies, and what they can reach.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext } from "node:test";
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { type EmbeddedNode, startEmbeddedNode } from "../../src/bridge/embedded/node.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import {
  PluginRuntimeProvider,
  type StartHostedPluginRequestSchema,
} from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { type BridgeProcess, grpcClient, startBridgeProcess, until } from "../support/bridge-process.ts";

export const runtime = PluginRuntimeProvider.method;
const plugin = IntegrationProvider.method;

export const APP = join(import.meta.dirname, "app");

/** A node of the app for all tests of a file. */
export function sharedNode(): { readonly state: string; readonly node: EmbeddedNode } {
  const state = mkdtempSync(join(tmpdir(), "gs-"));
  let node: EmbeddedNode | undefined;
  before(async () => {
    node = await startEmbeddedNode({ project: APP, state });
  });
  after(async () => {
    await node?.close();
    rmSync(state, { recursive: true, force: true });
  });
  return {
    state,
    get node() {
      assert.ok(node);
      return node;
    },
  };
}

export async function startRuntime(t: TestContext, workers: JsonObject): Promise<BridgeProcess> {
  const bridge = await startBridgeProcess(t, "runtime");
  await bridge.configure({ workers });
  return bridge;
}

export type Policy = Pick<
  MessageInitShape<typeof StartHostedPluginRequestSchema>,
  "allowedHosts" | "defaultAction" | "env"
>;

export interface Reacher {
  readonly id: string;
  /** What came of reaching for `target`, in words of the app's. */
  reach(way: string, target: string, from?: "handler" | "object" | "alarm" | "self"): Promise<string>;
}

export async function readySession(bridge: BridgeProcess, pluginName: string): Promise<string> {
  const { id } = await bridge.call(runtime.startSession, { pluginName });
  let session = await bridge.call(runtime.getSession, { sessionId: id });
  await until(async () => {
    session = await bridge.call(runtime.getSession, { sessionId: id });
    return session.state !== "pending";
  }, "the session is ready or failed");
  assert.equal(session.state, "ready", session.stateMessage);
  return id;
}

/** A session of the app with a policy. */
export async function startReacher(t: TestContext, bridge: BridgeProcess, policy: Policy): Promise<Reacher> {
  const id = await readySession(bridge, "reacher");
  const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: id, pluginName: "reacher", ...policy });
  const client = grpcClient(t, dialTarget);
  await client.call(plugin.startProvider, { name: "reacher", config: {}, protocolVersion: 3 });
  return {
    id,
    async reach(way, target, from) {
      const params = { way, target, ...(from === undefined ? {} : { from }) };
      const { status, body } = await client.call(plugin.execute, { operation: "reach", params });
      assert.equal(status, 200, body);
      return JSON.parse(body).outcome;
    },
  };
}
