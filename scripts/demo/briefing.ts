// The last act: a plugin that calls back. gestaltd's host services stand behind it: another plugin, a cache, an object store and
// a database. The first three are the providers of the acts before; the database and the log are kept by this process.
import type { JsonObject } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { PROTOCOL_VERSION } from "../../src/wire/limits.ts";
import { FakeGestaltd } from "../../test/support/fake-gestaltd/fake-gestaltd.ts";
import { type BridgeProcess, dial } from "./bridge-process.ts";
import { startPlugin, startSession, stopSession } from "./hosted.ts";
import { expect, outcome, type Report } from "./report.ts";

export interface BriefingAct {
  /** Of the runtime kind, configured with both plugins' workers. */
  readonly runtime: BridgeProcess;
  /** Configured bridges, whose sockets stand where gestaltd's would. */
  readonly cache: BridgeProcess;
  readonly objects: BridgeProcess;
  readonly bucket: string;
  /** Address of the site that the search plugin reads. */
  readonly baseUrl: string;
}

const TOPIC = "pier";

export async function playBriefing(report: Report, act: BriefingAct): Promise<void> {
  report.section("Host services: examples/briefing calls back, through its channel and the bridge");
  const runtime = act.runtime.client(PluginRuntimeProvider);
  const searching = await startSession(report, runtime, "search");
  const search = createClient(IntegrationProvider, dial(await startPlugin(report, runtime, searching, "search", {})));
  await search.startProvider({ name: "search", config: { baseUrl: act.baseUrl }, protocolVersion: PROTOCOL_VERSION });
  const find = async (params: JsonObject) => {
    const { body } = await search.execute({ operation: "find", params, invocationId: "demo" });
    return JSON.parse(body);
  };
  const gestaltd = await new FakeGestaltd({ plugins: { search: { find } } }).start();
  try {
    await briefing(report, act, gestaltd, runtime);
  } finally {
    await gestaltd.stop();
  }
  await stopSession(report, runtime, searching);
}

async function briefing(
  report: Report,
  { cache, objects, bucket }: BriefingAct,
  gestaltd: FakeGestaltd,
  runtime: Client<typeof PluginRuntimeProvider>,
): Promise<void> {
  const session = await startSession(report, runtime, "briefing");
  const hosts = ["PLUGIN_INVOKER", "INDEXEDDB", "RUNTIME_LOG"] as const;
  const env = {
    ...(await gestaltd.offer({ plugin: "briefing", session, via: "unix", hosts })),
    GESTALT_CACHE_SOCKET: cache.socket,
    GESTALT_S3_SOCKET: objects.socket,
  };
  // The cache is on disk, and a briefing good for five minutes: one of a run just before would be found.
  await cache.client(Cache).delete({ key: TOPIC });
  const socket = await startPlugin(report, runtime, session, "briefing", env);
  const plugin = createClient(IntegrationProvider, dial(socket));
  await plugin.startProvider({ name: "briefing", config: { bucket }, protocolVersion: PROTOCOL_VERSION });
  const execute = (name: string, operation: string, params: JsonObject, check: (body: string) => boolean) =>
    report.step(name, async () => {
      const request = { operation, params, invocationId: "demo", invocationToken: "demo" };
      const { status, body } = await plugin.execute(request);
      expect(status === 200 && check(body), `status ${status}: ${body}`);
      return outcome(`${status} ${body.replaceAll("\\n", " ").slice(0, SHOWN_CHARACTERS)}`);
    });
  await execute("write: asks the other plugin, keeps the text", "write", { topic: TOPIC }, (body) =>
    /"fresh":true/.test(body),
  );
  await execute("write again: the cache knows", "write", { topic: TOPIC }, (body) => /"fresh":false/.test(body));
  await execute("read: from the bucket", "read", { topic: TOPIC }, (body) => body.includes(`# ${TOPIC}`));
  await execute("topics: from the database, by a cursor", "topics", {}, (body) => /"writes":1/.test(body));
  await report.step("StopSession, and what it logged", async () => {
    await runtime.stopSession({ sessionId: session });
    const lines = gestaltd.logs.of(session).map(({ message }) => message);
    expect(
      lines.some((line) => line.includes("briefing written")),
      `the log has ${JSON.stringify(lines)}`,
    );
    return outcome(lines.find((line) => line.includes("briefing written")) ?? "");
  });
}

const SHOWN_CHARACTERS = 88;
