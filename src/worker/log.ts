// A provider's log: one line of JSON per entry on the Worker's console, where wrangler, the dashboard and the bridge read it.

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Makes a log whose every entry carries `base`, for example the provider's name. */
export function createLog(base: LogFields = {}): Log {
  const write = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) =>
    console[level](JSON.stringify({ level, message, ...base, ...fields }, describeErrors));
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function describeErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
