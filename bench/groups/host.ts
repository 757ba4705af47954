// Calls of host services: what one costs beside a call of the provider, and how fast an object moves through the channel beside
// a client of the bridge's own side that calls the same services directly.
import net from "node:net";
import { join } from "node:path";
import { create, fromBinary, type JsonObject, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  ExecuteRequestSchema,
  IntegrationProvider,
  OperationResultSchema,
} from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { PluginRuntimeProvider } from "../../src/gen/gestalt/provider/v1/runtime_pb.ts";
import { ReadObjectRequestSchema, S3, WriteObjectRequestSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { CHANNEL_BINDING } from "../../src/wire/bindings.ts";
import { connectGrpc, type GrpcClient } from "../grpc-client.ts";
import { type LoadResult, measureLoad } from "../load.ts";
import { cpuSeconds } from "../process-usage.ts";
import { firstOutput, startProgram } from "../processes.ts";
import { startSubject } from "../subject.ts";
import { printTable } from "../table.ts";
import type { Reached } from "../targets.ts";

const MEBIBYTE = 1024 * 1024;
const OBJECT_BYTES = 64 * MEBIBYTE;
const CHUNK_BYTES = 64 * 1024;

/** Host calls made one after the other within one call of the provider; enough that the call itself hardly counts. */
const IN_A_ROW = 20;

const LOAD = { callers: 32, duration: 3000, warmUp: 1000 };
const SEQUENCE = { callers: 1, duration: 2500, warmUp: 300 };
/** Odd, so that the median is a round that took place; the first round of each is not counted. */
const ROUNDS = 5;

export async function hostGroup(): Promise<Reached[]> {
  await using subject = await startSubject("host", { durableObjects: { [CHANNEL_BINDING]: "HostChannel" } });
  await using closing = new AsyncDisposableStack();
  const services = join(subject.folder, "host-services.sock");
  const server = await startProgram({
    args: [join(import.meta.dirname, "..", "rivals", "host-services.ts"), services],
    ready: firstOutput,
  });
  closing.defer(() => server.stop());
  const bridge = await subject.startBridge("runtime", "caller");
  const plugin = await connectGrpc(await hostPlugin(bridge.socket, services));
  closing.defer(() => plugin.close());
  const direct = await connectGrpc(services);
  closing.defer(() => direct.close());
  const unary = await measureUnary(plugin, [bridge.pid, ...subject.workerPids]);
  const objects = await measureObjects(plugin, direct);
  return [...unary, ...objects];
}

/** As gestaltd does, reference §2; resolves to the socket the plugin is on. */
async function hostPlugin(socket: string, services: string): Promise<string> {
  const runtime = createClient(PluginRuntimeProvider, transport(socket));
  const { id: sessionId } = await runtime.startSession({ pluginName: "caller", template: "caller" });
  for (;;) {
    const { state, stateMessage } = await runtime.getSession({ sessionId });
    if (state === "failed") throw new Error(stateMessage);
    if (state === "ready") break;
  }
  const env = { GESTALT_CACHE_SOCKET: services, GESTALT_S3_SOCKET: services };
  const { dialTarget } = await runtime.startPlugin({ sessionId, pluginName: "caller", env });
  const path = dialTarget.replace("unix://", "");
  await createClient(IntegrationProvider, transport(path)).startProvider({
    name: "caller",
    config: {},
    protocolVersion: 3,
  });
  return path;
}

function transport(path: string) {
  const nodeOptions = { createConnection: () => net.connect(path) };
  return createGrpcTransport({ baseUrl: "http://localhost", nodeOptions, idleConnectionTimeoutMs: 0 });
}

async function execute(plugin: GrpcClient, operation: string, params: JsonObject): Promise<void> {
  const request = toBinary(ExecuteRequestSchema, create(ExecuteRequestSchema, { operation, params }));
  const answer = await plugin.unary(`/${IntegrationProvider.typeName}/Execute`, request);
  const { status, body } = fromBinary(OperationResultSchema, answer);
  if (status !== 200) throw new Error(`${operation}: ${status} ${body}`);
}

async function measureUnary(plugin: GrpcClient, pids: readonly number[]): Promise<Reached[]> {
  const get = (count: number, key: string) => () => execute(plugin, "get", { count, key });
  const rows = [];
  const alone = async (count: number, key: string) => (await measureLoad(get(count, key), SEQUENCE)).p50;
  const none = await alone(0, "64");
  const plain = await loaded(get(0, "64"), pids);
  rows.push({ call: "of the provider, no host call", bytes: 64, "alone p50 ms": none, ...plain.columns });
  const reached: Reached[] = [];
  for (const bytes of ["64", "65536"]) {
    const each = ((await alone(IN_A_ROW, bytes)) - none) / IN_A_ROW;
    const one = await loaded(get(1, bytes), pids);
    const cpu = one.cpuMicroseconds - plain.cpuMicroseconds;
    const columns = { ...one.columns, "CPU µs/call": Math.round(cpu) };
    rows.push({ call: "of a host service, Cache.Get", bytes: Number(bytes), "alone p50 ms": each, ...columns });
    if (bytes === "64") reached.push({ what: "64 B host call ÷ provider call, p50", value: each / none, atMost: 2.5 });
  }
  printTable(
    `host calls: alone, ${IN_A_ROW} in a row less the call they are made in; rates with one in each call`,
    rows,
  );
  return reached;
}

async function loaded(call: () => Promise<void>, pids: readonly number[]) {
  const before = cpuSeconds(pids);
  const load: LoadResult = await measureLoad(call, LOAD);
  const cpuMicroseconds = ((cpuSeconds(pids) - before) / (load.calls + LOAD.warmUp)) * 1e6;
  const columns = { "calls/s": Math.round(load.rate), "p50 ms": load.p50, "CPU µs/call": Math.round(cpuMicroseconds) };
  return { cpuMicroseconds, columns };
}

async function measureObjects(plugin: GrpcClient, direct: GrpcClient): Promise<Reached[]> {
  const write = await inTurns(
    () => execute(plugin, "write", { size: OBJECT_BYTES }),
    () => writeDirectly(direct),
  );
  const read = await inTurns(
    () => execute(plugin, "read", { size: OBJECT_BYTES }),
    () => readDirectly(direct),
  );
  printTable("64 MiB objects of a host service, MiB/s (median)", [
    { way: "host.s3 in the worker", write: write.first, read: read.first },
    { way: "client on the bridge's side", write: write.second, read: read.second },
  ]);
  return Object.entries({ write, read }).map(([direction, { ratio }]) => ({
    what: `64 MiB ${direction}: host.s3 ÷ client on the bridge's side`,
    value: ratio,
    atLeast: 0.4,
  }));
}

async function readDirectly(direct: GrpcClient): Promise<void> {
  const request = create(ReadObjectRequestSchema, { ref: { bucket: "bench", key: String(OBJECT_BYTES) } });
  const received = await direct.stream(`/${S3.typeName}/ReadObject`, [toBinary(ReadObjectRequestSchema, request)]);
  if (received < OBJECT_BYTES) throw new Error(`read ${received} bytes of ${OBJECT_BYTES}`);
}

async function writeDirectly(direct: GrpcClient): Promise<void> {
  await direct.stream(`/${S3.typeName}/WriteObject`, writeMessages());
}

function* writeMessages(): Generator<Uint8Array> {
  const encode = (message: MessageInitShape<typeof WriteObjectRequestSchema>) =>
    toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, message));
  yield encode({ msg: { case: "open", value: { ref: { bucket: "bench", key: "written" } } } });
  const data = encode({ msg: { case: "data", value: new Uint8Array(CHUNK_BYTES).fill(120) } });
  for (let sent = 0; sent < OBJECT_BYTES; sent += CHUNK_BYTES) yield data;
}

/** Rates of two ways, a round of each in turn so that both meet the same load; the ratio is the median of the rounds'. */
async function inTurns(first: () => Promise<void>, second: () => Promise<void>) {
  await first();
  await second();
  const rounds: { readonly first: number; readonly second: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ first: await rate(first), second: await rate(second) });
  return {
    first: Math.round(median(rounds.map((round) => round.first))),
    second: Math.round(median(rounds.map((round) => round.second))),
    ratio: median(rounds.map((round) => round.first / round.second)),
  };
}

async function rate(run: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await run();
  return OBJECT_BYTES / MEBIBYTE / ((performance.now() - began) / 1000);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(ROUNDS - 1) / 2] ?? Number.NaN;
}
