// Time that passes when a test says so, for waits between tries. Sockets run on as ever.
import type { SessionChannel } from "../../src/bridge/channel/session-channel.ts";
import type { Clock } from "../../src/wire/channel/call.ts";
import { until } from "../support/fake-gestaltd/start.ts";

interface Timer {
  readonly milliseconds: number;
  readonly at: number;
  task(): void;
}

export class ManualTime {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();
  /** Timers that are not waits between tries: of the connection, of keep-alive, of closing. */
  readonly #others: ReadonlySet<number>;
  readonly clock: Clock = {
    now: () => this.#now,
    after: (milliseconds, task) => {
      const timer = { milliseconds, at: this.#now + milliseconds, task };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
  };

  constructor(others: readonly number[] = [200, 10_000, 20_000]) {
    this.#others = new Set(others);
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      if (this.#timers.delete(timer)) timer.task();
    }
  }

  /** The wait before the channel's next try, in milliseconds, which is then over. */
  async nextWait(channel: SessionChannel): Promise<number> {
    const find = () => [...this.#timers].find(({ milliseconds }) => !this.#others.has(milliseconds));
    await until(() => channel.state === "lost" && find() !== undefined, "the channel waits for nothing");
    const wait = find()?.milliseconds ?? 0;
    this.advance(wait);
    return wait;
  }
}
