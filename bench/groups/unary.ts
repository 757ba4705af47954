// Unary calls of 64 bytes and 64 KiB: the bridge beside a straightforward proxy, a direct call, the generic router, and the
// same provider as a local process.
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Pool } from "undici";
import { Cache, CacheGetRequestSchema, CacheGetResponseSchema } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { connectGrpc } from "../grpc-client.ts";
import { type LoadResult, measureLoad } from "../load.ts";
import { cpuSeconds, peakMebibytes, resetPeak } from "../process-usage.ts";
import { firstOutput, startProgram } from "../processes.ts";
import { bridgeEnvironment, type Subject, startSubject } from "../subject.ts";
import { printTable, type Row } from "../table.ts";
import type { Reached } from "../targets.ts";

const PATH = `/${Cache.typeName}/${Cache.method.get.name}`;
const SIZES = [64, 64 * 1024];

// Long enough for stable medians; short enough that all rivals together stay under two minutes.
const LOAD = { callers: 32, duration: 4000, warmUp: 1500 };
const SEQUENCE = { callers: 1, duration: 2500, warmUp: 300 };

interface Rival {
  readonly name: string;
  /** Processes between the client and the value, whose CPU and memory count. */
  readonly pids: readonly number[];
  call(message: Uint8Array): Promise<Uint8Array>;
}

interface Measured {
  readonly name: string;
  readonly size: number;
  readonly load: LoadResult;
  readonly sequence: LoadResult;
  readonly cpuMicroseconds: number;
  readonly peak: number;
}

export async function unaryGroup(): Promise<Reached[]> {
  await using subject = await startSubject();
  await using router = await startSubject("generic-router");
  await using closing = new AsyncDisposableStack();
  const bridge = await subject.startBridge("cache", "cache");
  const proxy = await startRivalProgram("straightforward-proxy", join(subject.folder, "proxy.sock"), {
    url: subject.worker.url,
    token: await subject.worker.token(),
  });
  const local = await startRivalProgram("local-provider", join(subject.folder, "local.sock"), {});
  closing.defer(() => proxy.stop());
  closing.defer(() => local.stop());

  const rivals: Rival[] = [
    await grpcRival("bridge → worker", bridge.socket, [bridge.pid, ...subject.workerPids], closing),
    await grpcRival("straightforward proxy → worker", proxy.socket, [proxy.pid, ...subject.workerPids], closing),
    await directRival("worker called directly", subject, closing),
    await directRival("generic router called directly", router, closing),
    await grpcRival("local connect-node process", local.socket, [local.pid], closing),
  ];
  const measured: Measured[] = [];
  for (const size of SIZES) for (const rival of rivals) measured.push(await measure(rival, size));
  printTable("unary calls", measured.map(row));
  return targets(measured);
}

async function measure(rival: Rival, size: number): Promise<Measured> {
  const message = toBinary(CacheGetRequestSchema, create(CacheGetRequestSchema, { key: String(size) }));
  const call = async () => void (await rival.call(message));
  const { value } = fromBinary(CacheGetResponseSchema, await rival.call(message));
  if (value.byteLength !== size) throw new Error(`${rival.name} answered ${value.byteLength} bytes, not ${size}`);
  const sequence = await measureLoad(call, SEQUENCE);
  for (const pid of rival.pids) resetPeak(pid);
  const cpu = cpuSeconds(rival.pids);
  const load = await measureLoad(call, LOAD);
  return {
    name: rival.name,
    size,
    load,
    sequence,
    // The warm-up calls of the load are in the CPU time too.
    cpuMicroseconds: ((cpuSeconds(rival.pids) - cpu) / (load.calls + LOAD.warmUp)) * 1e6,
    peak: Math.max(...rival.pids.map(peakMebibytes)),
  };
}

function row({ name, size, load, sequence, cpuMicroseconds, peak }: Measured): Row {
  return {
    rival: name,
    bytes: size,
    "calls/s": Math.round(load.rate),
    "p50 ms": load.p50,
    "p99 ms": load.p99,
    "alone p50 ms": sequence.p50,
    "alone p99 ms": sequence.p99,
    "CPU µs/call": Math.round(cpuMicroseconds),
    "peak MiB": Math.round(peak),
  };
}

function targets(measured: readonly Measured[]): Reached[] {
  return SIZES.flatMap((size) => {
    const of = (name: string) => {
      const found = measured.find((one) => one.name.startsWith(name) && one.size === size);
      if (found === undefined) throw new Error(`no row ${name}`);
      return found;
    };
    const [bridge, proxy, direct, router] = [of("bridge"), of("straightforward"), of("worker"), of("generic")];
    const label = size === 64 ? "64 B" : "64 KiB";
    return [
      {
        what: `${label}: rate of the bridge ÷ straightforward proxy`,
        value: bridge.load.rate / proxy.load.rate,
        atLeast: 3,
      },
      {
        what: `${label}: p50 of the bridge ÷ straightforward proxy`,
        value: bridge.sequence.p50 / proxy.sequence.p50,
        atMost: 0.4,
      },
      {
        what: `${label}: ms the bridge adds to a direct call, alone, p50`,
        value: bridge.sequence.p50 - direct.sequence.p50,
        atMost: 0.3,
      },
      {
        what: `${label}: rate of the lean path ÷ generic router`,
        value: direct.load.rate / router.load.rate,
        atLeast: 2,
      },
    ];
  });
}

async function grpcRival(
  name: string,
  socket: string,
  pids: readonly number[],
  closing: AsyncDisposableStack,
): Promise<Rival> {
  const client = await connectGrpc(socket);
  closing.defer(() => client.close());
  return { name, pids, call: (message) => client.unary(PATH, message) };
}

async function directRival(
  name: string,
  { worker, workerPids }: Subject,
  closing: AsyncDisposableStack,
): Promise<Rival> {
  const pool = new Pool(worker.url, { connections: LOAD.callers });
  closing.defer(() => pool.close());
  const headers = { authorization: `Bearer ${await worker.token()}`, "content-type": "application/proto" };
  return {
    name,
    pids: workerPids,
    async call(message) {
      const { statusCode, body } = await pool.request({ path: PATH, method: "POST", headers, body: message });
      const bytes = await body.bytes();
      if (statusCode !== 200) throw new Error(`${name}: ${statusCode} ${new TextDecoder().decode(bytes)}`);
      return bytes;
    },
  };
}

async function startRivalProgram(name: string, socket: string, options: Readonly<Record<string, string>>) {
  const program = await startProgram({
    args: [join(import.meta.dirname, "..", "rivals", `${name}.ts`), socket],
    env: { ...bridgeEnvironment(socket) },
    input: `${JSON.stringify({ socket, ...options })}\n`,
    ready: firstOutput,
  });
  return { ...program, socket };
}
