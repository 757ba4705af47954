// The lightest gRPC client that is still one: raw HTTP/2 on one connection, so that the client costs every rival the same.
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";

export interface GrpcClient {
  /** Makes one unary call with an encoded message and resolves with the encoded answer; rejects on any status but OK. */
  unary(path: string, message: Uint8Array): Promise<Buffer>;
  /** Makes one call of any kind: sends the messages as fast as the server takes them, and counts the bytes that come back. */
  stream(path: string, messages: Iterable<Uint8Array>): Promise<number>;
  /** Opens a call in which messages and answers alternate. */
  converse(path: string): Conversation;
  close(): Promise<void>;
}

export interface Conversation {
  /** Sends a message and resolves with its answer; rejects when the call ends without one. */
  ask(message: Uint8Array): Promise<Buffer>;
  /** Says that there are no more messages; resolves when the call has ended well. */
  end(): Promise<void>;
}

// As a gRPC client with tuned windows has them; the default of 64 KiB would measure the window, not the server.
const WINDOW_BYTES = 16 * 1024 * 1024;

/** Connects to a Unix socket in plain HTTP/2 with prior knowledge, as gestaltd does. */
export async function connectGrpc(socketPath: string): Promise<GrpcClient> {
  const session = http2.connect("http://localhost", {
    createConnection: () => net.connect(socketPath),
    settings: { initialWindowSize: WINDOW_BYTES },
    maxSessionMemory: 1000,
  });
  await new Promise<void>((resolve, reject) => {
    session
      .once("connect", () => resolve())
      .once("error", reject)
      .once("close", () => reject(LOST));
  });
  session.setLocalWindowSize(WINDOW_BYTES);
  return {
    unary: async (path, message) => {
      const chunks: Buffer[] = [];
      await call(session, path, [message], (chunk) => chunks.push(chunk));
      return Buffer.concat(chunks).subarray(FRAME_HEAD_BYTES);
    },
    stream: async (path, messages) => {
      let received = 0;
      await call(session, path, messages, (chunk) => {
        received += chunk.byteLength;
      });
      return received;
    },
    converse: (path) => converse(session, path),
    close: () => new Promise((resolve) => (session.destroyed ? resolve() : session.close(resolve))),
  };
}

// One byte of flags and four of length before each message (gRPC over HTTP/2).
const FRAME_HEAD_BYTES = 5;

function call(
  session: http2.ClientHttp2Session,
  path: string,
  messages: Iterable<Uint8Array>,
  onData: (chunk: Buffer) => void,
): Promise<void> {
  const { stream, ended } = open(session, path, onData);
  return Promise.race([ended, send(stream, messages).then(() => ended)]);
}

/** `ended` settles with the call: it rejects on any status but OK. */
function open(session: http2.ClientHttp2Session, path: string, onData: (chunk: Buffer) => void) {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const ended = new Promise<void>((resolve, reject) => {
    let status: unknown;
    let text: unknown;
    const note = (headers: http2.IncomingHttpHeaders) => {
      status = headers["grpc-status"] ?? status;
      text = headers["grpc-message"] ?? text;
    };
    stream.on("response", note).on("trailers", note).on("error", reject).on("data", onData);
    stream.on("end", () => {
      if (status === "0") resolve();
      else reject(new Error(`${path}: grpc-status ${String(status)}: ${String(text)}`));
    });
    // A connection that is reset ends its streams with neither.
    stream.on("close", () => reject(LOST));
  });
  return { stream, ended };
}

function converse(session: http2.ClientHttp2Session, path: string): Conversation {
  let received: Buffer = Buffer.alloc(0);
  let due: PromiseWithResolvers<Buffer> | undefined;
  const { stream, ended } = open(session, path, (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.byteLength < FRAME_HEAD_BYTES) return;
    const end = FRAME_HEAD_BYTES + received.readUInt32BE(1);
    if (received.byteLength < end) return;
    due?.resolve(received.subarray(FRAME_HEAD_BYTES, end));
    received = received.subarray(end);
  });
  ended.then(
    () => due?.reject(LOST),
    (error: unknown) => due?.reject(error),
  );
  return {
    ask(message) {
      due = Promise.withResolvers();
      stream.write(framed(message));
      return due.promise;
    },
    end() {
      stream.end();
      return ended;
    },
  };
}

const LOST = new Error("the connection was lost");

async function send(stream: http2.ClientHttp2Stream, messages: Iterable<Uint8Array>): Promise<void> {
  for (const message of messages) if (!stream.write(framed(message))) await once(stream, "drain");
  stream.end();
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + message.byteLength);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}
