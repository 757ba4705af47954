// The gRPC server: HTTP/2 without TLS on a Unix socket. It finds the handler of each call and leaves the rest to it.
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { serverSpan } from "../tracing/server-span.ts";
import type { TracerSource } from "../tracing/tracer.ts";
import { type CallInit, type FaultListener, ServerCall } from "./call.ts";
import { ACCEPTED_ENCODINGS, replyEncoding, requestEncoding } from "./compression.ts";
import * as limits from "./limits.ts";
import { type ListenAddress, type Listening, listen } from "./listen.ts";
import { metadataFromRequest } from "./metadata.ts";
import type { Router } from "./router.ts";
import { type CallStatus, putStatus, statusOfError } from "./status.ts";
import { parseGrpcTimeout } from "./timeout.ts";

export interface GrpcServerOptions {
  readonly router: Router;
  /** Told of faults of ours: errors of handlers that are no {@link BridgeError}. */
  readonly onFault?: FaultListener;
  /** Undefined where nothing is traced. */
  readonly tracer?: TracerSource | undefined;
}

export interface GrpcServer {
  /** Binds and accepts. Resolves with the address, with the port that was chosen for port 0. To be called once. */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /** Serves a connection that was accepted elsewhere. Nothing of it may have been read. */
  accept(socket: Socket): void;
  /**
   * Stops accepting, lets calls in flight finish for `graceMs`, ends what is left with UNAVAILABLE, and closes every
   * connection. Resolves when no socket is left and the socket file is gone.
   */
  close(graceMs?: number): Promise<void>;
}

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const server = createServer(HTTP2_OPTIONS);
  let listening: Listening | undefined;
  let closing = false;
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const calls = new Set<ServerCall>();
  const accepting = { ...options, onFault: options.onFault ?? (() => {}) };
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => keepSession(session, sessions));
  server.on("sessionError", () => {}); // A broken connection ends its calls; nobody else needs to know.
  server.on("stream", (stream, headers, _flags, rawHeaders) => {
    // Node would make an unhandled stream error, such as a reset by the peer, an uncaught exception.
    stream.on("error", () => {});
    const call = accept(stream, headers, rawHeaders as unknown as string[], accepting);
    if (call === undefined) return;
    calls.add(call);
    stream.once("close", () => calls.delete(call));
    serve(call, options.router);
  });
  return {
    async listen(address) {
      listening = await listen(server, address);
      return listening.address;
    },
    accept: (socket) => {
      if (closing) socket.destroy();
      else server.emit("connection", socket);
    },
    close: (graceMs = limits.CLOSE_GRACE_MS) => {
      closing = true;
      const closed = close(server, { sessions, sockets, calls }, graceMs);
      listening?.remove();
      return closed;
    },
  };
}

const HTTP2_OPTIONS = {
  maxSessionMemory: limits.MAX_SESSION_MEMORY_MEGABYTES,
  maxHeaderListPairs: limits.MAX_HEADER_LIST_PAIRS,
  maxSendHeaderBlockLength: limits.MAX_HEADER_LIST_BYTES,
  maxSessionInvalidFrames: limits.MAX_INVALID_FRAMES,
  streamResetBurst: limits.STREAM_RESET_BURST,
  streamResetRate: limits.STREAM_RESETS_PER_SECOND,
  settings: {
    enablePush: false,
    initialWindowSize: limits.STREAM_WINDOW_BYTES,
    maxConcurrentStreams: limits.MAX_CONCURRENT_STREAMS,
    maxFrameSize: limits.MAX_FRAME_BYTES,
    maxHeaderListSize: limits.MAX_HEADER_LIST_BYTES,
  },
} as const;

function keepSession(session: ServerHttp2Session, sessions: Set<ServerHttp2Session>): void {
  sessions.add(session);
  session.once("close", () => sessions.delete(session));
  session.setLocalWindowSize(limits.SESSION_WINDOW_BYTES);
}

function serve(call: ServerCall, router: Router): void {
  try {
    router.find(call.path)(call);
  } catch (error) {
    call.end(error);
  }
}

const CONTENT_TYPE = /^application\/grpc(\+proto)?(?:$|;)/;

/** Checks what every gRPC request must have; answers those that have not, and then returns undefined. */
function accept(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  { router, onFault, tracer }: GrpcServerOptions & { readonly onFault: FaultListener },
): ServerCall | undefined {
  if (headers[":method"] !== "POST") return refuse(stream, { ":status": 405, allow: "POST" });
  const contentType = CONTENT_TYPE.exec(headers["content-type"] ?? "");
  if (contentType === null) return refuse(stream, { ":status": 415, accept: "application/grpc" });
  const type = contentType[1] === undefined ? "application/grpc" : "application/grpc+proto";
  try {
    const init = callInit(headers, rawHeaders);
    const { path } = init;
    const span =
      tracer && serverSpan(tracer, { path, known: router.has(path), metadata: metadataFromRequest(rawHeaders) });
    return new ServerCall(stream, { ...init, contentType: type, onFault, span });
  } catch (error) {
    return refuse(stream, statusHeaders(statusOfError(error), type));
  }
}

function callInit(
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): Omit<CallInit, "contentType" | "onFault" | "span"> {
  const encoding = requestEncoding(single(headers, "grpc-encoding"));
  return {
    path: headers[":path"] ?? "",
    rawHeaders,
    encoding,
    replyEncoding: replyEncoding(encoding, single(headers, "grpc-accept-encoding")),
    deadline: deadlineOf(single(headers, "grpc-timeout")),
  };
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function deadlineOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const timeout = parseGrpcTimeout(header);
  // grpc-go answers a malformed timeout with INTERNAL.
  if (timeout === undefined)
    throw new BridgeError(GrpcCode.internal, `malformed grpc-timeout ${JSON.stringify(header)}`);
  return Date.now() + timeout;
}

function statusHeaders(status: CallStatus, contentType: string): Record<string, string | number> {
  const headers = { ":status": 200, "content-type": contentType, "grpc-accept-encoding": ACCEPTED_ENCODINGS };
  putStatus(headers, status);
  return headers;
}

/** Answers with headers alone, and stops a caller that still sends. */
function refuse(stream: ServerHttp2Stream, headers: Record<string, string | number>): undefined {
  stream.respond(headers, { endStream: true });
  stream.resume();
  if (!stream.endAfterHeaders) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

interface Open {
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly sockets: ReadonlySet<Socket>;
  readonly calls: ReadonlySet<ServerCall>;
}

async function close(server: Http2Server, open: Open, graceMs: number): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  // The server itself does not wait for connections that were accepted elsewhere.
  const gone = [...open.sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  const closed = Promise.all([stopped, ...gone]);
  for (const session of open.sessions) session.close();
  const endCalls = () => {
    const stopping = new BridgeError(GrpcCode.unavailable, "the bridge is stopping");
    for (const call of open.calls) call.end(stopping);
  };
  const destroy = () => {
    for (const session of open.sessions) session.destroy();
    // A session that has been destroyed still waits for a peer that neither reads nor closes.
    for (const socket of open.sockets) socket.destroy();
  };
  const timers = [setTimeout(endCalls, graceMs), setTimeout(destroy, graceMs + limits.CLOSE_FLUSH_MS)];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
