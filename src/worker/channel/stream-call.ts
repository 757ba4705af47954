// A streaming host call as its caller has it: an input that is sent as it comes, and replies that are fetched as they are read.
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallStatus } from "../../wire/channel/frames.ts";
import { GrpcCode } from "../../wire/codes.ts";
import { BatchWriter } from "./batch-writer.ts";
import { type CallLimits, watch } from "./call-limits.ts";
import type { HostCallsStub, HostSession, Lease } from "./host-session.ts";
import { disposed, type HostCallInit, type HostMessages } from "./rpc.ts";
import { statusError } from "./status-error.ts";

type HostStreamStub = ReturnType<HostCallsStub["stream"]>;

export class StreamCall {
  readonly #lease: Lease;
  readonly #stream: HostStreamStub;
  readonly #unwatch: () => void;
  #input: AsyncIterator<Uint8Array> | undefined;
  /** Fails the read that waits. */
  #interrupt: ((error: ConnectError) => void) | undefined;
  /** Why there is no more to read, when that is not for the host to say. */
  #failure: ConnectError | undefined;
  #over = false;

  /** Opens the call with the messages there are; `last` when no others follow. */
  constructor(
    session: HostSession,
    init: HostCallInit,
    limits: CallLimits,
    first: readonly Uint8Array[],
    last: boolean,
  ) {
    this.#lease = session.take();
    const { calls, id } = this.#lease;
    this.#stream = calls.stream(id, init, first, last);
    this.#unwatch = watch(limits, (error) => this.#giveUp(error));
  }

  /** Sends all of the input, no faster than the host takes it. What the input throws ends the call with it. */
  async send(input: AsyncIterator<Uint8Array>): Promise<void> {
    this.#input = input;
    const writer = new BatchWriter((messages, last) => this.#stream.write(messages, last));
    try {
      for (;;) {
        const next = await input.next();
        if (this.#over) return;
        if (next.done === true) return await writer.end();
        if (!(await writer.add(next.value))) return this.#leaveInput();
      }
    } catch (error) {
      this.#giveUp(ConnectError.from(error));
    }
  }

  /**
   * The replies as `read` makes them of their bytes, a batch fetched ahead; `ended` gets the status. Throws the host's error, and
   * what `read` throws. Leaving it cancels the call.
   */
  async *replies<T>(read: (bytes: Uint8Array) => T, ended: (status: CallStatus) => void): AsyncGenerator<T, undefined> {
    try {
      for (let next: Promise<HostMessages> | undefined = this.#read(); next !== undefined; ) {
        const { messages, status }: HostMessages = await next;
        next = status === undefined ? this.#read() : undefined;
        for (const message of messages) {
          if (this.#failure !== undefined) throw this.#failure;
          yield read(message);
        }
        if (status === undefined) continue;
        this.#end();
        if (status.code !== GrpcCode.ok) throw statusError(status);
        ended(status);
      }
    } finally {
      this.#giveUp(new ConnectError("The caller stopped reading.", Code.Canceled));
    }
  }

  #read(): Promise<HostMessages> {
    const read = new Promise<HostMessages>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#interrupt = reject;
      this.#stream.read().then(
        (batch) => resolve(disposed(batch)),
        (error) => {
          const failure = this.#lease.failure(error);
          this.#giveUp(failure);
          reject(failure);
        },
      );
    });
    // It may be asked for ahead and never be looked at.
    read.catch(() => {});
    return read;
  }

  #giveUp(error: ConnectError): void {
    if (this.#over) return;
    this.#failure = error;
    const { calls, id } = this.#lease;
    calls.cancel(id).catch(() => {});
    this.#end();
    this.#interrupt?.(error);
  }

  #end(): void {
    this.#over = true;
    this.#unwatch();
    this.#leaveInput();
    (this.#stream as unknown as Disposable)[Symbol.dispose]();
    this.#lease.release();
  }

  #leaveInput(): void {
    const input = this.#input;
    this.#input = undefined;
    input?.return?.().catch(() => {});
  }
}
