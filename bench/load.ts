// A closed-loop load: so many callers, each starting its next call when its last has ended.

export interface LoadResult {
  /** Calls per second over the measured time. */
  readonly rate: number;
  /** Latency percentiles in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly calls: number;
}

export interface LoadOptions {
  readonly callers: number;
  /** Measured time in milliseconds, after the warm-up. */
  readonly duration: number;
  /** Calls made before measuring, so that code is compiled and connections are open. */
  readonly warmUp: number;
}

/** Runs the load and measures it. The first failing call ends it with that error. */
export async function measureLoad(call: () => Promise<void>, options: LoadOptions): Promise<LoadResult> {
  await loop(options.callers, (count) => count <= options.warmUp, call);
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + options.duration;
  await loop(
    options.callers,
    () => performance.now() < end,
    async () => {
      const began = performance.now();
      await call();
      latencies.push(performance.now() - began);
    },
  );
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    rate: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    calls: latencies.length,
  };
}

async function loop(callers: number, more: (count: number) => boolean, call: () => Promise<void>): Promise<void> {
  let count = 0;
  const caller = async () => {
    while (more(++count)) await call();
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** Of ascending values. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
