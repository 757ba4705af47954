// The time by which channels, and streams to a worker, run.
import type { Clock } from "../wire/channel/call.ts";

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
