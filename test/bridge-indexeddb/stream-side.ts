// A far side that speaks the worker's part of src/wire/indexeddb-socket.ts as a test tells it to.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import { Agent } from "undici";
import type { BidiTimes } from "../../src/bridge/proxy/bidi-stream.ts";
import { bidiHandler } from "../../src/bridge/proxy/bidi-stream.ts";
import { resettingConnector } from "../../src/bridge/target/connector.ts";
import type { UpstreamSource } from "../../src/bridge/upstream.ts";
import { IndexedDB } from "../../src/gen/gestalt/provider/v1/indexeddb_pb.ts";
import { CLOSED_CODE } from "../../src/wire/indexeddb-socket.ts";
import { startBridge, type TestBridge } from "../support/grpc-bridge.ts";
import { ServerSocket } from "../support/web-socket-server.ts";

export const method = IndexedDB.method.transaction;
export const TRANSACTION = "/gestalt.provider.v1.IndexedDB/Transaction";

/** One stream, as the worker sees it. */
export interface Conversation {
  readonly request: IncomingMessage;
  readonly socket: ServerSocket;
  /** Binary messages so far. */
  readonly messages: readonly Buffer[];
  /** Text messages so far. */
  readonly texts: readonly string[];
  /** Close code of the bridge, 1005 for none, 0 when the connection just went. */
  readonly closed: Promise<number>;
  /** Resolves when so many messages, binary and text together, have come. */
  heard(count: number): Promise<void>;
  answer(text: string): void;
  /** The last word, and the end. */
  end(error?: object): void;
}

/** What the bridge gets in place of an upgrade. */
export interface Refusal {
  readonly status: number;
  readonly body?: string;
}

export class StreamSide {
  readonly #server: Server = createServer((_, response) => response.writeHead(404).end());
  readonly #sockets = new Set<Socket>();
  readonly #arrivals = new EventEmitter();
  readonly #dispatcher = new Agent({ connections: 64, connect: resettingConnector() });
  readonly conversations: Conversation[] = [];
  /** Connections lost, or not made, that the bridge told of. */
  connectFailures = 0;
  refusal: Refusal | undefined;
  /** What each new conversation does. */
  script: (conversation: Conversation) => void = () => {};
  /** Leaves upgrades without an answer. */
  mute = false;

  static async start(t: TestContext): Promise<StreamSide> {
    const side = new StreamSide();
    side.#server.on("connection", (socket: Socket) => {
      side.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => side.#sockets.delete(socket));
    });
    side.#server.on("upgrade", (request, socket) => side.#upgrade(request, socket));
    side.#server.listen(0, "127.0.0.1");
    await once(side.#server, "listening");
    t.after(async () => {
      side.cut();
      await side.#dispatcher.destroy();
      side.#server.closeAllConnections();
      side.#server.close();
    });
    return side;
  }

  /** A bridge whose transactions go here. */
  bridge(t: TestContext, times: Partial<BidiTimes> = {}): Promise<TestBridge> {
    const all = { keepAliveAfterMs: 20_000, keepAliveTimeoutMs: 20_000, heldErrorMs: 60_000, ...times };
    return startBridge(t, [{ method, handle: bidiHandler(this.source, method, all) }]);
  }

  get source(): UpstreamSource {
    const { port } = this.#server.address() as AddressInfo;
    const upstream = {
      origin: `http://127.0.0.1:${port}`,
      basePath: "/base",
      dispatcher: this.#dispatcher,
      headers: { authorization: "Bearer a-session-token" },
    };
    return {
      upstream: () => upstream,
      connectFailed: () => {
        this.connectFailures += 1;
      },
    };
  }

  /** The stream with this number, from 0. */
  async conversation(number = 0): Promise<Conversation> {
    while (this.conversations[number] === undefined) await once(this.#arrivals, "arrived");
    return this.conversations[number] ?? assert.fail();
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #upgrade(request: IncomingMessage, duplex: Duplex): void {
    duplex.on("error", () => {});
    this.#arrivals.emit("upgrade");
    if (this.mute) return;
    if (this.refusal !== undefined) {
      const { status, body = "" } = this.refusal;
      const head = [`HTTP/1.1 ${status} No`, "content-type: application/json", `content-length: ${body.length}`];
      duplex.end(`${[...head, "connection: close"].join("\r\n")}\r\n\r\n${body}`);
      return;
    }
    const conversation = converse(request, duplex);
    this.conversations.push(conversation);
    this.script(conversation);
    this.#arrivals.emit("arrived");
  }

  /** Resolves with the next request for an upgrade. */
  async asked(): Promise<void> {
    await once(this.#arrivals, "upgrade");
  }
}

function converse(request: IncomingMessage, duplex: Duplex): Conversation {
  const messages: Buffer[] = [];
  const texts: string[] = [];
  const heard = new EventEmitter();
  const closed = Promise.withResolvers<number>();
  const socket = new ServerSocket(request, duplex, {
    binary: (message) => {
      messages.push(Buffer.from(message));
      heard.emit("heard");
    },
    text: (text) => {
      texts.push(text);
      heard.emit("heard");
    },
    closed: (code) => closed.resolve(code),
    gone: () => closed.resolve(0),
  });
  return {
    request,
    socket,
    messages,
    texts,
    closed: closed.promise,
    async heard(count) {
      while (messages.length + texts.length < count) await once(heard, "heard");
    },
    answer: (text) => socket.send(Buffer.from(text)),
    end(error) {
      socket.sendText(JSON.stringify(error === undefined ? {} : { error }));
      socket.close(CLOSED_CODE);
    },
  };
}
