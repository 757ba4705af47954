// A provider's log: one line of JSON per entry on the Worker's console, where wrangler, the dashboard and the bridge read it.

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
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}) =>
      console[level](line({ level, message, ...base }, fields));
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

function inJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, cause, ...(value instanceof AggregateError && { errors: value.errors }) };
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
