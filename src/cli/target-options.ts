// Options that say which worker a command talks to: the project's own in an embedded workerd, or a deployed one.
import { resolve } from "node:path";
import type { WorkerConfig } from "../bridge/config/worker-config.ts";
import type { Options, Values } from "./command.ts";
import { usageError } from "./errors.ts";

export const TARGET_OPTIONS = {
  project: { type: "string", short: "p", value: "FOLDER", default: ".", help: "Project to run on this machine" },
  state: { type: "string", value: "FOLDER", help: "Where the project's data is, when not in .gestalt-edge/state" },
  url: { type: "string", value: "URL", help: "Deployed worker to call instead" },
  key: { type: "string", value: "FILE", help: "Private key for --url, from gestalt-edge keygen" },
  name: {
    type: "string",
    value: "NAME",
    help: "Name of the worker at --url, when it is not the first label of the host",
  },
} as const satisfies Options;

/** The worker, in the words of the bridge's config. Throws a usage error for options that do not fit together. */
export function checkTarget(
  { project, state, url, key, name }: Values<typeof TARGET_OPTIONS>,
  command = "invoke",
): WorkerConfig {
  if (url === undefined) {
    if (key !== undefined || name !== undefined) throw usageError("--key and --name go only with --url", command);
    const folder = state === undefined ? undefined : resolve(state);
    return { type: "embedded", project: resolve(project), state: folder, provider: undefined };
  }
  if (state !== undefined) throw usageError("--state goes only without --url", command);
  const address = URL.parse(url);
  if (address === null || !/^https?:$/.test(address.protocol))
    throw usageError(`"${url}" is no address such as https://search.acme.workers.dev`, command);
  if (key === undefined) throw usageError("--url needs --key, the private key the worker trusts", command);
  const [label = ""] = address.hostname.split(".");
  const more = { access: undefined, ca: undefined, provider: undefined };
  return { type: "deployed", url, key: { file: key }, name: name ?? label, ...more };
}
