// The demo's table: a row for each thing done, with what came of it and how long it took.
import type { Terminal } from "../../src/cli/terminal.ts";
import { milliseconds } from "../../src/cli/units.ts";

export interface Report {
  /** Starts a group of rows. */
  section(title: string): void;
  /** Does something and adds its row; what it resolves to is the result's text, with a value to go on with. */
  step<T>(name: string, action: () => Promise<Outcome<T>>): Promise<T>;
}

export interface Outcome<T = undefined> {
  readonly text: string;
  readonly value: T;
}

/** An outcome that has nothing to go on with. */
export function outcome(text: string): Outcome;
export function outcome<T>(text: string, value: T): Outcome<T>;
export function outcome(text: string, value?: unknown): Outcome<unknown> {
  return { text, value };
}

/** Throws, with the sentence, when the outcome is not the one promised. */
export function expect(held: boolean, sentence: string): asserts held {
  if (!held) throw new Error(sentence);
}

const NAME_WIDTH = 44;
const TIME_WIDTH = 9;

/** `signal` ends the play between two steps. */
export function createReport(terminal: Terminal, signal: AbortSignal): Report {
  const { print, progress, paint } = terminal;
  return {
    section: (title) => {
      print();
      print(paint("bold", title));
    },
    step: async (name, action) => {
      signal.throwIfAborted();
      progress(`  ${name} …`);
      const started = performance.now();
      const { text, value } = await action().catch((cause: unknown) => {
        print(`  ${paint("red", "✗")} ${name}`);
        throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      });
      const time = milliseconds(performance.now() - started).padStart(TIME_WIDTH);
      print(`  ${paint("green", "✓")} ${name.padEnd(NAME_WIDTH)}${paint("dim", time)}  ${text}`);
      return value;
    },
  };
}
