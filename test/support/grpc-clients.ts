// gRPC clients for tests: grpc-js as the stock one, connect-node, and a raw HTTP/2 one that may misbehave.

import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { TestContext } from "node:test";
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { FrameParser, flagsOf, frame, payloadOf } from "../../src/bridge/grpc/frames.ts";
import { pathOf } from "../../src/bridge/grpc/router.ts";
import type { TestBridge } from "./grpc-bridge.ts";

/** A method as grpc-js wants it. */
export function grpcMethod<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
) {
  return [
    pathOf(method),
    (request: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, request))),
    (bytes: Buffer) => fromBinary(method.output, bytes),
  ] as const satisfies [string, (request: MessageInitShape<I>) => Buffer, (bytes: Buffer) => MessageShape<O>];
}

/** A grpc-js client on the bridge's socket, closed when the test ends. */
export function grpcJs(t: TestContext, bridge: TestBridge, options: grpc.ClientOptions = {}): grpc.Client {
  const client = new grpc.Client(bridge.target, grpc.credentials.createInsecure(), options);
  t.after(() => client.close());
  return client;
}

export interface UnaryResult<O> {
  readonly reply: O | undefined;
  readonly error: grpc.ServiceError | undefined;
  readonly headers: grpc.Metadata | undefined;
  readonly trailers: grpc.Metadata | undefined;
}

/** A unary call with everything that can be seen of it. */
export function unary<I extends DescMessage, O extends DescMessage>(
  client: grpc.Client,
  method: DescMethod & { readonly input: I; readonly output: O },
  request: MessageInitShape<I>,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
): Promise<UnaryResult<MessageShape<O>>> {
  return new Promise((resolve) => {
    let headers: grpc.Metadata | undefined;
    let trailers: grpc.Metadata | undefined;
    let outcome: { reply: MessageShape<O> | undefined; error: grpc.ServiceError | undefined } | undefined;
    const settle = () => {
      if (outcome !== undefined && trailers !== undefined) resolve({ ...outcome, headers, trailers });
    };
    const done = (error: grpc.ServiceError | null, reply?: MessageShape<O>) => {
      outcome = { reply, error: error ?? undefined };
      settle();
    };
    const call = client.makeUnaryRequest(...grpcMethod(method), request, metadata, options, done);
    call.on("metadata", (received: grpc.Metadata) => {
      headers = received;
    });
    call.on("status", (status: grpc.StatusObject) => {
      trailers = status.metadata;
      settle();
    });
  });
}

/** A connect-node transport that speaks gRPC to the bridge's socket. */
export function connectNode(bridge: TestBridge) {
  return createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => connectSocket(bridge.socket) },
    // Closes by itself soon after the last call, so that nothing outlives the test.
    idleConnectionTimeoutMs: 50,
  });
}

/** An HTTP/2 connection to the bridge, destroyed when the test ends. */
export function rawSession(t: TestContext, bridge: TestBridge, authority = "http://localhost"): ClientHttp2Session {
  const session = connect(authority, { createConnection: () => connectSocket(bridge.socket), maxSessionMemory: 1000 });
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders | undefined;
  /** Payloads, as they came. */
  readonly messages: readonly Buffer[];
  /** Flags of each frame. */
  readonly flags: readonly number[];
  readonly resetCode: number | undefined;
  /** How many status values were seen, in headers and trailers together. */
  readonly statuses: readonly string[];
}

/** Opens a stream with gRPC's headers, changed as asked. A header set to undefined is left out. */
export function rawStream(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string | string[] | undefined> = {},
): ClientHttp2Stream {
  const all = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const stream = session.request(Object.fromEntries(given), { endStream: false });
  stream.on("error", () => {});
  return stream;
}

/** Collects all that comes back on a stream until it closes. */
export function collect(stream: ClientHttp2Stream): Promise<RawAnswer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  const messages: Buffer[] = [];
  const flags: number[] = [];
  const parser = new FrameParser((one) => {
    flags.push(flagsOf(one));
    messages.push(payloadOf(one));
  });
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => parser.push(chunk));
  return new Promise((resolve) => {
    stream.once("close", () => {
      const statuses = [headers["grpc-status"], trailers?.["grpc-status"]].filter((s) => s !== undefined).map(String);
      resolve({ headers, trailers, messages, flags, resetCode: stream.rstCode, statuses });
    });
  });
}

/** Sends payloads as frames and closes the sending side. */
export function rawCall(
  session: ClientHttp2Session,
  path: string,
  payloads: readonly Uint8Array[] = [new Uint8Array()],
  headers: Record<string, string | string[] | undefined> = {},
): Promise<RawAnswer> {
  const stream = rawStream(session, path, headers);
  const answer = collect(stream);
  for (const payload of payloads) stream.write(frame(payload));
  stream.end();
  return answer;
}
