// The log of a session that gestaltd keeps none for (cache, s3 and the like): lines of JSON on the bridge's stderr, which
// gestaltd shows among its own.
import type { Log } from "../log.ts";
import { entryOf, type SessionNames } from "./readable-line.ts";
import type { SessionLog } from "./session-log.ts";

/** Fields of an entry stand under `fields`, where they can pass for nothing of the bridge's own. */
export function stderrLog(log: Log, names: SessionNames): SessionLog {
  return {
    write(stream, message) {
      if (message === "") return;
      if (stream === "runtime") {
        log.warn(message, { source: "runtime" });
        return;
      }
      const entry = entryOf(message, names);
      const level = entry?.level ?? (stream === "stderr" ? "error" : "info");
      const fields = entry !== undefined && Object.keys(entry.fields).length > 0 ? { fields: entry.fields } : {};
      // The bridge's log has no level for debugging; who prints such lines wants to see them.
      log[level === "debug" ? "info" : level](entry?.message ?? message, { source: "worker", ...fields });
    },
    dropped(count) {
      if (count > 0) log.warn("lines of the worker were dropped", { source: "worker", count });
    },
  };
}
