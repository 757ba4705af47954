// Whether a session has a log beyond the Worker's console, and by which of two ways lines get there.
import { CHANNEL_BINDING, LOG_MARK_BINDING } from "../../wire/bindings.ts";
import type { Call } from "../call.ts";

/**
 * What the node of an embedded worker has it put before each line that it prints for a session: the node reads the console,
 * so nothing need be sent. Undefined in deployed workers.
 */
export function consoleMark({ bindings }: Call): string | undefined {
  const mark = bindings[LOG_MARK_BINDING];
  return typeof mark === "string" ? mark : undefined;
}

/** Whether lines can be sent over the session's channel: deployed workers, for sessions that have host services. */
export function hasLogChannel({ session, bindings }: Call): boolean {
  return session.hosts.length > 0 && bindings[CHANNEL_BINDING] !== undefined;
}

export function hasSessionLog(call: Call): boolean {
  return consoleMark(call) !== undefined || hasLogChannel(call);
}
