// What the author of a secrets provider writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import { secretsSurface } from "./surface.ts";

/** A name as gestaltd's config refers to it (`{secret: {provider, name}}`): valid Unicode, 1 to 512 characters. */
export type SecretName = string;

/**
 * gestaltd starts several short-lived instances while it resolves its configuration, and any failure ends its start: answer from
 * what is at hand, and try again what fails in passing. A `ConnectError` thrown goes out as it is. Anything else is INTERNAL, and
 * the log gets its type and place but not its text, which may hold what must not be there.
 */
export interface SecretsHandlers<Config = unknown> {
  /** Undefined, null and the empty text all mean that there is no such secret: NOT_FOUND, with its name. */
  getSecret(
    input: { readonly name: SecretName },
    request: ProviderRequest<Config>,
  ): Promise<string | null | undefined> | string | null | undefined;
}

export interface SecretsProviderOptions<Config = unknown> extends ProviderOptions<Config>, SecretsHandlers<Config> {}

/** Makes a secrets provider for `serve({ … })`. */
export function defineSecretsProvider<Config = Record<string, unknown>>(
  options: SecretsProviderOptions<Config>,
): Provider {
  return { kind: "secrets", ...providerBase(options), surfaces: [secretsSurface(options)] };
}
