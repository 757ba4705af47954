// A call on the side that opened it: in the worker, on behalf of a provider's handler.
import { GrpcCode } from "../codes.ts";
import { textBytes } from "./bytes.ts";
import { Call, type CallContext, type CallFrame, type CallInit, type CallStreams } from "./call.ts";
import type { CallId, CallStatus } from "./frames.ts";
import { MAX_PATH_BYTES, MAX_SERVICE_BYTES, MAX_TIMEOUT_MS } from "./limits.ts";
import { failure, fitMetadata } from "./status.ts";
import { Violation } from "./violation.ts";

/**
 * To be read to its end or cancelled: unread messages take from the channel's window. Leaving the iteration of `messages`
 * early cancels; the deadline, where there is one, throws away what is unread even after the status came.
 */
export interface OutgoingCall extends CallStreams {
  /** How the call ended. Settles exactly once, never rejects, and does not wait for messages to be read. */
  readonly status: Promise<CallStatus>;
  /** No more messages from here. */
  halfClose(): void;
  /** Ends the call CANCELED and throws away what is unread. Does nothing to a call that is over and read. */
  cancel(): void;
}

export class OpenedCall extends Call implements OutgoingCall {
  readonly status: Promise<CallStatus>;
  #settle: (status: CallStatus) => void;
  #ended: CallStatus | undefined;

  constructor(id: CallId, context: CallContext) {
    super(id, context, "read");
    const { promise, resolve } = Promise.withResolvers<CallStatus>();
    this.status = promise;
    this.#settle = resolve;
  }

  /** Sends OPEN. What cannot be sent ends the call at once. */
  start(init: CallInit): void {
    const { service, path, streaming, metadata, deadline } = init;
    const left = deadline === undefined ? undefined : Math.ceil(deadline - this.context.clock.now());
    const refusal = refusalOf(init, left);
    if (refusal !== undefined) {
      this.lost(refusal);
      return;
    }
    const timeoutMs = left === undefined ? undefined : Math.min(left, MAX_TIMEOUT_MS);
    this.context.sender.put({ type: "open", id: this.id, service, path, streaming, timeoutMs, metadata });
    this.startTimer(deadline);
  }

  halfClose(): void {
    if (this.state !== "open") return;
    this.state = "half-closed";
    this.outbox.endWith({ type: "half-close", id: this.id }, () => {});
    this.context.sender.ready(this.outbox);
  }

  cancel(): void {
    this.giveUp(failure(GrpcCode.canceled, "cancelled by the caller"));
  }

  override receive(frame: CallFrame): void {
    switch (frame.type) {
      case "message":
        this.takeMessage(frame);
        break;
      case "more":
        this.inbox.more(frame.chunk);
        break;
      case "credit":
        this.takeCredit(frame.bytes);
        break;
      case "status": {
        const { code, message, metadata } = frame;
        this.#finish({ code, message, metadata });
        break;
      }
      default:
        throw new Violation(`${frame.type} from the acceptor`);
    }
  }

  override lost(status: CallStatus): void {
    if (this.state === "over") return;
    this.#leave(status);
    this.stopTimer();
    this.inbox.drop(status);
  }

  protected override giveUp(status: CallStatus): void {
    this.stopTimer();
    // What a call that is over has left unread goes as well.
    if (this.state === "over") {
      this.inbox.drop(status);
      return;
    }
    this.context.sender.put({ type: "cancel", id: this.id });
    this.lost(status);
  }

  protected override readerLeft(): void {
    this.cancel();
  }

  protected override drained(): void {
    this.stopTimer();
  }

  protected override writeRefusal(): CallStatus | undefined {
    if (this.state === "open") return undefined;
    return this.#ended ?? failure(GrpcCode.internal, "written to after halfClose()");
  }

  #finish(status: CallStatus): void {
    this.inbox.end(status);
    this.#leave(status);
  }

  #leave(status: CallStatus): void {
    this.#ended = status;
    this.leaveChannel(status);
    this.#settle(status);
  }
}

function refusalOf({ service, path, metadata }: CallInit, left: number | undefined): CallStatus | undefined {
  if (left !== undefined && left <= 0) return failure(GrpcCode.deadlineExceeded, "deadline exceeded");
  if (textBytes(service) > MAX_SERVICE_BYTES)
    return failure(GrpcCode.invalidArgument, "host service's name is too long");
  if (textBytes(path) > MAX_PATH_BYTES) return failure(GrpcCode.invalidArgument, "method path is too long");
  if (fitMetadata(metadata) !== metadata) return failure(GrpcCode.resourceExhausted, "metadata is too large");
  return undefined;
}
