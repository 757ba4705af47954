// Which Durable Object holds a session's channel.
import { CHANNEL_BINDING } from "../../wire/bindings.ts";
import type { Bindings } from "../call.ts";
import type { Session } from "../sessions/session.ts";
import type { HostChannel } from "./host-channel.ts";

export type ChannelNamespace = DurableObjectNamespace<HostChannel>;

/** The objects of all sessions; undefined when the worker binds none. */
export function channelNamespace(bindings: Bindings): ChannelNamespace | undefined {
  const namespace = bindings[CHANNEL_BINDING];
  const isNamespace = typeof namespace === "object" && namespace !== null && "idFromName" in namespace;
  return isNamespace ? (namespace as ChannelNamespace) : undefined;
}

/** Kept because making one costs as much as all else a host call does here: some 25 µs. */
const ids = new WeakMap<Session, DurableObjectId>();

/** The session's own object. Two bridges may use one session id by chance: their keys tell them apart. */
export function channelObjectId(namespace: ChannelNamespace, session: Session): DurableObjectId {
  let object = ids.get(session);
  if (object === undefined) {
    const { issuer, provider, id } = session;
    object = namespace.idFromName(JSON.stringify([issuer, provider, id]));
    ids.set(session, object);
  }
  return object;
}
