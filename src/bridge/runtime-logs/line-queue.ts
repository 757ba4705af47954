// Lines of one session that wait for gestaltd: bounded, the oldest dropped and counted.
import { BATCH_BYTES, BATCH_LINES, QUEUE_BYTES, QUEUE_LINES } from "./limits.ts";
import type { LogStream } from "./session-log.ts";

export interface QueuedLine {
  readonly stream: LogStream;
  readonly message: string;
  readonly writtenAt: Date;
}

/** What goes to gestaltd in one call. */
export interface LineBatch {
  readonly lines: readonly QueuedLine[];
  /** Lines lost before these. */
  readonly dropped: number;
}

interface Entry {
  readonly line: QueuedLine;
  readonly bytes: number;
}

export class LineQueue {
  #entries: Entry[] = [];
  #bytes = 0;
  #dropped = 0;

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#dropped === 0;
  }

  /** Whether there is enough for a batch. */
  get isFull(): boolean {
    return this.#entries.length >= BATCH_LINES || this.#bytes >= BATCH_BYTES;
  }

  add(line: QueuedLine): void {
    const bytes = Buffer.byteLength(line.message);
    this.#entries.push({ line, bytes });
    this.#bytes += bytes;
    let excess = 0;
    while (this.#entries.length - excess > QUEUE_LINES || this.#bytes > QUEUE_BYTES) {
      this.#bytes -= this.#entries[excess]?.bytes ?? 0;
      excess += 1;
    }
    if (excess === 0) return;
    this.#entries.splice(0, excess);
    this.#dropped += excess;
  }

  /** Counts lines that were lost elsewhere. */
  addDropped(count: number): void {
    this.#dropped += count;
  }

  /** The oldest lines that fit into one call; one at least, when there is any. */
  take(): LineBatch {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#entries) {
      if (count === BATCH_LINES || (count > 0 && bytes + entry.bytes > BATCH_BYTES)) break;
      count += 1;
      bytes += entry.bytes;
    }
    const lines = this.#entries.splice(0, count).map(({ line }) => line);
    this.#bytes -= bytes;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { lines, dropped };
  }
}
