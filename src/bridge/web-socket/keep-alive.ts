// Notices that the other side of a quiet connection is gone: asks after a silence, and gives it a while to answer.
import type { Clock } from "../../wire/channel/call.ts";

export interface KeepAliveTimes {
  /** Silence before it asks, in milliseconds. */
  readonly keepAliveAfterMs: number;
  /** Silence after that which means the end, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
}

export interface KeepAlive {
  /** Something has come, whatever it was. */
  heard(): void;
  stop(): void;
}

export function keepAlive(clock: Clock, times: KeepAliveTimes, ask: () => void, silent: () => void): KeepAlive {
  const { keepAliveAfterMs, keepAliveTimeoutMs } = times;
  let heardAt = clock.now();
  let stopTimer = clock.after(keepAliveAfterMs, look);

  // A timer per message would cost more than the messages: it looks, when it fires, how long the silence has lasted.
  function look(): void {
    const silence = clock.now() - heardAt;
    // A clock that was set back tells nothing.
    if (silence >= 0 && silence < keepAliveAfterMs) {
      stopTimer = clock.after(keepAliveAfterMs - silence, look);
      return;
    }
    const before = heardAt;
    ask();
    stopTimer = clock.after(keepAliveTimeoutMs, () => {
      if (heardAt === before) silent();
      else look();
    });
  }

  return {
    heard() {
      heardAt = clock.now();
    },
    stop: () => stopTimer(),
  };
}
