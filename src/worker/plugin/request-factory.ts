// Makes the request object of a handler without a worker around it, for authors' unit tests.
import { createLog } from "../log.ts";
import type { PluginRequest } from "./plugin-request.ts";

/**
 * A request in which everything is as when gestaltd says nothing: no subject, no token, an empty config. `given` replaces
 * what the test is about. Its signal never aborts, its log goes to the console, and what `waitUntil` gets is not waited for.
 *
 * @example
 * const greet = ({ name }: { name: string }, { token }: PluginRequest) => `${token} greets ${name}`;
 * greet({ name: "Ada" }, request({ token: "Bo" }));
 */
export function request<Config = Record<string, never>>(
  given: Partial<PluginRequest<Config>> = {},
): PluginRequest<Config> {
  return {
    name: "test",
    config: {} as Config,
    env: {},
    bindings: {},
    signal: new AbortController().signal,
    deadline: undefined,
    log: createLog(),
    waitUntil: () => undefined,
    token: "",
    connectionParams: {},
    subject: undefined,
    agentSubject: undefined,
    externalIdentity: undefined,
    agentExternalIdentity: undefined,
    credential: undefined,
    access: undefined,
    workflow: undefined,
    host: { publicBaseUrl: "" },
    invocationId: "",
    invocationToken: "",
    idempotencyKey: "",
    ...given,
  };
}
