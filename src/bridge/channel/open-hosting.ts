// Gives a session its host services: a channel, where there is something to reach and a worker that can.
import type { HostService } from "../host/host-service.ts";
import type { BridgeContext } from "../lifecycle/bridge.ts";
import type { TracerSource } from "../tracing/tracer.ts";
import type { UpstreamSource } from "../upstream.ts";
import type { LocalMethods } from "./local.ts";
import { openSessionChannel, type SessionChannel } from "./session-channel.ts";
import { checkUses, NO_CHANNEL, type WorkerHosting } from "./worker-hosting.ts";

export interface Hosting {
  /** gestaltd's name for the provider. */
  readonly name: string;
  /** What gestaltd offers the session. */
  readonly services: ReadonlyMap<string, HostService>;
  /** What the worker said of itself. */
  readonly worker: WorkerHosting;
  /** Of the session; the one of its newest configuration. */
  readonly source: UpstreamSource;
  readonly context: Pick<BridgeContext, "hostClient" | "log">;
  readonly local?: LocalMethods | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer?: TracerSource | undefined;
}

/**
 * Resolves when the channel is open, or with undefined when the session needs none; `signal` ends the wait.
 *
 * @throws BridgeError FAILED_PRECONDITION when the provider uses what it would not reach, or the channel cannot be opened;
 * UNAVAILABLE when that takes too long.
 */
export async function openHosting(hosting: Hosting, signal?: AbortSignal): Promise<SessionChannel | undefined> {
  const { name, services, worker, context } = hosting;
  checkUses(name, worker, services);
  if (services.size === 0) return undefined;
  if (!worker.hostChannel) {
    // gestaltd offers every plugin something; only what the author wants to use is worth a line.
    const wanted = worker.uses.map((use) => use.name);
    if (wanted.length > 0) context.log.info(`gestaltd offers host services, and ${NO_CHANNEL}`, { name, wanted });
    return undefined;
  }
  const channel = open(hosting, false);
  const giveUp = () => void channel.close();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted === true) giveUp();
  try {
    await channel.opened;
    return channel;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** For a session that goes on in another process: does not wait, and tries for as long as the session lives. */
export function resumeHosting(hosting: Omit<Hosting, "worker">, hadChannel: boolean): SessionChannel | undefined {
  return hadChannel && hosting.services.size > 0 ? open(hosting, true) : undefined;
}

function open({ context, ...hosting }: Omit<Hosting, "worker">, resumed: boolean): SessionChannel {
  const { hostClient: client, log } = context;
  return openSessionChannel({ ...hosting, client, log, resumed });
}
