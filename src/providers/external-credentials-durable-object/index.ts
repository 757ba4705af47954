// External credentials on a Durable Object: encrypted in SQLite, renewed where they lie. docs/external-credentials.md.

import type { Provider } from "../../worker/index.ts";
import { type BackoffSources, CREDENTIALS_KEY_BINDING, defineExternalCredentialProvider } from "../../worker/index.ts";
import { type DurableObjectCredentialsConfig, durableObjectCredentialsConfig, objectBinding } from "./config.ts";
import { credentialHandlers, type StoreRequest } from "./handlers.ts";
import { checkKeys, type KeyNames } from "./key-ring.ts";
import { settled } from "./outcome.ts";

export type { DurableObjectCredentialsConfig } from "./config.ts";
export { CredentialsObject } from "./credentials-object.ts";

export interface DurableObjectCredentialsOptions {
  /** Name of the Durable Object binding; `CREDENTIALS_OBJECT` when left out. A session's config may name another. */
  readonly binding?: string;
  /** Name of the object; `credentials` when left out. A session's config may name another. */
  readonly store?: string;
  /** Name of the Worker secret that encrypts; `GESTALT_EDGE_CREDENTIALS_KEY` when left out. A session's config may name another. */
  readonly key?: string;
  /**
   * Names of Worker secrets that only open what they once encrypted. `GESTALT_EDGE_CREDENTIALS_KEY_OLD` is among them wherever it
   * is set. A session's config may name others.
   */
  readonly oldKeys?: readonly string[];
  /** Chance and pauses between tries when the object's infrastructure fails. */
  readonly backoff?: BackoffSources;
}

/** Makes an external-credential provider that keeps its credentials in a {@link CredentialsObject}. */
export function durableObjectCredentials(options: DurableObjectCredentialsOptions = {}): Provider {
  const { binding = "CREDENTIALS_OBJECT", store = "credentials", backoff } = options;
  const { key = CREDENTIALS_KEY_BINDING, oldKeys = [] } = options;
  const namespaceOf = ({ bindings, config }: StoreRequest) => objectBinding(bindings, config.binding ?? binding);
  const keysOf = ({ config }: StoreRequest): KeyNames => ({
    key: config.key ?? key,
    oldKeys: config.oldKeys ?? oldKeys,
  });
  const open = (request: StoreRequest) => {
    const { config } = request;
    const placement = config.location === undefined ? {} : { locationHint: config.location };
    return { object: namespaceOf(request).getByName(config.store ?? store, placement), keys: keysOf(request) };
  };
  return defineExternalCredentialProvider<DurableObjectCredentialsConfig, never>({
    displayName: "External credentials on a Durable Object",
    description: "Encrypted credentials in a SQLite-backed Durable Object, renewed when their tokens end.",
    config: durableObjectCredentialsConfig,
    // gestaltd offers its databases, but this one has its own.
    uses: [],
    configure(request) {
      namespaceOf(request);
      checkKeys(request.bindings, keysOf(request));
    },
    async warnings(request) {
      const { object, keys } = open(request);
      const missing = settled(await object.missingKeys(keys));
      return missing.map(
        ({ keyId, credentials }) =>
          `${credentials} stored credentials are encrypted with the key ${keyId}, which the worker does not have.`,
      );
    },
    ...credentialHandlers(open, backoff),
  });
}
