// Items in order, for the few that a transaction writes: kept sorted in an array, found by halving.

export class SortedList<T> {
  readonly #items: T[] = [];
  readonly #compare: (one: T, other: T) => number;

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare;
  }

  add(item: T): void {
    this.#items.splice(this.#place(item), 0, item);
  }

  /** The item that compares equal, of which there must be one. */
  remove(item: T): void {
    this.#items.splice(this.#place(item), 1);
  }

  /** Those from the first that is not before `from`, as long as `isWithin`. */
  *from(from: T, isWithin: (item: T) => boolean): Generator<T> {
    for (let at = this.#place(from); at < this.#items.length; at++) {
      const item = this.#items[at] as T;
      if (!isWithin(item)) return;
      yield item;
    }
  }

  /** Of the first item that is not before this one. */
  #place(item: T): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle] as T, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Two ascending sequences as one. Nothing is in both. */
export function* merged<T>(one: Iterable<T>, other: Iterable<T>, compare: (one: T, other: T) => number): Generator<T> {
  const others = other[Symbol.iterator]();
  let next = others.next();
  for (const item of one) {
    for (; next.done !== true && compare(next.value, item) < 0; next = others.next()) yield next.value;
    yield item;
  }
  for (; next.done !== true; next = others.next()) yield next.value;
}
