// What the bridge has to say about one session, in its own log and in the session's: the operator of gestaltd reads the latter.
import type { Log, LogFields } from "../log.ts";
import type { SessionLog } from "./session-log.ts";

/** Fields that say whose line it is, in a log that is the session's alone. */
const NAMING = new Set(["plugin", "provider", "session"]);

export function bothLogs(log: Log, session: SessionLog): Log {
  const entry = (level: keyof Log) => (message: string, fields?: LogFields) => {
    log[level](message, fields);
    session.write("runtime", readable(message, fields));
  };
  return { info: entry("info"), warn: entry("warn"), error: entry("error") };
}

function readable(message: string, fields: LogFields = {}): string {
  const told = Object.entries(fields).filter(([name, value]) => !NAMING.has(name) && value !== undefined);
  return told.length === 0 ? message : `${message} ${JSON.stringify(Object.fromEntries(told), withoutStacks)}`;
}

function withoutStacks(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
