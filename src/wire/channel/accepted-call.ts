// A call on the side that performs it: in the bridge, against gestaltd.
import { GrpcCode } from "../codes.ts";
import { Call, type CallContext, type CallFrame, type CallInit, type CallStreams } from "./call.ts";
import type { CallStatus, OpenFrame } from "./frames.ts";
import { failure, fitStatus, OK } from "./status.ts";
import { Violation } from "./violation.ts";

/** Leaving the iteration of `messages` early throws away what else comes, and does not end the call. */
export interface IncomingCall extends CallStreams {
  readonly init: CallInit;
  /**
   * How the call ended: with its own status once that is sent, or cancelled, past its deadline, or with the channel. Settles exactly
   * once, never rejects: where the work is to be given up is known from here.
   */
  readonly ended: Promise<CallStatus>;
  /**
   * Ends the call. OK follows the messages that were written; any other status goes at once, and messages that wait for credit
   * are given up. What is too large in it is cut off. Does nothing to a call that is ended.
   */
  end(status: CallStatus): void;
}

export class AcceptedCall extends Call implements IncomingCall {
  readonly init: CallInit;
  readonly ended: Promise<CallStatus>;
  #settle: (status: CallStatus) => void;
  #status: CallStatus | undefined;

  constructor(frame: OpenFrame, context: CallContext) {
    // A message that waits for a slow gestaltd is held by the bridge as much as one that nobody has read.
    super(frame.id, context, "next");
    const { service, path, streaming, metadata, timeoutMs } = frame;
    const deadline = timeoutMs === undefined ? undefined : context.clock.now() + timeoutMs;
    this.init = { service, path, streaming, metadata, deadline };
    const { promise, resolve } = Promise.withResolvers<CallStatus>();
    this.ended = promise;
    this.#settle = resolve;
    this.startTimer(deadline);
  }

  end(given: CallStatus): void {
    if (this.state === "over" || this.state === "ending") return;
    const status = fitStatus(given);
    if (status.code !== GrpcCode.ok) {
      this.giveUp(status);
      return;
    }
    this.state = "ending";
    this.#status = status;
    this.inbox.discard(status);
    this.outbox.endWith({ type: "status", id: this.id, ...status }, () => this.lost(status));
    this.context.sender.ready(this.outbox);
  }

  override receive(frame: CallFrame): void {
    switch (frame.type) {
      case "message":
        if (this.state === "half-closed") throw new Violation("message after half-close");
        this.takeMessage(frame);
        break;
      case "more":
        this.inbox.more(frame.chunk);
        break;
      case "half-close":
        this.#halfClosed();
        break;
      case "credit":
        this.takeCredit(frame.bytes);
        break;
      case "cancel":
        this.lost(failure(GrpcCode.canceled, "cancelled by the caller"));
        break;
      default:
        throw new Violation(`${frame.type} from the opener`);
    }
  }

  override lost(status: CallStatus): void {
    if (this.state === "over") return;
    this.#status = status;
    this.leaveChannel(status);
    this.stopTimer();
    this.inbox.drop(status);
    this.#settle(status);
  }

  protected override giveUp(status: CallStatus): void {
    if (this.state === "over") return;
    this.context.sender.put({ type: "status", id: this.id, ...status });
    this.lost(status);
  }

  protected override readerLeft(): void {
    this.inbox.discard(OK);
  }

  protected override writeRefusal(): CallStatus | undefined {
    return this.#status;
  }

  #halfClosed(): void {
    if (this.state === "half-closed") throw new Violation("half-close twice");
    if (this.state === "open") this.state = "half-closed";
    this.inbox.end(OK);
  }
}
