// `request.host`: what gestaltd offers this session, as typed clients.
//
// Clients are loaded when a session that is offered their service is configured, never while the Worker starts: the protocol's
// messages of all ten take some 10 ms to set up, and most providers need two of them or none.
import { HOST_SERVICES, type HostServiceKey, hostServiceName } from "../../wire/host-services.ts";
import type { AgentHost } from "./agent-host/client.ts";
import type { AgentManager } from "./agents/client.ts";
import type { Authorization } from "./authorization/client.ts";
import type { Cache } from "./cache/client.ts";
import type { IndexedDB } from "./indexeddb/client.ts";
import type { HostCaller } from "./link.ts";
import type { PluginInvoker } from "./plugins/client.ts";
import type { RuntimeLogHost } from "./runtime-logs/client.ts";
import type { S3 } from "./s3/client.ts";
import type { Uses } from "./uses.ts";
import type { WorkflowHost } from "./workflow-host/client.ts";
import type { WorkflowManager } from "./workflows/client.ts";

export interface HostServices {
  /** A bound cache; without a name the only one. */
  cache(name?: string): Cache;
  /** A bound object store; without a name the only one. */
  s3(name?: string): S3;
  /** A bound database; without a name the session's own. */
  indexedDB(name?: string): IndexedDB;
  readonly plugins: PluginInvoker;
  readonly workflows: WorkflowManager;
  /** For workflow providers. */
  readonly workflowHost: WorkflowHost;
  readonly agents: AgentManager;
  /** For agent providers. */
  readonly agentHost: AgentHost;
  readonly authorization: Authorization;
  readonly runtimeLogs: RuntimeLogHost;
}

/**
 * Gives `host` the clients of what the session was offered; all else is absent. `uses` leaves out what is not declared.
 * They must have been loaded.
 */
export function addHostServices<T extends object>(
  host: T,
  caller: HostCaller,
  uses: Uses | undefined,
): T & Partial<HostServices> {
  for (const [key, client] of loaded) {
    if (uses?.has(key) === false || !isOffered(caller.offered, key)) continue;
    let made: HostServices[HostServiceKey] | undefined;
    Object.defineProperty(host, key, { enumerable: true, get: () => (made ??= client(caller)) });
  }
  return host;
}

/**
 * Makes clients available. Done by whoever brings the way to gestaltd, the channel or a test's host: a Worker without one carries
 * none of them, which is some 40 kB (gzip) of its bundle.
 */
export function installHostClients(table: HostClients): void {
  clients = table;
}

/** Loads the clients that a session may use; a second time is free. */
export async function loadHostServices(offered: readonly string[], uses: Uses | undefined): Promise<void> {
  const wanted = KEYS.filter((key) => !loaded.has(key) && uses?.has(key) !== false && isOffered(offered, key));
  await Promise.all(
    wanted.map(async (key) => {
      const client = await clients?.[key]();
      if (client !== undefined) loaded.set(key, client);
    }),
  );
}

export function isOffered(offered: readonly string[], key: HostServiceKey): boolean {
  const stem = hostServiceName(key);
  return offered.some((name) => name === stem || (HOST_SERVICES[key].bindings && name.startsWith(`${stem}_`)));
}

/** What stands under the service's name in `request.host`, for one call. */
export type Member<Key extends HostServiceKey> = (caller: HostCaller) => HostServices[Key];

export type HostClients = { readonly [Key in HostServiceKey]: () => Promise<Member<Key>> };

let clients: HostClients | undefined;

const KEYS = Object.keys(HOST_SERVICES) as HostServiceKey[];

/** Code, the same for every session. */
const loaded = new Map<HostServiceKey, Member<HostServiceKey>>();
