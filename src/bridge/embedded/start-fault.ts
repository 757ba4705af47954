// Says in one line why workerd does not start a worker.
import { GrpcCode } from "../../wire/codes.ts";
import { BridgeError } from "../errors.ts";

/** workerd's complaints about a bundle or its bindings are the user's to mend. */
export function startFault(error: unknown, project: string): BridgeError {
  const text = complaints(error instanceof Error ? error.message : String(error));
  return new BridgeError(GrpcCode.failedPrecondition, `workerd does not start the worker of ${project}: ${text}`, {
    cause: error,
  });
}

/** A line of workerd's structured log, as Miniflare puts it into its error. */
const LOGGED_ERROR = /^\{.*"level":"error".*?"message":(?<message>"(?:[^"\\]|\\.)*")/;

function complaints(text: string): string {
  const messages = text.split("\n").flatMap((line) => {
    const message = LOGGED_ERROR.exec(line)?.groups?.message;
    return message === undefined ? [] : [String(JSON.parse(message))];
  });
  return (messages.length > 0 ? messages.join("; ") : text).replace(/\s*\n\s*/g, " ");
}
