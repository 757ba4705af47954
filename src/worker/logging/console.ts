// The one way to the Worker's console, and from there to the session's log: lines that belong to a call take both.
import { logMark } from "../../wire/bindings.ts";
import { currentCall } from "../async-context.ts";
import type { Call } from "../call.ts";
import { hosting } from "../host/hosting.ts";
import { consoleMark, hasLogChannel } from "./session-log.ts";

export type ConsoleMethod = "debug" | "log" | "info" | "warn" | "error";

const METHODS: readonly ConsoleMethod[] = ["debug", "log", "info", "warn", "error"];

/** Which of the log's streams a method writes to. */
const STREAMS = { debug: "stdout", log: "stdout", info: "stdout", warn: "stderr", error: "stderr" } as const;

/** As they were before {@link captureConsole} put others in their place. */
const original = Object.fromEntries(METHODS.map((method) => [method, console[method]])) as Pick<Console, ConsoleMethod>;

let captured = false;

/**
 * From now on what provider code prints with `console` goes to its session's log too. Which session that is, the async
 * context tells; in workers without one the console stays a console.
 */
export function captureConsole(): void {
  if (captured) return;
  captured = true;
  for (const method of METHODS) {
    console[method] = (...values: unknown[]) => print(method, values, currentCall());
  }
}

/**
 * Prints as `console[method]` would, and sends the line to the log of the call's session. An embedded worker's node reads
 * the console and sends the line on itself; it needs to be told whose it is, and takes that mark off again.
 */
export function print(method: ConsoleMethod, values: readonly unknown[], call: Call | undefined): void {
  const mark = call && consoleMark(call);
  const printed = call === undefined || mark === undefined ? values : marked(logMark(mark, call.session.id), values);
  original[method](...printed);
  if (call !== undefined && mark === undefined && hasLogChannel(call)) {
    hosting()?.sendLine(call, STREAMS[method], values);
  }
}

/** A text that comes first may hold `%s` and the like for those behind it, so the mark becomes part of it. */
function marked(mark: string, [first, ...rest]: readonly unknown[]): unknown[] {
  return typeof first === "string" ? [`${mark} ${first}`, ...rest] : [mark, first, ...rest];
}
