// Runs many small jobs a few at a time.

/** Workers wait for at most six outgoing connections per request; the seventh queues (Workers platform limits). */
const MAX_PARALLEL = 6;

/**
 * Calls `job` for each item, `width` at a time, and returns when all have settled. After a failure no further job
 * starts, and the first failure is thrown: never while others still run, so nothing goes on behind the caller's back.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  job: (item: Item) => Promise<void>,
  width = MAX_PARALLEL,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    // One iterator shared by all workers: each takes the next item as it gets free.
    for (const item of { [Symbol.iterator]: () => ({ next: () => iterator.next() }) }) {
      if (failures.length > 0) return;
      try {
        await job(item);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
