// A stream both ways of a client, step by step: a message out, the next answer in.
import { Code, ConnectError } from "@connectrpc/connect";

export class Steps<Out, In> {
  readonly #queue: Out[] = [];
  #wake: () => void = () => {};
  #ended = false;
  readonly #answers: AsyncIterator<In>;
  readonly #controller = new AbortController();

  /** `call` is a client's bidirectional method. */
  constructor(
    call: (messages: AsyncIterable<Out>, options: { signal: AbortSignal; timeoutMs?: number }) => AsyncIterable<In>,
    timeoutMs?: number,
  ) {
    const options = { signal: this.#controller.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    this.#answers = call(this.#messages(), options)[Symbol.asyncIterator]();
  }

  async ask(message: Out): Promise<In> {
    this.send(message);
    const { done, value } = await this.#answers.next();
    if (done === true) throw new ConnectError("the stream has ended", Code.OutOfRange);
    return value;
  }

  send(message: Out): void {
    this.#queue.push(message);
    this.#wake();
  }

  /** The next answer, undefined at the end. */
  async receive(): Promise<In | undefined> {
    const { done, value } = await this.#answers.next();
    return done === true ? undefined : value;
  }

  /** Ends this side; resolves when the other has too. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#wake();
    while ((await this.#answers.next()).done !== true);
  }

  /** As a caller that goes away. */
  cancel(): void {
    this.#controller.abort();
    this.#ended = true;
    this.#wake();
    this.#answers.next().catch(() => undefined);
  }

  async *#messages(): AsyncGenerator<Out> {
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) yield message;
      else if (this.#ended) return;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
  }
}
