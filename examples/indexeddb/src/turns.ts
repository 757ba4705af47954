// Whose turn it is to write: one after the other where stores overlap, in the order they came.

interface Place {
  readonly stores: readonly string[];
  readonly over: Promise<void>;
}

export class Turns {
  readonly #places = new Set<Place>();

  /** Waits until all that came before and share a store are over; rejects when the caller waits no longer. Answers what ends it. */
  async take(stores: readonly string[], signal: AbortSignal): Promise<() => void> {
    const before = [...this.#places].filter((place) => place.stores.some((store) => stores.includes(store)));
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const place = { stores, over };
    this.#places.add(place);
    const end = () => {
      this.#places.delete(place);
      resolve();
    };
    try {
      await Promise.race([Promise.all(before.map((each) => each.over)), aborted(signal)]);
      signal.throwIfAborted();
      return end;
    } catch (error) {
      end();
      throw error;
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
