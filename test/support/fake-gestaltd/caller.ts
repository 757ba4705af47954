// Who calls, as gestaltd knows it from the token or from the socket.
import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Grant } from "./relay.ts";

export const callerKey = createContextKey<Grant | undefined>(undefined);

export function callerOf(context: HandlerContext): Grant {
  const grant = context.values.get(callerKey);
  if (grant === undefined) throw new Error("a call of nobody reached a handler");
  return grant;
}
