// All clients of host services by name, each loaded when it is first needed.
import { bindingSuffix, type HostServiceKey, hostServiceName } from "../../wire/host-services.ts";
import { HostServiceMissingError } from "./errors.ts";
import type { HostClients } from "./host.ts";
import { type HostCaller, type HostLink, hostLink } from "./link.ts";

export const HOST_CLIENTS: HostClients = {
  cache: async () => bound("cache", (await import("./cache/client.ts")).cacheClient),
  s3: async () => bound("s3", (await import("./s3/client.ts")).s3Client),
  indexedDB: async () => bound("indexedDB", (await import("./indexeddb/client.ts")).indexedDBClient),
  plugins: async () => lone("plugins", (await import("./plugins/client.ts")).pluginInvokerClient),
  workflows: async () => lone("workflows", (await import("./workflows/client.ts")).workflowManagerClient),
  workflowHost: async () => lone("workflowHost", (await import("./workflow-host/client.ts")).workflowHostClient),
  agents: async () => lone("agents", (await import("./agents/client.ts")).agentManagerClient),
  agentHost: async () => lone("agentHost", (await import("./agent-host/client.ts")).agentHostClient),
  authorization: async () => lone("authorization", (await import("./authorization/client.ts")).authorizationClient),
  runtimeLogs: async () => lone("runtimeLogs", (await import("./runtime-logs/client.ts")).runtimeLogHostClient),
};

function lone<T>(key: HostServiceKey, client: (link: HostLink) => T): (caller: HostCaller) => T {
  const name = hostServiceName(key);
  return (caller) => client(hostLink(caller, name));
}

function bound<T>(key: HostServiceKey, client: (link: HostLink) => T): (caller: HostCaller) => (name?: string) => T {
  return (caller) => (name) => client(hostLink(caller, boundName(caller, key, name)));
}

/** gestaltd offers a lone binding without its name too; with several, one must be named. */
function boundName({ offered }: HostCaller, key: HostServiceKey, binding: string | undefined): string {
  const name = hostServiceName(key, binding);
  if (offered.includes(name)) return name;
  const prefix = `${hostServiceName(key)}_`;
  const known = offered.filter((other) => other.startsWith(prefix)).map((other) => other.slice(prefix.length));
  const asked = binding === undefined ? "one must be named" : `there is none named "${bindingSuffix(binding)}"`;
  const message = `host.${key}: ${asked}; gestaltd offers ${known.join(", ") || "only the unnamed one"}`;
  throw new HostServiceMissingError(key, message);
}
