// The host services gestaltd can offer to a session, and their names. The one table of them, for both sides.
//
// Sources: reference §3 ("Method prefixes"), §1.5 and §2.5 (bindings). gestaltd tells of each by an environment variable,
// `GESTALT_<STEM>_SOCKET`, with `_<BINDING>` behind it for one of several.

export interface HostServiceRow {
  /** In the environment variable's name. */
  readonly stem: string;
  /** gestaltd's word for it. */
  readonly service: string;
  /** Full name of the gRPC service. */
  readonly typeName: string;
  /** Whether a variable per binding is possible: `GESTALT_CACHE_SOCKET_MAIN`. */
  readonly bindings: boolean;
}

/** By the name a provider declares and `request.host` has. */
export const HOST_SERVICES = {
  indexedDB: row("INDEXEDDB", "indexeddb", "IndexedDB", true),
  cache: row("CACHE", "cache", "Cache", true),
  s3: row("S3", "s3", "S3", true),
  workflows: row("WORKFLOW_MANAGER", "workflow_manager", "WorkflowManagerHost", false),
  workflowHost: row("WORKFLOW_HOST", "workflow_host", "WorkflowHost", false),
  agentHost: row("AGENT_HOST", "agent_host", "AgentHost", false),
  agents: row("AGENT_MANAGER", "agent_manager", "AgentManagerHost", false),
  authorization: row("AUTHORIZATION", "authorization", "AuthorizationProvider", false),
  plugins: row("PLUGIN_INVOKER", "plugin_invoker", "PluginInvoker", false),
  runtimeLogs: row("RUNTIME_LOG", "runtime_log_host", "PluginRuntimeLogHost", false),
} as const satisfies Record<string, HostServiceRow>;

export type HostServiceKey = keyof typeof HOST_SERVICES;

/**
 * Services of the bridge itself (`gestalt.edge.v1.BridgeService`): the name calls on the channel use for them. Every session that
 * has a channel has them; gestaltd knows nothing of it, so no variable can have this name.
 */
export const BRIDGE_SERVICE_NAME = "bridge";

/**
 * What a session's `hosts` claim and the channel's `open` frame call an offered service: the variable less `GESTALT_` and
 * `_SOCKET`, so `CACHE`, or `CACHE_MAIN` with the binding "main".
 */
export function hostServiceName(key: HostServiceKey, binding?: string): string {
  const { stem } = HOST_SERVICES[key];
  return binding === undefined ? stem : `${stem}_${bindingSuffix(binding)}`;
}

/** How gestaltd writes a binding's name into a variable: upper case, and `_` for what is neither letter nor digit. */
export function bindingSuffix(binding: string): string {
  return binding.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** Which service an offered name is of; undefined for a name that is no host service's. */
export function hostServiceKey(name: string): HostServiceKey | undefined {
  const keys = Object.keys(HOST_SERVICES) as HostServiceKey[];
  return keys.find((key) => {
    const { stem, bindings } = HOST_SERVICES[key];
    return name === stem || (bindings && name.startsWith(`${stem}_`));
  });
}

function row(stem: string, service: string, name: string, bindings: boolean): HostServiceRow {
  return { stem, service, typeName: `gestalt.provider.v1.${name}`, bindings };
}
