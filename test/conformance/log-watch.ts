// Lets a test wait for what the worker logs.

export class LogWatch {
  readonly #waiting = new Map<string, (() => void)[]>();

  /** To be given each line the worker logs. */
  readonly line = (line: string): void => {
    for (const [text, waiting] of this.#waiting) {
      if (!line.includes(text)) continue;
      this.#waiting.delete(text);
      for (const resolve of waiting) resolve();
    }
  };

  /** Resolves with the next line that contains the text. */
  next(text: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(text, [...(this.#waiting.get(text) ?? []), resolve]));
  }
}
