// Messages on their way out, as the iterable that Connect takes the requests of a stream from.

export class Outbox<T> implements AsyncIterableIterator<T> {
  readonly #waiting: T[] = [];
  #taker: ((next: IteratorResult<T>) => void) | undefined;
  #closed = false;

  /** Does nothing once closed. */
  push(value: T): void {
    if (this.#closed) return;
    if (this.#taker === undefined) this.#waiting.push(value);
    else this.#give({ value, done: false });
  }

  /** What was pushed before is still taken. */
  close(): void {
    this.#closed = true;
    this.#give(END);
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#closed) return Promise.resolve(END);
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }

  /** The transport takes no more. */
  return(): Promise<IteratorResult<T>> {
    this.#waiting.length = 0;
    this.close();
    return Promise.resolve(END);
  }

  /** As {@link return}: Connect wants to be able to say why. */
  async throw(reason: unknown): Promise<never> {
    await this.return();
    throw reason;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #give(next: IteratorResult<T>): void {
    this.#taker?.(next);
    this.#taker = undefined;
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
