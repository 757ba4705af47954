// Objects through the bridge beside plain HTTP to the same worker (its presigned URLs): rate of 64 MiB, memory of 1 GiB.
import { Readable } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client } from "undici";
import {
  PresignMethod,
  PresignObjectRequestSchema,
  PresignObjectResponseSchema,
  ReadObjectRequestSchema,
  S3,
  WriteObjectRequestSchema,
} from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { connectGrpc, type GrpcClient } from "../grpc-client.ts";
import { peakMebibytes, resetPeak, residentMebibytes } from "../process-usage.ts";
import { startSubject } from "../subject.ts";
import { printTable, type Row } from "../table.ts";
import type { Reached } from "../targets.ts";

const MEBIBYTE = 1024 * 1024;
const RATE_BYTES = 64 * MEBIBYTE;
const MEMORY_BYTES = 1024 * MEBIBYTE;

// What gestaltd sends at a time (reference: it re-chunks at 64 KiB).
const CHUNK = new Uint8Array(64 * 1024).fill(120);

// Odd, so that the median is a round that took place; the first round of each is not counted.
const ROUNDS = 5;

const IN_PARTS = "written in parts";
const AT_ONCE = "written at once";

interface Way {
  readonly name: string;
  write(key: string, size: number): Promise<void>;
  read(key: string, size: number): Promise<void>;
}

export async function objectsGroup(): Promise<Reached[]> {
  await using subject = await startSubject();
  const bridge = await subject.startBridge("s3", "blobs");
  const grpc = await connectGrpc(bridge.socket);
  const http = new Client(subject.worker.url, { bodyTimeout: 0, headersTimeout: 0 });
  try {
    const ways = [throughBridge(grpc), overHttp(http, grpc)];
    await throughBridge(grpc).write(IN_PARTS, RATE_BYTES);
    await overHttp(http, grpc).write(AT_ONCE, RATE_BYTES);
    const rates = [];
    for (const way of ways) rates.push({ way: way.name, ...(await measureRates(way)) });
    printTable("64 MiB objects, MiB/s (median)", rates);
    const growth = await measureGrowth(throughBridge(grpc), {
      bridge: bridge.pid,
      workerd: subject.workerPids[0] ?? 0,
    });
    printTable("1 GiB through the bridge, growth of resident memory in MiB", growth);
    return targets(rates, growth);
  } finally {
    await grpc.close();
    await http.close();
  }
}

function throughBridge(grpc: GrpcClient): Way {
  const path = (method: "readObject" | "writeObject") => `/${S3.typeName}/${S3.method[method].name}`;
  return {
    name: "bridge",
    async write(key, size) {
      await grpc.stream(path("writeObject"), writeMessages(key, size));
    },
    async read(key, size) {
      const request = toBinary(ReadObjectRequestSchema, create(ReadObjectRequestSchema, { ref: ref(key) }));
      const received = await grpc.stream(path("readObject"), [request]);
      if (received < size) throw new Error(`read ${received} bytes of ${size}`);
    },
  };
}

function overHttp(http: Client, grpc: GrpcClient): Way {
  return {
    name: "HTTP to the same worker (presigned)",
    async write(key, size) {
      const { path, headers } = await presign(grpc, key, PresignMethod.PUT);
      const { statusCode, body } = await http.request({
        path,
        method: "PUT",
        headers: { ...headers, "content-length": String(size) },
        body: Readable.from(chunks(size)),
      });
      const text = await body.text();
      if (statusCode >= 300) throw new Error(`PUT ${statusCode} ${text}`);
    },
    async read(key, size) {
      const { path, headers } = await presign(grpc, key, PresignMethod.GET);
      const { statusCode, body } = await http.request({ path, method: "GET", headers });
      let received = 0;
      for await (const chunk of body) received += (chunk as Buffer).byteLength;
      if (statusCode !== 200 || received !== size) throw new Error(`GET ${statusCode}, ${received} bytes of ${size}`);
    },
  };
}

async function presign(grpc: GrpcClient, key: string, method: PresignMethod) {
  const request = create(PresignObjectRequestSchema, { ref: ref(key), method, expiresSeconds: 600n });
  const path = `/${S3.typeName}/${S3.method.presignObject.name}`;
  const answer = await grpc.unary(path, toBinary(PresignObjectRequestSchema, request));
  const { url, headers } = fromBinary(PresignObjectResponseSchema, answer);
  const { pathname, search } = new URL(url);
  return { path: pathname + search, headers };
}

/** Both ways read the same objects: workerd's R2 keeps one that was written in parts otherwise than one written at once. */
async function measureRates(way: Way) {
  return {
    write: await rate(() => way.write(`by ${way.name}`, RATE_BYTES)),
    "read, written in parts": await rate(() => way.read(IN_PARTS, RATE_BYTES)),
    "read, written at once": await rate(() => way.read(AT_ONCE, RATE_BYTES)),
  };
}

async function rate(run: () => Promise<void>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return Math.round(RATE_BYTES / MEBIBYTE / ((times[(ROUNDS - 1) / 2] ?? Number.NaN) / 1000));
}

/** The object is moved once before, so that what counts is what moving costs, not what starting costs. */
async function measureGrowth(way: Way, pids: Readonly<Record<string, number>>) {
  await way.write("warm", 128 * MEBIBYTE);
  await way.read("warm", 128 * MEBIBYTE);
  const rows = [];
  for (const direction of ["write", "read"] as const) {
    const before = Object.entries(pids).map(([name, pid]) => {
      resetPeak(pid);
      return { name, pid, resident: residentMebibytes(pid) };
    });
    await way[direction]("large", MEMORY_BYTES);
    rows.push({
      direction,
      ...Object.fromEntries(before.map(({ name, pid, resident }) => [name, Math.round(peakMebibytes(pid) - resident)])),
    } as { direction: string; bridge: number; workerd: number });
  }
  return rows;
}

function targets(rates: readonly Row[], growth: readonly Row[]): Reached[] {
  const [bridge, http] = rates;
  return [
    ...["write", "read, written in parts", "read, written at once"].map((column) => ({
      what: `64 MiB ${column}: bridge ÷ HTTP`,
      value: Number(bridge?.[column]) / Number(http?.[column]),
      atLeast: 0.6,
    })),
    ...growth.flatMap((row) => [
      { what: `1 GiB ${row.direction}: growth of the bridge, MiB`, value: Number(row.bridge), atMost: 64 },
      { what: `1 GiB ${row.direction}: growth of workerd, MiB`, value: Number(row.workerd), atMost: 64 },
    ]),
  ];
}

const ref = (key: string) => ({ bucket: "bench", key });

function* writeMessages(key: string, size: number): Generator<Uint8Array> {
  const encode = (message: MessageInitShape<typeof WriteObjectRequestSchema>) =>
    toBinary(WriteObjectRequestSchema, create(WriteObjectRequestSchema, message));
  yield encode({ msg: { case: "open", value: { ref: ref(key) } } });
  const data = encode({ msg: { case: "data", value: CHUNK } });
  for (let sent = 0; sent < size; sent += CHUNK.byteLength) yield data;
}

function* chunks(size: number): Generator<Uint8Array> {
  for (let sent = 0; sent < size; sent += CHUNK.byteLength) yield CHUNK;
}
