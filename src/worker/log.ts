// A provider's log: one line of JSON per entry on the Worker's console, where wrangler and the dashboard read it, and in the
// log of the session it belongs to, where gestaltd's operator does.
import { currentCall } from "./async-context.ts";
import type { Call } from "./call.ts";
import { print } from "./logging/console.ts";
import { inJson } from "./logging/in-json.ts";

/** Logging never throws: what JSON cannot say is described in words. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Makes a log whose every entry carries `base`, for example the provider's name. A field named like one of `base`, or
 * `level` or `message`, is lost: fields often come from callers, who must not pass for another session.
 */
export function createLog(base: LogFields = {}): Log {
  return logOf(base, currentCall);
}

/** The log of one call: its entries go to the log of the call's session, wherever they are written from. */
export function createCallLog(call: Call): Log {
  return logOf({ provider: call.session.provider, session: call.session.name }, () => call);
}

function logOf(base: LogFields, callOf: () => Call | undefined): Log {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}) =>
      print(level, [line({ level, message, ...base }, fields)], callOf());
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function line(head: LogFields, fields: LogFields): string {
  try {
    // The head stands first, and again last, because there it wins.
    return JSON.stringify({ ...head, ...fields, ...head }, inJson);
  } catch {
    const printable = Object.keys(fields).map((name) => [name, asText(() => fields[name])]);
    return JSON.stringify({ ...head, ...Object.fromEntries(printable), ...head });
  }
}

/** For entries with cycles, or getters that throw. */
function asText(read: () => unknown): unknown {
  try {
    const value = read();
    if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
    return JSON.parse(JSON.stringify(value, inJson) ?? "null");
  } catch {
    return "(cannot be printed)";
  }
}
