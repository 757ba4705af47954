// The way of a bridge's WebSocket to the object of its session.
import { Code, ConnectError } from "@connectrpc/connect";
import { CHANNEL_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";
import { NO_CHANNEL } from "../host/hosting.ts";
import { createLog } from "../log.ts";
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
  try {
    return await namespace.get(channelObjectId(namespace, session)).fetch(request);
  } catch (error) {
    // It may be on its way to another machine; or workerd has nothing to make it of, and only says so when it is asked for.
    createLog().error("the session's Durable Object could not be reached", { error });
    return errorResponse(new ConnectError(UNREACHABLE, Code.Unavailable), 503);
  }
}

const UNREACHABLE = `The session's Durable Object could not be reached. The class_name of ${CHANNEL_BINDING} in wrangler.toml must be \
that of the exported class, HostChannel; the worker's log has the cause.`;
