// Lines of one session that wait to be sent: bounded, the oldest dropped first, each sent once. No I/O.
import { shortened } from "../shortened.ts";
import {
  BATCH_CHARACTERS,
  BATCH_LINES,
  MAX_LINE_CHARACTERS,
  MAX_PENDING_CHARACTERS,
  MAX_PENDING_LINES,
} from "./limits.ts";

export interface PendingLine {
  readonly stream: "stdout" | "stderr";
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** What is sent together, and unchanged when it must be sent again. */
export interface Batch {
  readonly lines: readonly PendingLine[];
  /** Lines dropped before these. */
  readonly dropped: number;
  /** How many lines were sent before these. */
  readonly first: number;
}

export class PendingLines {
  #lines: PendingLine[] = [];
  #characters = 0;
  #dropped = 0;
  #batch: Batch | undefined;
  /** Lines that were delivered. */
  #sent = 0;
  /** Lines that will not be asked for again: delivered or dropped. */
  #done = 0;

  /** Returns the line's number, for {@link isPending}. */
  add({ message, ...line }: PendingLine): number {
    const text = shortened(message, MAX_LINE_CHARACTERS);
    this.#lines.push({ ...line, message: text });
    this.#characters += text.length;
    this.#dropOldest();
    return this.#done + (this.#batch?.lines.length ?? 0) + this.#lines.length - 1;
  }

  isPending(line: number): boolean {
    return line >= this.#done;
  }

  /** Whether there is no sense in waiting for more. */
  get isFull(): boolean {
    return this.#batch !== undefined || this.#characters >= BATCH_CHARACTERS || this.#lines.length >= BATCH_LINES;
  }

  /** When the oldest was written, in milliseconds since the epoch. */
  get oldest(): number | undefined {
    return (this.#batch?.lines[0] ?? this.#lines[0])?.writtenAt;
  }

  /** The batch to send; the same one until it was {@link delivered}. */
  next(): Batch {
    this.#batch ??= this.#take();
    return this.#batch;
  }

  delivered(batch: Batch): void {
    if (batch !== this.#batch) return;
    this.#sent += batch.lines.length;
    this.#done += batch.lines.length;
    this.#batch = undefined;
  }

  #take(): Batch {
    let count = 0;
    let characters = 0;
    for (const { message } of this.#lines) {
      if (count === BATCH_LINES || characters >= BATCH_CHARACTERS) break;
      characters += message.length;
      count += 1;
    }
    const lines = this.#lines.splice(0, count);
    this.#characters -= characters;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { lines, dropped, first: this.#sent };
  }

  /** Not those of a batch: it may be on its way. */
  #dropOldest(): void {
    let excess = 0;
    while (this.#characters > MAX_PENDING_CHARACTERS || this.#lines.length - excess > MAX_PENDING_LINES) {
      this.#characters -= this.#lines[excess]?.message.length ?? 0;
      excess += 1;
    }
    if (excess === 0) return;
    this.#lines.splice(0, excess);
    this.#dropped += excess;
    this.#done += excess;
  }
}
