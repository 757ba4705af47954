// A worker whose side of the channel does as a test tells it: refuses, cuts, falls silent, breaks rules, comes back.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { SYSTEM_CLOCK } from "../../src/bridge/clock.ts";
import { type DescribeResponseSchema, WorkerService } from "../../src/gen/gestalt/edge/v1/edge_pb.ts";
import { IntegrationProvider } from "../../src/gen/gestalt/provider/v1/integration_pb.ts";
import { ProviderKind, ProviderLifecycle } from "../../src/gen/gestalt/provider/v1/lifecycle_pb.ts";
import { KEEP_ALIVE_PING, KEEP_ALIVE_PONG } from "../../src/wire/channel/keep-alive.ts";
import { ChannelPeer } from "../../src/wire/channel/peer.ts";
import { PROTOCOL_VERSION } from "../../src/wire/limits.ts";
import { CHANNEL_PATH } from "../../src/wire/routes.ts";
import type { TestCertificate } from "../support/fake-gestaltd/certificate.ts";
import { ServerSocket } from "../support/web-socket-server.ts";

/** One connection of the bridge's. */
export interface WorkerChannel {
  readonly headers: IncomingMessage["headers"];
  /** The worker's side of it, as it is now. */
  readonly peer: ChannelPeer;
  /** The worker's side forgets everything, as an object does that has slept; the socket stays. */
  hibernate(): void;
  readonly socket: ServerSocket;
  /** Binary messages that have come. */
  readonly packets: number;
  /** Questions of keep-alive that have come. */
  readonly pings: number;
  /** Code of the bridge's closing, 1006 for a connection that broke. */
  readonly closed: Promise<number>;
}

export interface Refusal {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ScriptedWorker {
  readonly #server: Server;
  readonly #scheme: string;
  readonly #sockets = new Set<Duplex>();
  readonly channels: WorkerChannel[] = [];
  readonly #arrivals: ((channel: WorkerChannel) => void)[] = [];
  #port = 0;
  #incarnations = 0;
  /** Upgrades asked for, granted or not. */
  upgrades = 0;
  /** What upgrades get instead of a channel. */
  refusal: Refusal | undefined;
  /** The worker takes the upgrade and says nothing. */
  mute = false;
  /** Keep-alive is answered. */
  alive = true;
  /** What it says of itself. */
  describes: MessageInitShape<typeof DescribeResponseSchema> = {
    worker: "scripted",
    hostChannel: true,
    providers: [
      { name: "search", kind: ProviderKind.INTEGRATION },
      { name: "kv", kind: ProviderKind.CACHE },
    ],
  };
  /** Runs when the session is configured, and may call gestaltd by then. */
  configured: () => Promise<void> = async () => undefined;
  /** Sessions it was told the end of. */
  closedSessions = 0;

  constructor(certificate?: TestCertificate) {
    const handle = connectNodeAdapter({ routes: (router) => this.#routes(router) });
    this.#server = certificate === undefined ? createServer(handle) : createSecureServer(secure(certificate), handle);
    this.#scheme = certificate === undefined ? "http" : "https";
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
  }

  static async start(t: TestContext, certificate?: TestCertificate): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(certificate);
    await worker.listen();
    t.after(() => worker.stop());
    return worker;
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** On the port it had before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection and listens no more. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The next channel the bridge opens from now on. */
  next(): Promise<WorkerChannel> {
    return new Promise((resolve) => this.#arrivals.push(resolve));
  }

  #routes(router: ConnectRouter): void {
    router.service(WorkerService, {
      describe: () => this.describes,
      closeSession: () => {
        this.closedSessions += 1;
        return {};
      },
    });
    const configure = async () => {
      await this.configured();
      return { protocolVersion: PROTOCOL_VERSION };
    };
    router.service(IntegrationProvider, { startProvider: configure });
    router.service(ProviderLifecycle, { configureProvider: configure });
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    this.upgrades += 1;
    socket.on("error", () => {});
    if (this.refusal !== undefined || request.url !== CHANNEL_PATH) {
      refuse(socket, this.refusal ?? { status: 404 });
      return;
    }
    const channel = this.#open(request, socket);
    this.channels.push(channel);
    for (const arrived of this.#arrivals.splice(0)) arrived(channel);
  }

  #open(request: IncomingMessage, duplex: Duplex): WorkerChannel {
    const closed = Promise.withResolvers<number>();
    const state = { packets: 0, pings: 0 };
    const socket = new ServerSocket(request, duplex, {
      binary: (packet) => {
        state.packets += 1;
        peer.receive(packet);
      },
      text: (text) => {
        if (text !== KEEP_ALIVE_PING) return;
        state.pings += 1;
        if (this.alive) socket.sendText(KEEP_ALIVE_PONG);
      },
      closed: (code) => closed.resolve(code),
      gone: () => {
        closed.resolve(1006);
        peer.lost("the bridge is gone");
      },
    });
    let peer = this.#peer(socket);
    return {
      headers: request.headers,
      socket,
      get peer() {
        return peer;
      },
      hibernate: () => {
        peer = this.#peer(socket);
      },
      closed: closed.promise,
      get packets() {
        return state.packets;
      },
      get pings() {
        return state.pings;
      },
    };
  }

  #peer(socket: ServerSocket): ChannelPeer {
    this.#incarnations += 1;
    return new ChannelPeer({
      role: { name: "opener", incarnation: this.#incarnations },
      socket: {
        send: (packet) => {
          if (!this.mute) socket.send(packet);
        },
        close: (code, reason) => socket.close(code, reason),
        later: (task) => whenDrained(socket.socket, task),
      },
      clock: SYSTEM_CLOCK,
    });
  }
}

function secure({ certificate, key }: TestCertificate) {
  return { cert: certificate, key };
}

function whenDrained(socket: Duplex, task: () => void): void {
  if (socket.writableNeedDrain) socket.once("drain", task);
  else setImmediate(task);
}

function refuse(socket: Duplex, { status, body = "", headers = {} }: Refusal): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} Refused`, `content-length: ${Buffer.byteLength(body)}`, ...lines];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
