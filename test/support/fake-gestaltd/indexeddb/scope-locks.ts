// Readwrite transactions whose stores overlap run one after the other, in the order they came.

interface Turn {
  readonly stores: ReadonlySet<string>;
  readonly begin: () => void;
}

export class ScopeLocks {
  readonly #running = new Set<Turn>();
  readonly #waiting: Turn[] = [];

  /** Those whose turn has not come. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is their turn, with what ends it. Rejects, and takes no turn, when the caller goes. */
  acquire(stores: Iterable<string>, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const gone = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason);
        this.#beginWhatMay();
      };
      const turn: Turn = {
        stores: new Set(stores),
        begin: () => {
          signal.removeEventListener("abort", gone);
          this.#running.add(turn);
          resolve(() => this.#end(turn));
        },
      };
      signal.addEventListener("abort", gone, { once: true });
      this.#waiting.push(turn);
      this.#beginWhatMay();
    });
  }

  #end(turn: Turn): void {
    if (this.#running.delete(turn)) this.#beginWhatMay();
  }

  /** Nobody overtakes one that waits for the same store. */
  #beginWhatMay(): void {
    const taken = new Set([...this.#running].flatMap(({ stores }) => [...stores]));
    for (const turn of [...this.#waiting]) {
      const isFree = ![...turn.stores].some((store) => taken.has(store));
      for (const store of turn.stores) taken.add(store);
      if (!isFree) continue;
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      turn.begin();
    }
  }
}
