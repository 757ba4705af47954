// Entries of `request.log` are lines of JSON, for tools. In gestaltd's log a person reads them, in a list that already says
// when, from where and of which session.

export interface WorkerEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  /** What the author added, without what every entry of the session has. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The names every entry of a session carries. */
export interface SessionNames {
  /** Of the provider in the worker. */
  readonly provider: string;
  /** gestaltd's for it. */
  readonly name: string;
}

const LEVELS: readonly unknown[] = ["debug", "info", "warn", "error"];

/** The entry that a line is; undefined for what `console` printed. */
export function entryOf(line: string, names: SessionNames): WorkerEntry | undefined {
  const parsed = line.startsWith("{") ? parse(line) : undefined;
  if (parsed === undefined) return undefined;
  const { level, message, ...fields } = parsed;
  if (!LEVELS.includes(level) || typeof message !== "string") return undefined;
  if (fields.provider === names.provider) delete fields.provider;
  if (fields.session === names.name) delete fields.session;
  return { level: level as WorkerEntry["level"], message, fields };
}

/** `warn retrying {"attempt":2}`; what `console` printed as it is. */
export function readable(line: string, names: SessionNames): string {
  const entry = entryOf(line, names);
  if (entry === undefined) return line;
  const fields = Object.keys(entry.fields).length === 0 ? "" : ` ${JSON.stringify(entry.fields)}`;
  return `${entry.level} ${entry.message}${fields}`;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
