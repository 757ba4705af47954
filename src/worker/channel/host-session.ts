// A request's hold on its session's object: taken with a host call, shared by those that follow while its handler is at work.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call.ts";
import { NO_CHANNEL } from "../host/hosting.ts";
import type { HostChannel } from "./host-channel.ts";
import { HOLD_IDLE_MS } from "./limits.ts";
import { channelNamespace, channelObjectId } from "./object-name.ts";

type Session = ReturnType<DurableObjectStub<HostChannel>["session"]>;

/** The calls of the object, as the platform's RPC has them: asked before the session has answered, they go along with it. */
export type HostCallsStub = Session["calls"];

export interface Lease {
  readonly calls: HostCallsStub;
  readonly id: number;
  /** May be called again. */
  release(): void;
  /** What the call ends with when asking the object threw. */
  failure(error: unknown): ConnectError;
}

interface Hold {
  readonly session: Session;
  users: number;
  /** When the last user left, in milliseconds since the epoch. */
  idleSince: number;
}

export class HostSession {
  readonly #call: Call;
  readonly #working: () => boolean;
  #hold: Hold | undefined;
  #lastId = 0;
  #watching = false;

  /** `working` says whether more calls are to be expected: then the hold is kept a while, which spares each the way to it. */
  constructor(call: Call, working: () => boolean) {
    this.#call = call;
    this.#working = working;
  }

  /** The handler is done. What it has left behind to go on lets go of the object after each call. */
  rest(): void {
    if (this.#hold?.users === 0) this.#letGo(this.#hold);
  }

  /** For one host call: what the object offers, and the call's name there. To be released when the call has ended. */
  take(): Lease {
    this.#hold ??= { session: this.#open(), users: 0, idleSince: 0 };
    const hold = this.#hold;
    hold.users += 1;
    let held = true;
    return {
      calls: hold.session.calls,
      id: ++this.#lastId,
      release: () => {
        if (held) this.#release(hold);
        held = false;
      },
      failure: (error) => this.#failure(hold, error),
    };
  }

  #open(): Session {
    const { bindings, session, sessionToken } = this.#call;
    const namespace = channelNamespace(bindings);
    if (namespace === undefined) throw new ConnectError(NO_CHANNEL, Code.FailedPrecondition);
    return namespace.get(channelObjectId(namespace, session)).session(sessionToken);
  }

  /**
   * What comes from the platform instead of an answer: it could not reach the object, or lost it. The hold is good for nothing any
   * more, and the next call takes another.
   */
  #failure(hold: Hold, error: unknown): ConnectError {
    if (this.#hold === hold) this.#hold = undefined;
    return new ConnectError("host channel: the session's object failed", Code.Unavailable, undefined, undefined, error);
  }

  #release(hold: Hold): void {
    hold.users -= 1;
    if (hold.users > 0) return;
    hold.idleSince = Date.now();
    if (this.#working() && this.#hold === hold) this.#watchIdle(HOLD_IDLE_MS);
    else this.#letGo(hold);
  }

  /** An object does not sleep while somebody holds it, and a handler may go on for long without another call. */
  #watchIdle(milliseconds: number): void {
    if (this.#watching) return;
    this.#watching = true;
    setTimeout(() => {
      this.#watching = false;
      const hold = this.#hold;
      if (hold === undefined || hold.users > 0) return;
      const left = hold.idleSince + HOLD_IDLE_MS - Date.now();
      if (left > 0) this.#watchIdle(left);
      else this.#letGo(hold);
    }, milliseconds);
  }

  /** The platform complains of what is not let go of, and would let go of it only with the request. */
  #letGo(hold: Hold): void {
    if (this.#hold === hold) this.#hold = undefined;
    // The types know disposal of results, not of the promises of them.
    (hold.session as unknown as Disposable)[Symbol.dispose]();
  }
}
