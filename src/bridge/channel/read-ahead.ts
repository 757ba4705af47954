// What the calls of one channel may have received from gestaltd and not yet sent on, all together. The rule is the channel's own for
// credit: a message is begun while any room is left and takes its whole size at once, so one that was begun is always finished.

/** A place in the queue. */
export interface Waiting {
  /** Does nothing when it was called already. */
  cancel(): void;
}

export class ReadAhead {
  #left: number;
  readonly #waiting = new Set<() => void>();

  /** Bytes. */
  constructor(limit: number) {
    this.#left = limit;
  }

  get hasRoom(): boolean {
    return this.#left > 0 && this.#waiting.size === 0;
  }

  take(bytes: number): void {
    this.#left -= bytes;
  }

  give(bytes: number): void {
    this.#left += bytes;
    for (const resume of this.#waiting) {
      if (this.#left <= 0) return;
      this.#waiting.delete(resume);
      resume();
    }
  }

  /** Calls back when there is room, first come first served; the callee takes what it needs. */
  wait(resume: () => void): Waiting {
    this.#waiting.add(resume);
    return { cancel: () => this.#waiting.delete(resume) };
  }
}
