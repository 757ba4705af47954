// What the figures should reach, as ratios that hold on any machine, and whether they did.
import { printTable } from "./table.ts";

export interface Reached {
  readonly what: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Prints each figure beside what it should reach. */
export function printTargets(reached: readonly Reached[]): void {
  printTable(
    "what should be reached",
    reached.map(({ what, value, atLeast, atMost }) => {
      const ok = value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY);
      const wanted = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
      return { figure: what, value: Number(value.toPrecision(3)).toString(), wanted, reached: ok ? "yes" : "NO" };
    }),
  );
}
