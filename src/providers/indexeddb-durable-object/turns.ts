// Who may write to which stores: one after the other where they overlap, in the order they came, and at once where they
// do not.
import { Code, ConnectError } from "../../worker/index.ts";
import { LONGEST_WAIT_MS, MAX_WAITING } from "./limits.ts";

/** A place in the row. */
export interface Turn<T = void> {
  /**
   * Resolves when it has come. Rejects when that took too long, with DEADLINE_EXCEEDED, or when it was given up before.
   */
  readonly come: Promise<T>;
  /** Gives it up, before or after it has come. A second time does nothing. */
  end(): void;
}

interface Place {
  readonly stores: readonly string[];
  /** Whether it keeps others out. One that does not only waits for those before it. */
  readonly keeps: boolean;
  readonly begin: () => void;
}

export class Turns {
  readonly #running = new Set<Place>();
  readonly #waiting: Place[] = [];

  /** Whether nobody writes to the store or waits to: whoever is done before anything else runs needs no turn. */
  isFree(store: string): boolean {
    const isOf = ({ stores, keeps }: Place) => keeps && stores.includes(store);
    return !this.#waiting.some(isOf) && ![...this.#running].some(isOf);
  }

  /** Keeps others out of the stores until it is ended. `waitMs` undefined is the longest there is. */
  toWrite(stores: readonly string[], waitMs?: number): Turn {
    return this.#take(stores, true, () => {}, waitMs);
  }

  /** Only waits for those before it. `look` is done at once when the turn has come, before any after it can write. */
  toRead<T>(stores: readonly string[], look: () => T, waitMs?: number): Turn<T> {
    return this.#take(stores, false, look, waitMs);
  }

  #take<T>(stores: readonly string[], keeps: boolean, first: () => T, waitMs = LONGEST_WAIT_MS): Turn<T> {
    if (this.#waiting.length >= MAX_WAITING) throw tooMany();
    const { promise: come, resolve, reject } = Promise.withResolvers<T>();
    // Whoever has given up need not look at it.
    come.catch(() => {});
    const timer = setTimeout(() => {
      this.#remove(place);
      reject(tooLate(stores));
    }, waitMs);
    const place: Place = {
      stores,
      keeps,
      begin() {
        clearTimeout(timer);
        try {
          resolve(first());
        } catch (error) {
          reject(error);
        }
      },
    };
    this.#waiting.push(place);
    this.#beginWhatMay();
    return {
      come,
      end: () => {
        clearTimeout(timer);
        this.#remove(place);
        // Means something only to one that still waits.
        reject(new ConnectError("The turn was given up.", Code.Canceled));
      },
    };
  }

  #remove(place: Place): void {
    const at = this.#waiting.indexOf(place);
    if (at !== -1) this.#waiting.splice(at, 1);
    else if (!this.#running.delete(place)) return;
    this.#beginWhatMay();
  }

  /** Nobody overtakes one that waits for the same store. */
  #beginWhatMay(): void {
    const taken = new Set([...this.#running].flatMap(({ stores }) => stores));
    for (const place of [...this.#waiting]) {
      const isFree = !place.stores.some((store) => taken.has(store));
      if (place.keeps) for (const store of place.stores) taken.add(store);
      if (!isFree) continue;
      this.#waiting.splice(this.#waiting.indexOf(place), 1);
      if (place.keeps) this.#running.add(place);
      place.begin();
    }
  }
}

function tooMany(): ConnectError {
  const text = `${MAX_WAITING} writers wait for their turn on this database, which is the most it takes. Try again.`;
  return new ConnectError(text, Code.ResourceExhausted);
}

function tooLate(stores: readonly string[]): ConnectError {
  const text = `Other transactions on ${stores.map((store) => JSON.stringify(store)).join(", ")} went on for too long.`;
  return new ConnectError(text, Code.DeadlineExceeded);
}
