// A collector of OpenTelemetry traces, over HTTP or gRPC: what an operator's backend would receive.
//
// Reads the few fields tests look at straight from the wire; field numbers from opentelemetry.proto.trace.v1.
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of the resource. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly statusMessage: string;
}

export interface Collector {
  /** Host and port, as gestaltd writes it. */
  readonly address: string;
  readonly spans: readonly CollectedSpan[];
  /** Headers of the requests so far. */
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  /** Connections so far. */
  connections(): number;
  /** Resolves when a span fits. */
  seen(fits: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
  close(): Promise<void>;
}

export async function startCollector(protocol: "http" | "grpc"): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const requests: Record<string, unknown>[] = [];
  const waiting = new Set<{ fits: (span: CollectedSpan) => boolean; resolve: (span: CollectedSpan) => void }>();
  const take = (body: Uint8Array, headers: Record<string, unknown>): void => {
    // gestaltd sends these to the same place.
    if (/metrics|logs/i.test(String(headers.url))) return;
    requests.push(headers);
    for (const span of spansOf(body)) {
      spans.push(span);
      for (const waiter of waiting) {
        if (!waiter.fits(span)) continue;
        waiting.delete(waiter);
        waiter.resolve(span);
      }
    }
  };
  const server = protocol === "http" ? httpServer(take) : grpcServer(take);
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    spans,
    requests,
    connections: () => connections,
    seen(fits) {
      const known = spans.find(fits);
      return known ? Promise.resolve(known) : new Promise((resolve) => waiting.add({ fits, resolve }));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

type Take = (body: Uint8Array, headers: Record<string, unknown>) => void;

function httpServer(take: Take) {
  return createServer(async (request, response) => {
    const body = await read(request);
    take(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body, {
      ...request.headers,
      url: request.url,
    });
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
}

/** Bytes before a gRPC message: a flag and its length. */
const GRPC_PREFIX = 5;

function grpcServer(take: Take) {
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const frame = Buffer.concat(chunks);
      const body = frame.subarray(GRPC_PREFIX);
      take(frame[0] === 1 ? gunzipSync(body) : body, { ...headers, url: headers[":path"] });
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(GRPC_PREFIX));
    });
  });
  return server;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function spansOf(body: Uint8Array): CollectedSpan[] {
  return children(body, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(children(children(resourceSpans, 1)[0] ?? new Uint8Array(), 1));
    return children(resourceSpans, 2)
      .flatMap((scopeSpans) => children(scopeSpans, 2))
      .map((span) => ({
        traceId: hex(children(span, 1)[0]),
        spanId: hex(children(span, 2)[0]),
        parentSpanId: hex(children(span, 4)[0]),
        name: text(children(span, 5)[0]),
        kind: Number(field(span, 6) ?? 0),
        attributes: attributesOf(children(span, 9)),
        resource,
        status: Number(field(children(span, 15)[0] ?? new Uint8Array(), 3) ?? 0),
        statusMessage: text(children(children(span, 15)[0] ?? new Uint8Array(), 2)[0]),
      }));
  });
}

function attributesOf(pairs: readonly Uint8Array[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map((pair) => [text(children(pair, 1)[0]), anyValue(children(pair, 2)[0])]));
}

/** `AnyValue`: string, bool, int, double or array, by the field that is there. */
function anyValue(value: Uint8Array = new Uint8Array()): unknown {
  const [number, content] = fields(value)[0] ?? [0, undefined];
  if (number === 1) return text(content as Uint8Array);
  if (number === 2) return content === 1n;
  if (number === 3) return Number(content);
  if (number === 5) return children(content as Uint8Array, 1).map((item) => anyValue(item));
  return content;
}

function children(message: Uint8Array, number: number): Uint8Array[] {
  return fields(message).flatMap(([n, value]) => (n === number && value instanceof Uint8Array ? [value] : []));
}

function field(message: Uint8Array, number: number): unknown {
  return fields(message).find(([n]) => n === number)?.[1];
}

function fields(message: Uint8Array): [number, Uint8Array | bigint | number][] {
  const reader = new BinaryReader(message);
  const found: [number, Uint8Array | bigint | number][] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) found.push([number, reader.bytes()]);
    else if (wireType === WireType.Varint) found.push([number, BigInt(reader.uint64())]);
    else if (wireType === WireType.Bit64) found.push([number, reader.double()]);
    else reader.skip(wireType, number);
  }
  return found;
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString("hex");
}

function text(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString();
}
