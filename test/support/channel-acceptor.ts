// A bridge's end of the channel for tests of the worker: a real WebSocket, the acceptor's peer, and what it has been asked.
import { once } from "node:events";
import type { Socket } from "node:net";
import { Agent, buildConnector, WebSocket } from "undici";
import type { IncomingCall } from "../../src/wire/channel/accepted-call.ts";
import type { ChannelEnd } from "../../src/wire/channel/close.ts";
import type { Leave } from "../../src/wire/channel/frames.ts";
import { ChannelPeer } from "../../src/wire/channel/peer.ts";
import { CallError } from "../../src/wire/channel/status.ts";
import { CHANNEL_PATH } from "../../src/wire/routes.ts";
import type { TestWorker, TokenClaims } from "./worker-harness.ts";

export interface ChannelAcceptor {
  readonly peer: ChannelPeer;
  readonly socket: WebSocket;
  /** Every call it was given, in order. */
  readonly calls: readonly IncomingCall[];
  readonly leaves: readonly Leave[];
  /** Texts that came beside the frames. */
  readonly texts: readonly string[];
  /** How the channel ended. */
  readonly ended: Promise<ChannelEnd>;
  /** The close code, once the socket is closed. */
  readonly closed: Promise<number>;
  /** Stops taking packets, as a bridge whose machine has vanished. */
  deaf: boolean;
  /** Ends the connection without a goodbye, as a network does. */
  breakOff(): void;
  /** Closes the socket if it is open, and waits until it is. */
  close(): Promise<void>;
}

export interface AcceptorOptions {
  /** Of the session token. */
  readonly claims?: TokenClaims;
  /** A CallError that it throws is nothing but the end of the call. */
  onCall?(call: IncomingCall): unknown;
}

/** Opens a session's channel as its bridge does; resolves when it is open. */
export async function acceptChannel(worker: TestWorker, options: AcceptorOptions = {}): Promise<ChannelAcceptor> {
  const authorization = `Bearer ${await worker.token(options.claims)}`;
  const wire = wireTap();
  const url = worker.url.replace("http", "ws") + CHANNEL_PATH;
  const socket = new WebSocket(url, { headers: { authorization }, dispatcher: wire.agent });
  socket.binaryType = "arraybuffer";
  const calls: IncomingCall[] = [];
  const leaves: Leave[] = [];
  const texts: string[] = [];
  const ended = Promise.withResolvers<ChannelEnd>();
  const closed = Promise.withResolvers<number>();
  const peer = new ChannelPeer({
    role: {
      name: "acceptor",
      onCall(call) {
        calls.push(call);
        void perform(call, options.onCall);
      },
    },
    socket: {
      send: (packet) => socket.send(packet as Uint8Array<ArrayBuffer>),
      close: (code, reason) => socket.close(code, reason),
      later: (task) => void setImmediate(task),
    },
    clock: {
      now: () => Date.now(),
      after(milliseconds, task) {
        const timer = setTimeout(task, milliseconds).unref();
        return () => clearTimeout(timer);
      },
    },
    onLeave: (why) => leaves.push(why),
    onEnd: ended.resolve,
  });
  const acceptor = {
    ...{ peer, socket, calls, leaves, texts, ended: ended.promise, closed: closed.promise, deaf: false },
    breakOff: () => wire.socket()?.resetAndDestroy(),
    async close() {
      if (socket.readyState === WebSocket.OPEN) socket.close(1000);
      if (socket.readyState !== WebSocket.CLOSED) await closed.promise;
    },
  };
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") texts.push(data);
    else if (!acceptor.deaf) peer.receive(new Uint8Array(data as ArrayBuffer));
  });
  socket.addEventListener("close", ({ code }) => {
    peer.lost("socket closed");
    closed.resolve(code);
    void wire.agent.destroy();
  });
  const failed = once(socket, "error").then(() => Promise.reject(new Error("the channel could not be opened")));
  await Promise.race([once(socket, "open"), failed]);
  failed.catch(() => {});
  return acceptor;
}

async function perform(call: IncomingCall, onCall: AcceptorOptions["onCall"]): Promise<void> {
  try {
    await onCall?.(call);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
  }
}

/** An agent that tells the socket it has opened. */
function wireTap(): { readonly agent: Agent; socket(): Socket | undefined } {
  const connect = buildConnector({});
  let socket: Socket | undefined;
  const agent = new Agent({
    connect: (options, done) =>
      connect(options, (...result) => {
        socket = result[1] ?? undefined;
        done(...result);
      }),
  });
  return { agent, socket: () => socket };
}
