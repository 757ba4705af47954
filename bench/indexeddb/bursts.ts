// Measures a piece of work in short bursts, taken in turns, so that all who are compared meet the same load of the machine.
import { percentile } from "../load.ts";
import type { Rival, Work } from "./work.ts";

/** The first round is not counted. */
const ROUNDS = 9;

export interface Bursts {
  /** Of single calls, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /**
   * Milliseconds of a call in the quietest round: the mean of a burst, so what comes only with some calls is in it; and
   * of many bursts the least, since whatever else runs on the machine only ever adds.
   */
  readonly quiet: number;
}

export interface Contender {
  readonly rival: Rival;
  readonly work: Work;
}

export async function inTurns(contenders: readonly Contender[]): Promise<Bursts[]> {
  const rounds = contenders.map((): number[][] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, contender] of contenders.entries()) {
      const times = await burst(contender, round);
      if (round > 0) rounds[at]?.push(times);
    }
  }
  return rounds.map(summary);
}

async function burst({ work, rival }: Contender, round: number): Promise<number[]> {
  const calls = work.calls * rival.speed;
  const tasks = Array.from({ length: calls }, (_, call) => work.task(rival, round * calls + call));
  // A cursor is opened with the first step.
  await work.task(rival, 0)();
  const times: number[] = [];
  for (const task of tasks) {
    const began = performance.now();
    const answer = task();
    if (answer instanceof Promise) await answer;
    times.push(performance.now() - began);
  }
  await rival.settle();
  return times;
}

function summary(rounds: readonly (readonly number[])[]): Bursts {
  const sorted = rounds.flat().sort((one, other) => one - other);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), quiet: Math.min(...rounds.map(mean)) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
