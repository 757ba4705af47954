// Instants as they lie in rows and leave the object: texts of ISO 8601 in UTC, with nine decimals where the writer gave so many.
import { Timestamp } from "../../worker/index.ts";

export function instantOf(time: Date): string {
  return time.toISOString();
}

export function timeOf(instant: string): Date {
  const [, beyond] = /\.\d{3}(\d{6})Z$/.exec(instant) ?? [];
  const milliseconds = new Date(beyond === undefined ? instant : `${instant.slice(0, -1 - beyond.length)}Z`);
  return beyond === undefined ? milliseconds : new Timestamp(milliseconds, Number(beyond));
}

/** Milliseconds since the epoch. */
export function millisecondsOf(instant: string): number {
  return timeOf(instant).getTime();
}
