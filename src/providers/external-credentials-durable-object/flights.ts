// Work that is done once at a time for each key, however many ask for it, and that goes on when those who asked have gone.

export class Flights {
  readonly #flying = new Map<string, Promise<void>>();

  /**
   * Begins `work` for `key`, or joins what is under way, and waits for its end, though no longer than `patience` milliseconds.
   * Answers whether it has ended. What `work` throws goes to those who wait.
   */
  async join(key: string, work: () => Promise<void>, patience: number): Promise<boolean> {
    const flight = this.#flying.get(key) ?? this.#begin(key, work);
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), patience);
    });
    try {
      return await Promise.race([flight.then(() => true as const), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #begin(key: string, work: () => Promise<void>): Promise<void> {
    const flight = work().finally(() => this.#flying.delete(key));
    this.#flying.set(key, flight);
    // Those who wait hear of a failure; when nobody does any more, nobody needs to.
    flight.catch(() => undefined);
    return flight;
  }
}
