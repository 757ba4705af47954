// Calls of the Durable Object that holds a session's store.
import { type BackoffSources, type ProviderRequest, withBackoff } from "../../worker/index.ts";
import { durableObjectError, type FailingObject, isRetryable } from "../durable-object-errors.ts";
import type { AuthorizationObject } from "./authorization-object.ts";
import type { DurableObjectAuthorizationConfig } from "./config.ts";
import { BACKOFF } from "./limits.ts";

const STORE: FailingObject = { name: "The authorization store" };

export type StoreRequest = ProviderRequest<DurableObjectAuthorizationConfig, never>;
export type Stub = DurableObjectStub<AuthorizationObject>;

/** One call of the object, for a request. */
export type Ask = <Answer>(request: StoreRequest, call: (object: Stub) => Promise<Answer>) => Promise<Answer>;

/** A call that the platform failed is tried again, writes too: what they say is the state to be in, not a change. */
export function objectCalls(open: (request: StoreRequest) => Stub, sources: BackoffSources | undefined): Ask {
  return async (request, call) => {
    try {
      // A stub that has failed stays broken, so each try takes a new one.
      return await withBackoff(() => call(open(request)), isRetryable, BACKOFF, request, sources);
    } catch (failure) {
      throw durableObjectError(failure, STORE);
    }
  };
}
