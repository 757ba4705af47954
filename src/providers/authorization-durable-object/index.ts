// Authorization on a Durable Object: models and relationships in SQLite, decided where they lie. docs/authorization.md.
import { type BackoffSources, defineAuthorizationProvider, type Provider } from "../../worker/index.ts";
import { type DurableObjectAuthorizationConfig, durableObjectAuthorizationConfig, objectBinding } from "./config.ts";
import { modelHandlers, relationshipHandlers } from "./content-handlers.ts";
import { objectCalls } from "./object-calls.ts";
import { decisionHandlers, searchHandlers } from "./question-handlers.ts";

export { AuthorizationObject } from "./authorization-object.ts";
export type { DurableObjectAuthorizationConfig } from "./config.ts";

export interface DurableObjectAuthorizationOptions {
  /** Name of the Durable Object binding; `AUTHORIZATION_OBJECT` when left out. A session's config may name another. */
  readonly binding?: string;
  /** Name of the object; `authorization` when left out. A session's config may name another. */
  readonly store?: string;
  /** Chance and pauses between tries when the object's infrastructure fails. */
  readonly backoff?: BackoffSources;
}

/** Makes an authorization provider that keeps models and relationships in an {@link AuthorizationObject}. */
export function durableObjectAuthorization(options: DurableObjectAuthorizationOptions = {}): Provider {
  const { binding = "AUTHORIZATION_OBJECT", store = "authorization", backoff } = options;
  const ask = objectCalls(({ bindings, config }) => {
    const namespace = objectBinding(bindings, config.binding ?? binding);
    const placement = config.location === undefined ? {} : { locationHint: config.location };
    return namespace.getByName(config.store ?? store, placement);
  }, backoff);
  return defineAuthorizationProvider<DurableObjectAuthorizationConfig, never>({
    displayName: "Authorization on a Durable Object",
    description: "Models and relationships in a SQLite-backed Durable Object.",
    config: durableObjectAuthorizationConfig,
    // gestaltd offers its databases, but this one has its own.
    uses: [],
    configure: ({ bindings, config }) => void objectBinding(bindings, config.binding ?? binding),
    ...decisionHandlers(ask),
    ...searchHandlers(ask),
    ...relationshipHandlers(ask),
    ...modelHandlers(ask),
  });
}
