// The time by which a channel runs.
import type { Clock } from "../../wire/channel/call.ts";

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
