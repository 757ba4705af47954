// Secrets from the worker's own bindings: Worker secrets and Secrets Store. docs/secrets.md says how to set them.
import {
  type BackoffSources,
  type Bindings,
  Code,
  ConnectError,
  defineSecretsProvider,
  type Provider,
} from "../../worker/index.ts";
import { type AllowedBindingsOptions, allowedBindings } from "./allowed-bindings.ts";
import { type BindingSecretsConfig, bindingSecretsConfig } from "./config.ts";
import { readBinding } from "./read-binding.ts";

export type { AllowedBindingsOptions } from "./allowed-bindings.ts";
export type { BindingSecretsConfig } from "./config.ts";

export interface BindingSecretsOptions extends AllowedBindingsOptions {
  /** Chance and pauses between tries when a Secrets Store fails. */
  readonly backoff?: BackoffSources;
}

/**
 * Makes a secrets provider that reads the worker's bindings. It lists nothing: who does not know a name learns none.
 *
 * @throws TypeError for options that would give away more than secrets.
 */
export function bindingSecrets({ backoff, ...options }: BindingSecretsOptions = {}): Provider {
  const allowed = allowedBindings(options);
  const bindingOf = (name: string, { allow, prefix = "" }: BindingSecretsConfig) =>
    allow === undefined || allow.includes(name) ? allowed.of(prefix + name) : undefined;
  return defineSecretsProvider<BindingSecretsConfig>({
    displayName: "Secrets of the worker",
    description: "Worker secrets and Secrets Store bindings, as far as the worker's code allows them.",
    config: bindingSecretsConfig,
    warnings({ bindings, config }) {
      const { prefix = "" } = config;
      const listed = allowed.listed.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
      return (config.allow ?? listed).flatMap((name) => warning(name, bindingOf(name, config), bindings));
    },
    async getSecret({ name }, request) {
      const binding = bindingOf(name, request.config);
      if (binding === undefined) throw notFound(name, "it is not among those this provider may serve");
      if (!Object.hasOwn(request.bindings, binding)) throw notFound(name, `the worker has no binding ${binding}`);
      return readBinding(request.bindings[binding], binding, request, backoff);
    },
  });
}

function warning(name: string, binding: string | undefined, bindings: Bindings): string[] {
  if (binding === undefined) return [`The secret ${JSON.stringify(name)} is not among those the worker's code allows.`];
  if (Object.hasOwn(bindings, binding)) return [];
  return [`The worker has no binding ${binding} for the secret ${JSON.stringify(name)}.`];
}

function notFound(name: string, why: string): ConnectError {
  return new ConnectError(`There is no secret ${JSON.stringify(name)}: ${why}.`, Code.NotFound);
}
