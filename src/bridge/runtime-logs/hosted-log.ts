// A hosted session's log, ready to be handed around: redacted, readable, sent to gestaltd by the runtime's own way or the session's.

import { hostServiceName } from "../../wire/host-services.ts";
import type { HostClient } from "../host/client.ts";
import type { HostService } from "../host/host-service.ts";
import { offeredServices } from "../host/offered.ts";
import { createSecrets, type Log, type Secrets } from "../log.ts";
import { readable, type SessionNames } from "./readable-line.ts";
import { RuntimeLog } from "./runtime-log.ts";
import type { SessionLog } from "./session-log.ts";

export interface HostedLogOptions {
  readonly session: string;
  readonly client: HostClient;
  /** The bridge's own secrets: tokens, keys. */
  readonly secrets: Secrets;
  readonly log: Log;
  /** Environment of the runtime's process. */
  readonly env: NodeJS.ProcessEnv;
}

export class HostedLog implements SessionLog {
  readonly #secrets = createSecrets();
  readonly #ownSecrets: Secrets;
  readonly #log: RuntimeLog;
  #names: SessionNames = { provider: "", name: "" };

  constructor({ session, client, secrets, log, env }: HostedLogOptions) {
    this.#ownSecrets = secrets;
    this.#log = new RuntimeLog({ session, client, redact: (text) => this.redact(text), log });
    this.#log.use(runtimeLogHost(env, log));
  }

  write(...[stream, message, writtenAt]: Parameters<SessionLog["write"]>): void {
    this.#log.write(stream, stream === "runtime" ? message : readable(message, this.#names), writtenAt);
  }

  dropped(count: number): void {
    this.#log.dropped(count);
  }

  /** The names whose repetition in each entry is left out. */
  named(names: SessionNames): void {
    this.#names = names;
  }

  /** Values that must not be read from now on, beside the bridge's own. */
  keepSecret(values: readonly string[]): void {
    for (const value of values) this.#secrets.add(value);
  }

  /** For what else of the session's goes where others read it. */
  redact(text: string): string {
    return this.#secrets.redact(this.#ownSecrets.redact(text));
  }

  /** What the session was offered: its relay is taken where the runtime's process has no way of its own. */
  offered(hosts: ReadonlyMap<string, HostService>): void {
    this.#log.use(hosts.get(hostServiceName("runtimeLogs")));
  }

  registered(): void {
    this.#log.registered();
  }

  close(limitMs: number): Promise<void> {
    return this.#log.close(limitMs);
  }
}

/** The runtime's socket: there before any session, and without a relay that asks the bridge about the session each time. */
function runtimeLogHost(env: NodeJS.ProcessEnv, log: Log): HostService | undefined {
  try {
    return offeredServices(env).get(hostServiceName("runtimeLogs"));
  } catch (error) {
    log.warn("the runtime's way to gestaltd's logs cannot be used", { error });
    return undefined;
  }
}
