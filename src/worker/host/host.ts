// `request.host`: what gestaltd offers this session, as typed clients.
import { bindingSuffix, HOST_SERVICES, type HostServiceKey, hostServiceName } from "../../wire/host-services.ts";
import { type AgentHost, agentHostClient } from "./agent-host/client.ts";
import { type AgentManager, agentManagerClient } from "./agents/client.ts";
import { type Authorization, authorizationClient } from "./authorization/client.ts";
import { type Cache, cacheClient } from "./cache/client.ts";
import { type IndexedDB, indexedDBClient } from "./indexeddb/client.ts";
import { type HostCaller, hostLink } from "./link.ts";
import { type PluginInvoker, pluginInvokerClient } from "./plugins/client.ts";
import { type RuntimeLogHost, runtimeLogHostClient } from "./runtime-logs/client.ts";
import { type S3, s3Client } from "./s3/client.ts";
import { type WorkflowHost, workflowHostClient } from "./workflow-host/client.ts";
import { type WorkflowManager, workflowManagerClient } from "./workflows/client.ts";

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

/** The clients of what the session was offered; all else is absent. `only` leaves out what the provider did not declare. */
export function hostServicesOf(caller: HostCaller, only?: ReadonlySet<HostServiceKey>): Partial<HostServices> {
  const host: { [Key in HostServiceKey]?: unknown } = {};
  for (const key of Object.keys(HOST_SERVICES) as HostServiceKey[]) {
    if (only?.has(key) === false || !isOffered(caller.offered, key)) continue;
    Object.defineProperty(host, key, { enumerable: true, get: () => CLIENTS[key](caller) });
  }
  return host as Partial<HostServices>;
}

const CLIENTS: { readonly [Key in HostServiceKey]: (caller: HostCaller) => HostServices[Key] } = {
  cache: (caller) => (name) => cacheClient(hostLink(caller, boundName(caller, "cache", name))),
  s3: (caller) => (name) => s3Client(hostLink(caller, boundName(caller, "s3", name))),
  indexedDB: (caller) => (name) => indexedDBClient(hostLink(caller, boundName(caller, "indexedDB", name))),
  plugins: (caller) => pluginInvokerClient(hostLink(caller, hostServiceName("plugins"))),
  workflows: (caller) => workflowManagerClient(hostLink(caller, hostServiceName("workflows"))),
  workflowHost: (caller) => workflowHostClient(hostLink(caller, hostServiceName("workflowHost"))),
  agents: (caller) => agentManagerClient(hostLink(caller, hostServiceName("agents"))),
  agentHost: (caller) => agentHostClient(hostLink(caller, hostServiceName("agentHost"))),
  authorization: (caller) => authorizationClient(hostLink(caller, hostServiceName("authorization"))),
  runtimeLogs: (caller) => runtimeLogHostClient(hostLink(caller, hostServiceName("runtimeLogs"))),
};

function isOffered(offered: readonly string[], key: HostServiceKey): boolean {
  const stem = hostServiceName(key);
  return offered.some((name) => name === stem || (HOST_SERVICES[key].bindings && name.startsWith(`${stem}_`)));
}

/** gestaltd offers a lone binding without its name too; with several, one must be named. */
function boundName({ offered }: HostCaller, key: HostServiceKey, binding: string | undefined): string {
  const name = hostServiceName(key, binding);
  if (offered.includes(name)) return name;
  const prefix = `${hostServiceName(key)}_`;
  const known = offered.filter((other) => other.startsWith(prefix)).map((other) => other.slice(prefix.length));
  const asked = binding === undefined ? "one must be named" : `there is none named "${bindingSuffix(binding)}"`;
  throw new TypeError(`host.${key}: ${asked}; gestaltd offers ${known.join(", ") || "only the unnamed one"}`);
}
