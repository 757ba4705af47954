// A bridge of kind runtime between a fake gestaltd and a worker that prints, walked as gestaltd walks it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import type { PluginRuntimeLogEntry } from "../../src/gen/gestalt/provider/v1/runtime_log_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import {
  type BridgeProcess,
  grpcClient,
  startBridgeProcess,
  until,
  workingProcess,
} from "../support/bridge-process.ts";
import type { FakeGestaltd, HostName } from "../support/fake-gestaltd/fake-gestaltd.ts";
import { startFakeGestaltd } from "../support/fake-gestaltd/start.ts";

export const APP = `${import.meta.dirname}/app`;

const runtime = PluginRuntimeProvider.method;

export interface HostedSession {
  readonly id: string;
  /** The dial target of its plugin. */
  readonly target: string;
  /** Calls an operation of the plugin. */
  invoke(operation: string, params?: JsonObject): Promise<void>;
  /** All that gestaltd has of its log. */
  entries(): readonly PluginRuntimeLogEntry[];
  /** The same without what the runtime says itself. */
  printed(): string[];
  stop(): Promise<void>;
}

export interface RunningRuntime {
  readonly gestaltd: FakeGestaltd;
  readonly bridge: BridgeProcess;
  /** A session whose plugin is started; `env` beside what gestaltd gives, `config` of the plugin. */
  start(options?: SessionOptions): Promise<HostedSession>;
}

export interface SessionOptions {
  readonly worker?: string;
  readonly name?: string;
  readonly config?: JsonObject;
  readonly env?: Readonly<Record<string, string>>;
  readonly hosts?: readonly HostName[];
}

/** `way`: how the bridge reaches gestaltd's log, by the runtime's own socket or by each session's relay. */
export async function startRuntime(
  t: TestContext,
  workers: JsonObject,
  way: "socket" | "relay" = "socket",
): Promise<RunningRuntime> {
  const gestaltd = await startFakeGestaltd(t);
  const own = await gestaltd.offer({ plugin: "", session: "none", via: "unix", hosts: ["RUNTIME_LOG"] });
  const { GESTALT_RUNTIME_LOG_SOCKET: socket = "" } = own;
  const env = way === "socket" ? { GESTALT_RUNTIME_LOG_SOCKET: socket } : {};
  const bridge = await startBridgeProcess(t, "runtime", { env });
  await bridge.configure({ workers });
  return { gestaltd, bridge, start: (options) => startSession(t, gestaltd, bridge, options) };
}

async function startSession(
  t: TestContext,
  gestaltd: FakeGestaltd,
  bridge: BridgeProcess,
  { worker = "chatty", name = "chatty", config = {}, env = {}, hosts = ["RUNTIME_LOG"] }: SessionOptions = {},
): Promise<HostedSession> {
  const { id } = await bridge.call(runtime.startSession, { pluginName: name, template: worker });
  // As gestaltd does it: at once after StartSession, before anything else.
  const offered = await gestaltd.offer({ plugin: name, session: id, via: "tcp", hosts });
  await until(async () => {
    const { state, stateMessage } = await bridge.call(runtime.getSession, { sessionId: id });
    assert.notEqual(state, "failed", stateMessage);
    return state === "ready";
  }, "the session is ready");
  const { dialTarget: target } = await bridge.call(runtime.startPlugin, {
    sessionId: id,
    pluginName: name,
    env: { ...env, ...offered },
  });
  const plugin = grpcClient(t, target);
  await plugin.call(IntegrationProvider.method.startProvider, { name, config, protocolVersion: 3 });
  const entries = () => gestaltd.logs.of(id);
  return {
    id,
    target,
    entries,
    async invoke(operation, params = {}) {
      const { status, body } = await plugin.call(IntegrationProvider.method.execute, { operation, params });
      assert.equal(status, 200, body);
    },
    printed: () =>
      entries()
        .filter(({ stream }) => stream !== RUNTIME)
        .map(({ message }) => message),
    async stop() {
      await bridge.call(runtime.stopSession, { sessionId: id });
    },
  };
}

/** When a call's lines are printed that is over by then, in milliseconds; the last is long after the crash. */
const AFTERWARDS_MS = [100, 400, 1_500];

/**
 * Kills the bridge's working process while the worker has something to say. What that process had not sent yet is lost; what was
 * printed later arrives by its successor, each line once.
 */
export async function outliveCrash({ bridge }: RunningRuntime, session: HostedSession): Promise<void> {
  await session.invoke("later", { word: "before the crash" });
  await until(() => session.printed().at(-1) === "before the crash", "the first line arrives");
  const earlier = session.printed().length;
  const words = AFTERWARDS_MS.map((ms) => `after ${ms} ms`);
  for (const [index, ms] of AFTERWARDS_MS.entries()) await session.invoke("later", { word: words[index] ?? "", ms });
  process.kill(await workingProcess(bridge), "SIGKILL");
  await until(() => session.printed().at(-1) === words.at(-1), "the last line arrives");
  const arrived = session.printed().slice(earlier);
  assert.deepEqual(arrived, words.slice(-arrived.length));
  assertNumbered(session.entries());
}

/** `PluginRuntimeLogStream.RUNTIME` */
const RUNTIME = 3;

export function assertNumbered(entries: readonly PluginRuntimeLogEntry[]): void {
  for (const [index, { sourceSeq }] of entries.entries()) {
    const before = entries[index - 1]?.sourceSeq ?? 0n;
    assert.ok(sourceSeq > before, `the number of line ${index} does not increase`);
  }
}
