// Runs scenarios (scenarios.ts) inside workerd, in a session that a bridge of kind runtime hosts and a fake gestaltd offers host
// services to: everything between a host client and gestaltd is there. One harness serves a test file.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bufbuild/protobuf";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { atEnd, type BridgeProcess, grpcClient, startBridgeProcess, until } from "./bridge-process.ts";
import { FakeGestaltd, type FakeGestaltdOptions, type HostName, type Via } from "./fake-gestaltd/fake-gestaltd.ts";
import type { Outcome, ScenarioError } from "./scenarios.ts";
import { startWorker, WORKER_NAME } from "./worker-harness.ts";

export interface HostHarnessOptions {
  /** A module whose exported functions are the scenarios: `new URL("./cache.worker.ts", import.meta.url)`. */
  readonly scenarios: URL;
  /** What the session is offered. */
  readonly hosts: readonly HostName[];
  readonly gestaltd?: FakeGestaltdOptions;
  /** `tcp` when left out. */
  readonly via?: Via;
}

export interface HostHarness {
  readonly gestaltd: FakeGestaltd;
  readonly bridge: BridgeProcess;
  /** Lines the worker has printed. */
  readonly log: readonly string[];
  /** gestaltd's id of the session. */
  readonly session: string;
  /** Runs a scenario and returns its result. Rejects with what it threw, as a {@link ScenarioFailure}. */
  run<T = unknown>(scenario: string, params?: JsonObject, options?: RunOptions): Promise<T>;
  /** What the scenario throws; fails when it throws nothing. */
  thrown(scenario: string, params?: JsonObject, options?: RunOptions): Promise<ScenarioError>;
}

export interface RunOptions {
  /** `invocation-1` when left out. */
  readonly invocationToken?: string;
  /** Milliseconds until gestaltd gives the call up. */
  readonly timeoutMs?: number;
}

export class ScenarioFailure extends Error {
  readonly error: ScenarioError;

  constructor(scenario: string, error: ScenarioError) {
    super(`${scenario} threw ${error.name}: ${error.message}${error.code === undefined ? "" : ` (${error.code})`}`);
    this.error = error;
  }
}

/** gestaltd's name for the plugin whose host services these are. */
export const PLUGIN = "caller";
const PROVIDER = "fixture";

/** Ends with the test: nothing may be left connected then. */
export async function startHostHarness(t: TestContext, options: HostHarnessOptions): Promise<HostHarness> {
  const gestaltd = await new FakeGestaltd(options.gestaltd).start();
  atEnd(t, () => gestaltd.stop());
  const entry = scenarioWorker(t, options.scenarios);
  const log: string[] = [];
  atEnd(t, () => assert.deepEqual(complaintsIn(log), [], "workerd complained"));
  const worker = await startWorker({
    entry,
    onLog: (line) => log.push(line),
    durableObjects: { [CHANNEL_BINDING]: "HostChannel" },
    unsafeEphemeralDurableObjects: true,
  });
  atEnd(t, () => worker.dispose());
  atEnd(t, () => until(() => gestaltd.connections === 0, "the bridge has left no connection"));
  const bridge = await startBridgeProcess(t, "runtime");
  const { url, privateKey: key } = worker;
  await bridge.configure({ workers: { [PROVIDER]: { url, key, name: WORKER_NAME, provider: PROVIDER } } });
  const { session, plugin } = await startPlugin(t, bridge, gestaltd, options);
  return harness({ gestaltd, bridge, log, session }, (operation, runOptions) => execute(plugin, operation, runOptions));
}

/** What is no line of ours: unhandled rejections, results nobody disposed of, work that was cancelled as hung. */
function complaintsIn(log: readonly string[]): string[] {
  return log.filter((line) => !line.includes('"level"'));
}

/** The worker's module, made of the scenarios. */
function scenarioWorker(t: TestContext, scenarios: URL): string {
  const folder = mkdtempSync(join(tmpdir(), "hh-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const entry = join(folder, "entry.ts");
  const quoted = (url: URL) => JSON.stringify(fileURLToPath(url));
  writeFileSync(
    entry,
    `import { serve } from "gestalt-edge";
     import * as scenarios from ${quoted(scenarios)};
     import { scenarioPlugin } from ${quoted(new URL("./scenario-plugin.worker.ts", import.meta.url))};
     export { HostChannel } from ${quoted(new URL("../../src/worker/channel/host-channel.ts", import.meta.url))};
     // workerd says nothing of them by itself.
     addEventListener("unhandledrejection", ({ reason }) => console.warn("unhandled rejection:", reason));
     export default serve({ ${PROVIDER}: scenarioPlugin(scenarios) });`,
  );
  return entry;
}

type Client = Pick<BridgeProcess, "call">;

/** As gestaltd does it, reference §2. */
async function startPlugin(t: TestContext, bridge: BridgeProcess, gestaltd: FakeGestaltd, options: HostHarnessOptions) {
  const runtime = PluginRuntimeProvider.method;
  const { id: session } = await bridge.call(runtime.startSession, { pluginName: PLUGIN, template: PROVIDER });
  await until(async () => {
    const { state, stateMessage } = await bridge.call(runtime.getSession, { sessionId: session });
    assert.notEqual(state, "failed", stateMessage);
    return state === "ready";
  }, "the session is ready");
  const { via = "tcp", hosts } = options;
  const env = await gestaltd.offer({ plugin: PLUGIN, session, via, hosts });
  const { dialTarget } = await bridge.call(runtime.startPlugin, { sessionId: session, pluginName: PLUGIN, env });
  const plugin = grpcClient(t, dialTarget);
  const { startProvider } = IntegrationProvider.method;
  await plugin.call(startProvider, { name: PLUGIN, config: {}, protocolVersion: 3 });
  return { session, plugin };
}

async function execute(plugin: Client, params: JsonObject, options: RunOptions): Promise<Outcome> {
  const { invocationToken = "invocation-1", timeoutMs } = options;
  const deadline = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  const request = { operation: "run", params, invocationToken };
  const { status, body } = await plugin.call(IntegrationProvider.method.execute, request, deadline);
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

function harness(
  ends: Pick<HostHarness, "gestaltd" | "bridge" | "log" | "session">,
  runOperation: (params: JsonObject, options: RunOptions) => Promise<Outcome>,
): HostHarness {
  const outcomeOf = (scenario: string, params: JsonObject, options: RunOptions) =>
    runOperation({ scenario, params }, options);
  return {
    ...ends,
    async run<T>(scenario: string, params = {}, options = {}) {
      const outcome = await outcomeOf(scenario, params, options);
      if ("error" in outcome) throw new ScenarioFailure(scenario, outcome.error);
      return outcome.value as T;
    },
    async thrown(scenario, params = {}, options = {}) {
      const outcome = await outcomeOf(scenario, params, options);
      assert.ok("error" in outcome, `${scenario} threw nothing`);
      return outcome.error;
    },
  };
}
