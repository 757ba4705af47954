// A Connect transport over the session's channel: what host clients of a provider in the worker call with.
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Call } from "../call.ts";

/** Calls of the offered service `name` for the session of `call`. */
export function channelTransport(_call: Call, _name: string): Transport {
  throw new ConnectError("there is no host channel yet", Code.Unimplemented);
}
