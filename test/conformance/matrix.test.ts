// The matrix over every way in: gRPC through the bridge, Connect to the worker; each codec, plain and compressed.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, describe, it } from "node:test";
import { createRegistry } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { TestWorker } from "../support/worker-harness.ts";
import { type ConformanceClient, nameOf, type Outcome, perform } from "./call.ts";
import { cases, type Expectation } from "./cases.ts";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { LogWatch } from "./log-watch.ts";
import { startBridge, startConformanceWorker, type TestBridge } from "./service.ts";

/** Longer than any test takes, in milliseconds. */
const LONG_MS = 60_000;
/** Between answers of a stream, in milliseconds: a cancellation arrives well before the second. */
const SLOW_MS = 1000;

/** A worker that has not heard of a cancellation by then never will, in milliseconds. */
const HEARING_MS = 15_000;

/** Compresses whatever it sends. */
const GZIP = { sendCompression: compressionGzip, compressMinBytes: 0 };

let worker: TestWorker;
let bridge: TestBridge;
let token: string;
let session: Http2SessionManager;
const log = new LogWatch();
/** workerd closes a connection whose request it did not read to its end; the next call must not meet it. */
const agent = new Agent({ keepAlive: false });

before(async () => {
  worker = await startConformanceWorker(log.line);
  token = await worker.token();
  bridge = await startBridge({ url: worker.url, token });
  session = new Http2SessionManager(`http://127.0.0.1:${bridge.port}`);
});
after(async () => {
  session.abort();
  agent.destroy();
  await bridge.close();
  await worker.dispose();
});

const grpc = (options: object) => () =>
  createGrpcTransport({ baseUrl: session.authority, sessionManager: session, ...options });

const connect = (options: object) => () =>
  createConnectTransport({
    baseUrl: worker.url,
    httpVersion: "1.1",
    useBinaryFormat: true,
    nodeOptions: { agent },
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
    ...options,
  });

interface Peer {
  readonly name: string;
  readonly way: "bridge" | "worker";
  readonly json?: boolean;
  readonly transport: () => Transport;
}

const JSON_CODEC = {
  useBinaryFormat: false,
  jsonOptions: { registry: createRegistry(ConformanceService.file) },
};

const peers: readonly Peer[] = [
  { way: "bridge", name: "gRPC through the bridge", transport: grpc({}) },
  { way: "bridge", name: "gRPC through the bridge, gzip", transport: grpc(GZIP) },
  { way: "worker", name: "Connect to the worker", transport: connect({}) },
  { way: "worker", name: "Connect to the worker, gzip", transport: connect(GZIP) },
  { way: "worker", name: "Connect to the worker, JSON", json: true, transport: connect(JSON_CODEC) },
  {
    way: "worker",
    name: "Connect to the worker, JSON, gzip",
    json: true,
    transport: connect({ ...JSON_CODEC, ...GZIP }),
  },
  { way: "worker", name: "Connect to the worker, GET", transport: connect({ useHttpGet: true }) },
];

for (const peer of peers) {
  describe(peer.name, () => {
    let client: ConformanceClient;
    before(() => {
      client = createClient(ConformanceService, peer.transport());
    });
    for (const one of cases.filter(({ only }) => only === undefined || only === peer.way || isBinary(only, peer))) {
      it(`${one.category}: ${one.name}`, async () => check(await perform(client, one.request, one.call), one.expect));
    }
    it("cancellation: unary", { timeout: HEARING_MS }, async () => {
      const cancel = new AbortController();
      const request = { rpc: "unary", definition: { responseDelayMs: LONG_MS } } as const;
      const begun = log.next("waiting");
      const outcome = perform(client, request, { signal: cancel.signal });
      await begun;
      const heard = hearsOfIt(peer);
      cancel.abort();
      assert.equal(nameOf((await outcome).code), "Canceled");
      await heard;
    });
    it("cancellation: server stream, after an answer", { timeout: HEARING_MS }, async () => {
      const cancel = new AbortController();
      const responseData = [Buffer.from("a"), Buffer.from("b")];
      const request = { rpc: "serverStream", definition: { responseDelayMs: SLOW_MS, responseData } } as const;
      const heard = hearsOfIt(peer);
      const outcome = await perform(client, request, { signal: cancel.signal, onAnswer: () => cancel.abort() });
      assert.deepEqual([nameOf(outcome.code), outcome.data.length], ["Canceled", 1]);
      await heard;
    });
  });
}

/**
 * Resolves when the worker has heard that its caller is gone. workerd takes notice of a reset connection only, which is
 * what the bridge makes; connect-node just closes its own.
 */
function hearsOfIt({ way }: Peer): Promise<void> {
  return way === "bridge" ? log.next("aborted") : Promise.resolve();
}

function isBinary(only: string, { json = false }: Peer): boolean {
  return only === "binary" && !json;
}

function check(outcome: Outcome, expect: Expectation): void {
  const { code = "ok", message, details, data = [] } = expect;
  assert.equal(nameOf(outcome.code), nameOf(code), outcome.message);
  if (typeof message === "string") assert.equal(outcome.message, message);
  else if (message !== undefined) assert.match(outcome.message, message);
  if (details !== undefined) assert.deepEqual(outcome.details, details);
  assert.deepEqual(outcome.data.map(sizeAndStart), data.map(sizeAndStart));
  for (const [name, values] of Object.entries(expect.headers ?? {}))
    assert.deepEqual(valuesOf(outcome.headers, name), values);
  for (const [name, values] of Object.entries(expect.trailers ?? {}))
    assert.deepEqual(valuesOf(outcome.trailers, name), values);
  const seen = new Headers(
    outcome.seen?.requestHeaders.flatMap(({ name, value }) => value.map((one): [string, string] => [name, one])),
  );
  for (const [name, values] of Object.entries(expect.seenHeaders ?? {})) assert.deepEqual(valuesOf(seen, name), values);
  checkTimeout(outcome, expect);
}

function checkTimeout(outcome: Outcome, { seenTimeout }: Expectation): void {
  if (seenTimeout === undefined) return;
  const seen = outcome.seen?.timeoutMs;
  if (seenTimeout === "none") assert.equal(seen, undefined);
  else assert.ok(seen !== undefined && seen > 0n && seen <= BigInt(seenTimeout), `the worker saw ${seen} ms left`);
}

/** Every HTTP library joins duplicates in its own way. */
function valuesOf(headers: Headers, name: string): string[] {
  const values = (headers.get(name) ?? "").split(",").map((value) => value.trim());
  return name.endsWith("-bin") ? values.map((value) => value.replace(/=+$/, "")) : values;
}

/** Enough to compare by, and readable when it differs. */
function sizeAndStart(data: Uint8Array): [number, string] {
  return [data.length, new TextDecoder().decode(data.subarray(0, 40))];
}
