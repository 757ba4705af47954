// A working process can hang as well as die: its connections are open then, and nobody answers on them. So it gives its supervisor signs
// of life, and one that gives none for long is ended and replaced.

/** Signs of life within the silence that ends a process: several, so that a few late ones mean nothing. */
const BEATS = 6;

/** A look that comes so much later than it was due was held up itself, as a factor: the machine slept, or everything stood still. */
const LATE = 2;

/** Calls `beat` again and again, for as long as the event loop turns. */
export function giveSignsOfLife(hungAfterMs: number, beat: () => void): void {
  if (hungAfterMs === 0) return;
  beat();
  setInterval(beat, hungAfterMs / BEATS).unref();
}

export interface Watch {
  /** There was a sign of life. */
  heard(): void;
  stop(): void;
}

/**
 * Calls `hung` once, when there was no sign of life for `hungAfterMs`; never when that is 0, and not before the first sign. Only time
 * counts in which this process ran as it should: one that was stopped itself cannot tell who else was.
 */
export function watchSignsOfLife(hungAfterMs: number, hung: () => void): Watch {
  const interval = hungAfterMs / BEATS;
  let silentMs = 0;
  let lookedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const look = () => {
    const now = performance.now();
    const passed = now - lookedAt;
    lookedAt = now;
    silentMs = passed > LATE * interval ? 0 : silentMs + passed;
    if (silentMs < hungAfterMs) return;
    clearInterval(timer);
    hung();
  };
  return {
    heard() {
      silentMs = 0;
      if (timer !== undefined || hungAfterMs === 0) return;
      lookedAt = performance.now();
      timer = setInterval(look, interval).unref();
    },
    stop: () => clearInterval(timer),
  };
}
