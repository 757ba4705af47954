// Invocation tokens: who a plugin acts for, as gestaltd's managers read it (reference §4.10). Here in plain text.
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { callerOf } from "./caller.ts";

const PREFIX = "invocation-token";

/** As gestaltd mints it for a call of the plugin on behalf of the subject. */
export function invocationToken(subject: string, plugin: string): string {
  return [PREFIX, plugin, subject].join("/");
}

/** Throws FAILED_PRECONDITION for a token that is missing, invalid, or another plugin's. */
export function subjectOf(token: string, context: HandlerContext): string {
  if (token.trim() === "") throw refused("invocation token is required");
  const [prefix, plugin, subject] = token.split("/");
  if (prefix !== PREFIX || plugin === undefined || subject === undefined) {
    throw refused("invocation token is invalid or expired");
  }
  const caller = callerOf(context).plugin;
  if (plugin !== caller) throw refused(`plugin invocation token is not valid for "${caller}"`);
  return subject;
}

function refused(message: string): ConnectError {
  return new ConnectError(message, Code.FailedPrecondition);
}
