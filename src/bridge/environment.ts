// Names of the environment variables this generation of gestaltd uses (reference: "Environment is NOT inherited"), and
// ours. The only place that knows them (DESIGN §11).

/** Unix socket the provider must listen on. */
export const SOCKET_VARIABLE = "GESTALT_PLUGIN_SOCKET";
/** How gestaltd names the folder it makes for a provider's socket, and removes when it ends. */
export const SOCKET_FOLDER_PREFIX = "gstp-";
/** gestaltd's process id; the bridge ends when that process is gone. */
export const PARENT_PID_VARIABLE = "GESTALT_PLUGIN_PARENT_PID";
/** gestaltd's name for the provider; a constant for some kinds. */
export const NAME_VARIABLE = "GESTALT_PLUGIN_NAME";
/** Folder that relative paths in config start from; gestaltd's working directory otherwise. */
const ROOT_VARIABLE = "GESTALT_EDGE_ROOT";
/** The `worker` key of the config as JSON, for an entry without `config:`; see config/given-config.ts. */
export const WORKER_VARIABLE = "GESTALT_EDGE_WORKER";
/** The provider's own keys of the config as JSON, likewise. */
export const CONFIG_VARIABLE = "GESTALT_EDGE_CONFIG";
/** `off` makes the bridge one process, which no other one looks after: it takes less memory and ends for good when it crashes. */
export const SUPERVISOR_VARIABLE = "GESTALT_EDGE_SUPERVISOR";
/** Seconds without a sign of life after which the supervisor ends the working process and starts another; `0`: never, for debuggers. */
const HUNG_VARIABLE = "GESTALT_EDGE_HUNG_SECONDS";
/** Tells the process that a supervisor starts what it is for. Set by the bridge itself. */
export const WORKING_PROCESS_VARIABLE = "GESTALT_EDGE_WORKING_PROCESS";
/** PEM text of the authority that host services' certificates are checked against; what gestaltd gives to hosted plugins. */
export const HOST_SERVICE_CA_PEM_VARIABLE = "GESTALT_HOST_SERVICE_TLS_CA_PEM";
/** Path of a PEM file of the same; gestaltd copies it to executables from its own environment. */
export const HOST_SERVICE_CA_FILE_VARIABLE = "GESTALT_HOST_SERVICE_TLS_CA_FILE";

/** Address of a host service, with an optional binding name: `GESTALT_CACHE_SOCKET_MAIN`. */
const HOST_SERVICE_SOCKET = /^GESTALT_([A-Z0-9_]+?)_SOCKET(?:_(?!TOKEN$)([A-Z0-9_]+?))?$/;
/** Token of a host service: the address's name and `_TOKEN`. */
const HOST_SERVICE_TOKEN = /^GESTALT_[A-Z0-9_]+_SOCKET(?:_[A-Z0-9_]+)?_TOKEN$/;
const HOST_SERVICE_TLS = /^GESTALT_HOST_SERVICE_TLS_/;
const EGRESS_PROXY = new Set(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]);

export type VariableRole = "host-address" | "host-token" | "host-tls" | "proxy" | "session";

/** What a variable of `StartPlugin.env` is for. Only `session` variables may leave the bridge. */
export function roleOfVariable(name: string): VariableRole {
  if (HOST_SERVICE_TOKEN.test(name)) return "host-token";
  if (HOST_SERVICE_SOCKET.test(name)) return "host-address";
  if (HOST_SERVICE_TLS.test(name)) return "host-tls";
  if (EGRESS_PROXY.has(name)) return "proxy";
  return "session";
}

/** Name of an offered host service: the variable less `GESTALT_` and `_SOCKET`: `CACHE`, `CACHE_MAIN` with a binding. */
export function hostServiceOfVariable(variable: string): string {
  const [, service = "", binding] = HOST_SERVICE_SOCKET.exec(variable) ?? [];
  return binding === undefined ? service : `${service}_${binding}`;
}

/** Generous: what takes the event loop for that long is no work of a bridge. In seconds. */
const HUNG_SECONDS = 30;

/** What {@link HUNG_VARIABLE} says, in milliseconds. */
export function hungAfterMs(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env[HUNG_VARIABLE] || HUNG_SECONDS);
  return (seconds >= 0 && seconds <= MAX_HUNG_SECONDS ? seconds : HUNG_SECONDS) * 1000;
}

/** A day is as good as never; timers take no more than 24 of them. */
const MAX_HUNG_SECONDS = 86_400;

/** Folder that relative paths in the config start from. */
export function rootFolder(env: NodeJS.ProcessEnv): string {
  return env[ROOT_VARIABLE] || process.cwd();
}
