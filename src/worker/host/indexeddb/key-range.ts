// Intervals of keys.

/** What a record can be found by. Numbers compare with each other whether they were stored as int64 or as double. */
export type IndexKey = string | number | bigint | boolean | Date | Uint8Array;

/** Without a bound it is open on that side. Both bounds belong to it unless they are said to be open. */
export interface KeyRange<Key = IndexKey> {
  readonly lower?: Key | undefined;
  readonly upper?: Key | undefined;
  /** Leaves out `lower` itself. */
  readonly lowerOpen?: boolean | undefined;
  /** Leaves out `upper` itself. */
  readonly upperOpen?: boolean | undefined;
}

/** Makes ranges, as the browser's IDBKeyRange does; an object literal is just as good. */
export const KeyRange = {
  only<Key>(key: Key): KeyRange<Key> {
    return { lower: key, upper: key };
  },
  lowerBound<Key>(lower: Key, open = false): KeyRange<Key> {
    return { lower, lowerOpen: open };
  },
  upperBound<Key>(upper: Key, open = false): KeyRange<Key> {
    return { upper, upperOpen: open };
  },
  bound<Key>(lower: Key, upper: Key, lowerOpen = false, upperOpen = false): KeyRange<Key> {
    return { lower, upper, lowerOpen, upperOpen };
  },
} as const;
