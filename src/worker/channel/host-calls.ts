// The calls of one request, in the session's object: opened on the channel, given up with the request.
/// <reference lib="esnext.disposable" />
import { RpcTarget } from "cloudflare:workers";
import type { CallStatus } from "../../wire/channel/frames.ts";
import type { OutgoingCall } from "../../wire/channel/opened-call.ts";
import type { ChannelPeer } from "../../wire/channel/peer.ts";
import { CallError, failure } from "../../wire/channel/status.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { HostStream } from "./host-stream.ts";
import { refusedCall } from "./refused-call.ts";
import type { HostCallInit, HostMessages } from "./rpc.ts";

/** Where a call is opened; a status instead when it cannot be. */
export type PeerSource = (
  timeoutMs: number | undefined,
) => ChannelPeer | CallStatus | Promise<ChannelPeer | CallStatus>;

const CANCELED = failure(GrpcCode.canceled, "cancelled by the caller");

export class HostCalls extends RpcTarget {
  readonly #source: PeerSource;
  /** By the number the request gave; undefined while it waits for a channel. */
  readonly #calls = new Map<number, OutgoingCall | undefined>();

  constructor(source: PeerSource) {
    super();
    this.#source = source;
  }

  /** One message there, what comes back (one, if the host keeps to the contract) and the status. */
  async unary(id: number, init: HostCallInit, message: Uint8Array): Promise<HostMessages> {
    const call = await this.#open(id, init, (opened) => {
      void opened.write(message);
      opened.halfClose();
    });
    const messages: Uint8Array[] = [];
    try {
      for await (const reply of call.messages) {
        messages.push(reply);
        // Two are already too many. Leaving cancels the call.
        if (messages.length > 1) break;
      }
      return { messages, status: await call.status };
    } catch (error) {
      if (error instanceof CallError) return { messages, status: error.status };
      throw error;
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Begins a streaming call with these messages; `last` when there will be no more. */
  async stream(id: number, init: HostCallInit, messages: readonly Uint8Array[], last: boolean): Promise<HostStream> {
    const call = await this.#open(id, init, (opened) => {
      for (const message of messages) void opened.write(message);
      if (last) opened.halfClose();
    });
    return new HostStream(call, () => this.#calls.delete(id));
  }

  /** Ends a call CANCELED; nothing happens when it has ended. */
  cancel(id: number): void {
    this.#calls.get(id)?.cancel();
    this.#calls.delete(id);
  }

  /** The request has ended. */
  cancelAll(): void {
    for (const id of [...this.#calls.keys()]) this.cancel(id);
  }

  /** What `begin` writes shares a packet with the call's first frame. */
  async #open(
    id: number,
    { timeoutMs, ...init }: HostCallInit,
    begin: (call: OutgoingCall) => void,
  ): Promise<OutgoingCall> {
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    this.#calls.set(id, undefined);
    const peer = await this.#source(timeoutMs);
    if (!this.#calls.has(id)) return refusedCall(CANCELED);
    if ("code" in peer) {
      this.#calls.delete(id);
      return refusedCall(peer);
    }
    const call = peer.open({ ...init, deadline });
    this.#calls.set(id, call);
    begin(call);
    return call;
  }
}

/**
 * What tells that a request, or its whole isolate, is gone. The calls themselves cannot: a target is not disposed of while
 * something it was asked is under way. Nothing is ever asked of this one.
 */
export class Lifeline extends RpcTarget {
  readonly #calls: HostCalls;

  constructor(calls: HostCalls) {
    super();
    this.#calls = calls;
  }

  [Symbol.dispose](): void {
    this.#calls.cancelAll();
  }
}
