// Abuse of the gRPC side: cut frames, lies, floods, resets and plain noise. The process stays up, each stream ends with one
// status, and nothing is left open. Bounded: some 15 seconds in all.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket, createServer } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { FLAG_END_STREAM, frame } from "../../src/bridge/grpc/frames.ts";
import { createProxy } from "../../src/bridge/proxy/proxy.ts";
import { createHealth } from "../../src/bridge/services/health.ts";
import { createReflection } from "../../src/bridge/services/reflection.ts";
import { Cache } from "../../src/gen/gestalt/provider/v1/cache_pb.ts";
import { S3, WriteObjectRequestSchema } from "../../src/gen/gestalt/provider/v1/s3_pb.ts";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.ts";
import { OBJECT_META_HEADER } from "../../src/wire/routes.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { collect, rawCall, rawSession, rawStream } from "../support/grpc-clients.ts";
import { type Behaviour, type FarSide, farSide } from "../support/grpc-far-side.ts";

const UNARY = "/gestalt.provider.v1.Cache/Get";
const STREAM = "/gestalt.provider.v1.S3/ReadObject";
const WRITE = "/gestalt.provider.v1.S3/WriteObject";
const LOCAL = "/grpc.health.v1.Health/Check";
const BIDI = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const PATHS = [UNARY, STREAM, WRITE, LOCAL, BIDI];

const open = toBinary(
  WriteObjectRequestSchema,
  create(WriteObjectRequestSchema, { msg: { case: "open", value: { ref: { bucket: "b", key: "k" } } } }),
);

/** The worker does what the request's metadata says. */
const far: Behaviour = ({ path, headers }, response) => {
  const form = path === UNARY ? "application/proto" : "application/connect+proto";
  const whole =
    path === UNARY ? Buffer.from([]) : Buffer.concat([frame(open), frame(Buffer.from("{}"), FLAG_END_STREAM)]);
  response.on("error", () => {});
  switch (headers["x-far"]) {
    case "cut":
      return response
        .writeHead(200, { "content-type": form, "content-length": 100, [OBJECT_META_HEADER]: "" })
        .write("x", () => response.destroy());
    case "reset":
      return response.socket?.destroy();
    case "page":
      return response.writeHead(504, { "content-type": "text/html" }).end("<html>");
    case "noise":
      return response.writeHead(200, { "content-type": form }).end(Buffer.alloc(50, 0xa5));
    case "hang":
      return undefined;
    default:
      return response.writeHead(200, { "content-type": form, [OBJECT_META_HEADER]: "" }).end(whole);
  }
};

/** What a caller sends on one stream: bytes, an event-loop turn to let them arrive, and how it ends. */
interface Script {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly chunks: readonly (Buffer | "turn")[];
  readonly ending: "end" | "reset" | "silence";
}

const payload = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(open));
const chunk = fc.oneof(
  { weight: 4, arbitrary: payload.map((bytes) => frame(bytes)) },
  { weight: 1, arbitrary: payload.map((bytes) => frame(bytes, 1)) },
  { weight: 2, arbitrary: fc.tuple(payload, fc.nat(50)).map(([bytes, at]) => frame(bytes).subarray(0, at)) },
  { weight: 1, arbitrary: fc.nat(0xffff_ffff).map((length) => Buffer.from([0, 0, 0, 0, 0]).fill(lie(length), 1)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(5 * 4000)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 3, arbitrary: fc.constant("turn" as const) },
);
const script: fc.Arbitrary<Script> = fc.record({
  path: fc.constantFrom(...PATHS),
  headers: fc.record({
    "x-far": fc.constantFrom("ok", "cut", "reset", "page", "noise", "hang"),
    "grpc-timeout": fc.constantFrom("50m", "60m", "20000u"),
    "grpc-encoding": fc.constantFrom("identity", "gzip", "br"),
  }),
  chunks: fc.array(chunk, { maxLength: 8 }),
  ending: fc.constantFrom("end", "reset", "silence"),
});

function lie(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

describe("under abuse", () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  let openBefore: ReadonlySet<string> = new Set();
  let unhandled = 0;
  const countUnhandled = () => {
    unhandled += 1;
  };
  before(() => {
    process.on("warning", warn);
    process.on("unhandledRejection", countUnhandled);
    openBefore = new Set(openFiles());
  });
  after(async () => {
    process.off("warning", warn);
    process.off("unhandledRejection", countUnhandled);
    const left = () => openFiles().filter((file) => !openBefore.has(file));
    for (let turns = 0; turns < 1000 && left().length > 0; turns++) await turn();
    assert.deepEqual(left(), [], "descriptors are left open");
    assert.deepEqual(warnings, [], "listeners or something else leaked");
    assert.equal(unhandled, 0);
  });

  it("every stream ends with one status, whatever is sent", async (t) => {
    const { bridge, worker } = await start(t);
    const session = rawSession(t, bridge);
    const property = fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 12 }), async (scripts) => {
      await Promise.all(scripts.map((one) => play(session, one)));
    });
    await fc.assert(property, { numRuns: 150, interruptAfterTimeLimit: 7_000 });
    assert.deepEqual((await rawCall(session, UNARY)).statuses, ["0"], "the connection still works");
    assert.deepEqual(bridge.faults, []);
    assert.ok(worker.sockets.size < 100);
  });

  it("frames may be cut, and streams reset, at every byte", async (t) => {
    const { bridge } = await start(t);
    const session = rawSession(t, bridge);
    for (const path of PATHS) {
      const whole = Buffer.concat([frame(open), frame(Buffer.from([0x12, 1, 7]))]);
      const ends = Array.from(
        { length: whole.length + 1 },
        (_, at) => [whole.subarray(0, at), whole.subarray(at)] as const,
      );
      const cut = ends.map(([head]) => play(session, { path, headers: {}, chunks: [head], ending: "end" }));
      const split = ends.map(([head, tail]) => {
        return play(session, { path, headers: {}, chunks: [head, "turn", tail], ending: "end" });
      });
      const reset = ends.map(([head]) => play(session, { path, headers: {}, chunks: [head, "turn"], ending: "reset" }));
      await Promise.all([...cut, ...split, ...reset]);
    }
    assert.deepEqual((await rawCall(session, UNARY)).statuses, ["0"]);
    assert.deepEqual(bridge.faults, []);
  });

  it("a flood of empty messages costs no memory", async (t) => {
    const { bridge } = await start(t);
    const session = rawSession(t, bridge);
    const flood = Buffer.alloc(5 * 400_000);
    const rss = process.memoryUsage().rss;
    for (const path of PATHS) await play(session, { path, headers: {}, chunks: [flood], ending: "reset" });
    assert.ok(process.memoryUsage().rss - rss < 256 * 1024 * 1024);
    assert.deepEqual((await rawCall(session, UNARY)).statuses, ["0"]);
  });

  it("noise on the connection ends that connection at most", async (t) => {
    const { bridge } = await start(t);
    const recorded = await recordConnection(bridge);
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(recorded.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(recorded.length),
      async (changes, length) => {
        const bytes = Buffer.from(recorded);
        for (const [at, value] of changes) bytes[at] = value;
        const socket = connectSocket(bridge.socket);
        socket.on("error", () => {}).resume();
        socket.end(bytes.subarray(0, length));
        await once(socket, "close");
      },
    );
    await fc.assert(property, { numRuns: 300, interruptAfterTimeLimit: 3_000 });
    assert.deepEqual((await rawCall(rawSession(t, bridge), UNARY)).statuses, ["0"]);
    assert.deepEqual(bridge.faults, []);
  });
});

async function start(t: TestContext): Promise<{ bridge: TestBridge; worker: FarSide }> {
  const worker = await farSide(far);
  const services = [Cache, S3, Health];
  const routes = [
    ...createHealth(services).routes,
    ...createReflection(services),
    ...createProxy(worker.source, services),
  ];
  const bridge = await startBridge(t, routes);
  t.after(() => worker.close());
  return { bridge, worker };
}

async function play(session: ReturnType<typeof rawSession>, { path, headers, chunks, ending }: Script): Promise<void> {
  const stream = rawStream(session, path, headers);
  const answer = collect(stream);
  for (const one of chunks) {
    if (one === "turn") await turn();
    else if (!stream.destroyed && !stream.closed) stream.write(one);
  }
  if (ending === "end") stream.end();
  if (ending === "reset") stream.close(8);
  const { statuses, headers: answered } = await answer;
  if (ending === "reset") assert.ok(statuses.length <= 1, `statuses ${statuses}`);
  else assert.equal(statuses.length, 1, `statuses ${statuses} of ${path}, HTTP ${answered[":status"]}`);
}

/** The bytes a client sends for one call. */
async function recordConnection(bridge: TestBridge): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const proxy = createServer((incoming) => {
    const outgoing = connectSocket(bridge.socket);
    incoming.on("data", (bytes: Buffer) => chunks.push(bytes));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.once("close", () => outgoing.destroy());
  });
  proxy.listen(`${bridge.socket}.proxy`);
  await once(proxy, "listening");
  const session = connect("http://localhost", { createConnection: () => connectSocket(`${bridge.socket}.proxy`) });
  await rawCall(session, UNARY, [Buffer.from("payload")]);
  session.close();
  await once(session, "close");
  proxy.close();
  await once(proxy, "close");
  return Buffer.concat(chunks);
}

/** What the process has open: sockets, pipes, files. */
function openFiles(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The directory itself, closed again.
    }
  });
}
