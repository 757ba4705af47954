// Makes the request object of a handler without a worker around it, for authors' unit tests.
import type { HostServices } from "../host/host.ts";
import { createLog } from "../log.ts";
import type { Host, PluginRequest } from "./plugin-request.ts";

/**
 * A request in which everything is as when gestaltd says nothing: no subject, no token, an empty config, no host services.
 * `given` replaces what the test is about; `host` may be made by `testHost` of `gestalt-edge/testing`. Its signal never aborts, its log goes to the
 * console, and what `waitUntil` gets is not waited for.
 *
 * @example
 * const greet = ({ name }: { name: string }, { token }: PluginRequest) => `${token} greets ${name}`;
 * greet({ name: "Ada" }, request({ token: "Bo" }));
 */
export function request<
  Config = Record<string, never>,
  Services extends Partial<HostServices & Host> = Record<never, never>,
>(
  given: Omit<Partial<PluginRequest<Config>>, "host"> & { readonly host?: Services } = {},
): PluginRequest<Config> & { readonly host: NoInfer<Services> } {
  const { host, ...rest } = given;
  return {
    name: "test",
    config: {} as Config,
    env: {},
    bindings: {},
    signal: new AbortController().signal,
    deadline: undefined,
    trace: { headers: {} },
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
    invocationId: "",
    invocationToken: "",
    idempotencyKey: "",
    ...rest,
    host: withBaseUrl(host ?? ({} as Services)),
  };
}

function withBaseUrl<Services extends Partial<HostServices & Host>>(host: Services): Host & Services {
  if (host.publicBaseUrl !== undefined) return host as Host & Services;
  return Object.create(host, { publicBaseUrl: { value: "", enumerable: true } });
}
