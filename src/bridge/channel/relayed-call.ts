// One call of the worker, performed as gRPC: messages and status cross both ways, and what is held in between is bounded.
import type { IncomingCall } from "../../wire/channel/accepted-call.ts";
import type { CallStatus as ChannelStatus } from "../../wire/channel/frames.ts";
import { CallError, failure } from "../../wire/channel/status.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";
import { type Pieces, sizeOf } from "../grpc/frames.ts";
import type { HeaderList } from "../grpc/metadata.ts";
import { type CallStatus, statusDetails, statusOfError } from "../grpc/status.ts";
import type { HostCall, HostCallSink } from "../host/call.ts";
import type { HostClient } from "../host/client.ts";
import type { HostService } from "../host/host-service.ts";
import type { Tracer } from "../tracing/tracer.ts";
import { MAX_REPEATED_BYTES, READ_AHEAD_BYTES } from "./limits.ts";
import type { ReadAhead, Waiting } from "./read-ahead.ts";

export interface Relay {
  readonly call: IncomingCall;
  /** One the session was offered; the call's method is one of its. */
  readonly service: HostService;
  readonly client: HostClient;
  /** Shared by the calls of a channel. */
  readonly readAhead: ReadAhead;
  readonly tracer?: Tracer | undefined;
}

/** Never throws; what goes wrong is the status of the call. */
export function relayCall(relay: Relay): void {
  const { call, service, tracer } = relay;
  const { path, metadata } = call.init;
  const span = tracer?.client({ path, metadata, address: service.address });
  const relayed = new RelayedCall(relay, span?.metadata ?? metadata);
  void call.ended.then((status) => {
    relayed.cancel();
    span?.end(status);
  });
  relayed.sendAll().catch((error: unknown) => {
    // Of a call that has ended otherwise.
    if (error instanceof CallError) return;
    const { code, message } = statusOfError(error);
    call.end(failure(code, message));
  });
}

class RelayedCall implements HostCallSink {
  readonly #relay: Relay;
  /** Of the call to gestaltd. */
  readonly #metadata: HeaderList;
  readonly #sendsOne: boolean;
  readonly #takesOne: boolean;
  #host: HostCall | undefined;
  /** How far the worker's messages are. */
  #requests: "none" | "some" | "all" = "none";
  /** The only request, while it may be sent a second time. */
  #repeatable: Uint8Array | undefined;
  #headers: HeaderList = [];
  /** The only reply, which goes out together with the status. */
  #reply: Pieces | undefined;
  /** Bytes of replies that have come whole and wait for the channel. */
  #unsent = 0;
  /** Room taken for a reply that has begun, in bytes. */
  #reserved = 0;
  /** For room. */
  #waiting: Waiting | undefined;

  constructor(relay: Relay, metadata: HeaderList) {
    const { streaming } = relay.call.init;
    this.#relay = relay;
    this.#metadata = metadata;
    this.#sendsOne = streaming === "unary" || streaming === "server";
    this.#takesOne = streaming === "unary" || streaming === "client";
  }

  async sendAll(): Promise<void> {
    // gestaltd may speak first. But with a single request nothing begins before that is here: many are given up by then.
    if (!this.#sendsOne) this.#begin();
    for await (const message of this.#relay.call.messages) {
      if (this.#sendsOne) this.#takeRequest(message);
      const host = this.#host ?? this.#begin();
      if (!host.send([bufferOf(message)])) await host.drained();
    }
    if (this.#host === undefined) throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got none");
    this.#requests = "all";
    this.#host.halfClose();
  }

  cancel(): void {
    if (this.#host?.over === false) this.#host.cancel();
  }

  headers(metadata: HeaderList): void {
    this.#headers = metadata;
    this.#repeatable = undefined;
  }

  begins(size: number): void {
    if (this.#relay.readAhead.hasRoom) this.#reserve(size);
    else this.#waitForRoom(() => this.#reserve(size));
  }

  message(payload: Pieces): void {
    const size = sizeOf(payload);
    // What was reserved is its size on the way, which may be compressed.
    this.#relay.readAhead.take(size - this.#reserved);
    this.#reserved = 0;
    if (this.#takesOne) this.#takeReply(payload);
    else this.#forward(payload, size);
  }

  ended(status: CallStatus, trailers: HeaderList): void {
    if (this.#host?.refused === true && this.#repeatable !== undefined) {
      this.#repeat(this.#repeatable);
      return;
    }
    this.#waiting?.cancel();
    this.#relay.readAhead.give(this.#reserved);
    if (this.#takesOne && status.code === GrpcCode.ok) this.#endWithReply(status, trailers);
    else this.#end(status, trailers);
  }

  #begin(): HostCall {
    const { call, service, client } = this.#relay;
    const { path, deadline } = call.init;
    const metadata = this.#metadata;
    const host = client.call(service, path, this, { metadata, ...(deadline === undefined ? {} : { deadline }) });
    this.#host = host;
    return host;
  }

  #takeRequest(message: Uint8Array): void {
    if (this.#requests === "some") throw new BridgeError(GrpcCode.unimplemented, "method takes one message, got more");
    this.#requests = "some";
    if (message.length <= MAX_REPEATED_BYTES) this.#repeatable = message;
  }

  /** Once: gestaltd was closing the connection, and has not looked at the call. */
  #repeat(request: Uint8Array): void {
    this.#repeatable = undefined;
    const host = this.#begin();
    host.send([bufferOf(request)]);
    if (this.#requests === "all") host.halfClose();
  }

  #takeReply(payload: Pieces): void {
    if (this.#reply !== undefined) throw cardinality("more than one");
    this.#reply = payload;
  }

  #forward(message: Pieces, size: number): void {
    this.#unsent += size;
    this.#send(message, size, () => {
      this.#unsent -= size;
      this.#flow();
    });
    if (!this.#relay.readAhead.hasRoom) this.#waitForRoom(() => {});
    this.#flow();
  }

  #endWithReply(status: CallStatus, trailers: HeaderList): void {
    const reply = this.#reply;
    if (reply === undefined) {
      this.#end({ code: GrpcCode.internal, message: cardinality("no").message }, trailers);
      return;
    }
    this.#reply = undefined;
    // Together they are one packet.
    this.#send(reply, sizeOf(reply), () => {});
    this.#end(status, trailers);
  }

  #end(status: CallStatus, trailers: HeaderList): void {
    this.#relay.readAhead.give(sizeOf(this.#reply ?? []));
    this.#relay.call.end(channelStatus(status, [...trailers, ...this.#headers]));
  }

  /** The message's room is given back when it has gone out, or never will. */
  #send(message: Pieces, size: number, sent: () => void): void {
    const { call, readAhead } = this.#relay;
    const done = () => {
      readAhead.give(size);
      sent();
    };
    call.write(message).then(done, done);
  }

  #reserve(size: number): void {
    this.#reserved = size;
    this.#relay.readAhead.take(size);
  }

  #waitForRoom(resume: () => void): void {
    this.#waiting ??= this.#relay.readAhead.wait(() => {
      this.#waiting = undefined;
      resume();
      this.#flow();
    });
    this.#flow();
  }

  /** Reads on or stops: flow control of HTTP/2 then stops gestaltd. */
  #flow(): void {
    const stop = this.#waiting !== undefined || this.#unsent > READ_AHEAD_BYTES;
    if (stop) this.#host?.pause();
    else this.#host?.resume();
  }
}

function channelStatus(status: CallStatus, metadata: HeaderList): ChannelStatus {
  const details = statusDetails(status);
  const first = details === undefined ? [] : ["grpc-status-details-bin", details];
  return { code: status.code, message: status.message, metadata: [...first, ...metadata] };
}

/** gRPC "Status codes": a client that gets another number of answers than one says INTERNAL, as grpc-go does. */
function cardinality(count: string): BridgeError {
  return new BridgeError(GrpcCode.internal, `gestaltd answered with ${count} message`);
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
