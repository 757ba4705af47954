// When this process itself was held up. Times that are measured in it, on a machine that does other work, are too long by that.

const TICK_MS = 10;
/** Older ones are forgotten, in milliseconds: nothing measured takes this long. */
const KEPT_MS = 120_000;

/** Milliseconds of `performance.now()`. */
interface Stall {
  readonly from: number;
  readonly to: number;
}

export class Stalls {
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #stalls: Stall[] = [];

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#stalls.push(...this.#current(now));
      this.#last = now;
      if ((this.#stalls[0]?.to ?? now) < now - KEPT_MS)
        this.#stalls = this.#stalls.filter(({ to }) => to > now - KEPT_MS);
    }, TICK_MS);
  }

  /** How much of the time between two moments it was, in milliseconds. */
  between(from: number, to: number): number {
    let sum = 0;
    for (const stall of [...this.#stalls, ...this.#current(performance.now())]) {
      sum += Math.max(0, Math.min(stall.to, to) - Math.max(stall.from, from));
    }
    return sum;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Since the last tick, if the next one is due. */
  #current(now: number): readonly Stall[] {
    return now > this.#last + TICK_MS ? [{ from: this.#last + TICK_MS, to: now }] : [];
  }
}
