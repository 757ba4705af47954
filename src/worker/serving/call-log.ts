// One log line for each call, when the operator asked for it with a variable; `gestalt-edge dev` does and prints them.
import { CALL_LOG_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";
import { createLog, type LogFields } from "../log.ts";
import type { Session } from "../sessions/session.ts";

const log = createLog();

export function callLogEnabled(bindings: Bindings): boolean {
  return bindings[CALL_LOG_BINDING] === "1";
}

/**
 * Writes `{"level":"info","message":"call","call":"Cache/Get","provider":…,"session":…,"status":200,"ms":3}`. `status`
 * is the HTTP status unless the surface noted one, `ms` the time until the response began; a Worker's clock stands still while it computes, so that
 * is time spent waiting.
 */
export function logCall(label: string, session: Session, status: number, startedMs: number, notes?: LogFields): void {
  log.info("call", {
    call: label,
    provider: session.provider,
    session: session.name,
    status,
    ms: Date.now() - startedMs,
    ...notes,
  });
}
