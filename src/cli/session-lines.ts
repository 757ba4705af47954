// What a session of the command prints, on stderr as it comes. Only embedded workers tell; a deployed one prints to its own console.
import type { Secrets } from "../bridge/log.ts";
import { entryOf, type WorkerEntry } from "../bridge/runtime-logs/readable-line.ts";
import type { LogStream, SessionLog } from "../bridge/runtime-logs/session-log.ts";
import { logText } from "./log-text.ts";
import type { Terminal } from "./terminal.ts";

/** With `--json` each line is an event, as of `gestalt-edge dev`; what `console` printed has its stream there, for want of a level. */
export function sessionLines(provider: string, { json, note }: Terminal, secrets: Secrets): SessionLog {
  return {
    write(stream, line, writtenAt = new Date()) {
      // What the worker as a whole suffers comes back as the error of the call.
      if (stream === "runtime" || line === "") return;
      const entry = entryOf(line, { provider, name: provider });
      const told = json ? eventOf(stream, line, entry, writtenAt) : textOf(line, entry);
      note(secrets.redact(told));
    },
    dropped(count) {
      if (count > 0) note(`${count} lines of the worker were dropped`);
    },
  };
}

function textOf(line: string, entry: WorkerEntry | undefined): string {
  if (entry === undefined) return line;
  const { level, message, fields } = entry;
  return `${level}  ${logText({ ...fields, message })}`;
}

function eventOf(stream: LogStream, line: string, entry: WorkerEntry | undefined, writtenAt: Date): string {
  const head = { event: "log", time: writtenAt.getTime() };
  if (entry === undefined) return JSON.stringify({ ...head, stream, message: line });
  const { level, message, fields } = entry;
  return JSON.stringify({ ...fields, ...head, level, message });
}
