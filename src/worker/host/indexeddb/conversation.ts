// A bidirectional call in lock-step: one message to gestaltd, one back. It opens with the first, so that a cursor
// nobody steps through costs nothing.
//
// This side ends it, always: with a last word that needs no answer, or by cancelling. Nothing is left open that has
// failed.
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import type { HostCallOptions } from "../link.ts";
import { indexedDBError, malformed } from "./errors.ts";
import { Outbox } from "./outbox.ts";

export class Conversation<Question, Answer> {
  readonly #open: (requests: AsyncIterable<Question>, signal: AbortSignal) => AsyncIterable<Answer>;
  readonly #questions = new Outbox<Question>();
  readonly #cancel = new AbortController();
  #answers: AsyncIterator<Answer> | undefined;
  /** The exchange that all later ones wait for. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #failure: Error | undefined;

  /** `open` makes the call; `signal` cancels it. */
  constructor(open: (requests: AsyncIterable<Question>, signal: AbortSignal) => AsyncIterable<Answer>) {
    this.#open = open;
  }

  /**
   * Exchanges one pair, after those that were asked for before. Any failure, `limits` among them, ends the whole call,
   * and is what every later exchange fails with.
   */
  ask(question: Question, limits?: HostCallOptions): Promise<Answer> {
    this.#waiting += 1;
    const stop = this.#limit(limits);
    const answer = this.#last.then(() => this.#exchange(question));
    this.#last = answer.then(
      () => this.#settled(stop),
      () => this.#settled(stop),
    );
    return answer;
  }

  /** Whether it is this side's turn. */
  get isIdle(): boolean {
    return this.#answers !== undefined && this.#waiting === 0 && this.#failure === undefined;
  }

  /** Has the last word, if it is this side's turn, and cancels otherwise. */
  end(lastWord?: Question): void {
    if (this.#answers === undefined || !this.isIdle) {
      this.cancel();
      return;
    }
    if (lastWord !== undefined) this.#questions.push(lastWord);
    this.#questions.close();
    this.#failure = givenUp();
    void drain(this.#answers);
  }

  /** Does nothing to one that has ended. */
  cancel(reason: Error = givenUp()): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#questions.close();
    this.#cancel.abort(reason);
  }

  async #exchange(question: Question): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#questions.push(question);
      this.#answers ??= this.#open(this.#questions, this.#cancel.signal)[Symbol.asyncIterator]();
      const { value, done } = await this.#answers.next();
      if (done === true) throw malformed("the end of the stream, where an answer was due");
      return value;
    } catch (thrown) {
      this.cancel(indexedDBError(thrown));
      // Of what was aborted here, the transport knows less.
      throw this.#failure;
    }
  }

  #settled(stop: () => void): void {
    this.#waiting -= 1;
    stop();
  }

  /** From now on, so the time in the queue counts. */
  #limit({ signal, timeoutMs }: HostCallOptions = {}): () => void {
    const aborted = () => this.cancel(indexedDBError(ConnectError.from(signal?.reason, Code.Canceled)));
    const late = () => this.cancel(indexedDBError(new ConnectError("the operation timed out", Code.DeadlineExceeded)));
    const timer = timeoutMs === undefined ? null : setTimeout(late, timeoutMs);
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
    return () => {
      if (timer !== null) clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
  }
}

/** What a call is opened with: its own options, and the conversation's signal beside the caller's. */
export function withSignal(options: CallOptions, signal: AbortSignal): CallOptions {
  return { ...options, signal: options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]) };
}

function givenUp(): Error {
  return indexedDBError(new ConnectError("the call was given up", Code.Canceled));
}

/** Reads what is left, so that a channel gets its credit back. How it ends concerns nobody any more. */
async function drain(answers: AsyncIterator<unknown>): Promise<void> {
  try {
    while ((await answers.next()).done !== true);
  } catch {}
}
