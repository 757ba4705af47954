// The way of a bridge's WebSocket to the object of its session.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Bindings } from "../call.ts";
import { NO_CHANNEL } from "../host/hosting.ts";
import { errorResponse } from "../serving/errors.ts";
import type { Session } from "../sessions/session.ts";
import { channelNamespace, channelObjectId } from "./object-name.ts";

/** For a request whose token was checked; the object checks it again. 426 without an upgrade, 404 without an object to go to. */
export async function connectChannel(request: Request, bindings: Bindings, session: Session): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return errorResponse(new ConnectError("The host channel is a WebSocket.", Code.InvalidArgument), 426);
  }
  const namespace = channelNamespace(bindings);
  if (namespace === undefined) return errorResponse(new ConnectError(NO_CHANNEL, Code.Unimplemented), 404);
  return namespace.get(channelObjectId(namespace, session)).fetch(request);
}
