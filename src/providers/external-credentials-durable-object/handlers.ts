// The provider's handlers: each is one call of the object that holds the credentials.
import {
  type BackoffSources,
  Code,
  ConnectError,
  type CredentialConfigInput,
  credentialParams,
  type ExternalCredentialHandlers,
  fixedToken,
  type ProviderRequest,
  withBackoff,
} from "../../worker/index.ts";
import { durableObjectError, type FailingObject, isRetryable } from "../durable-object-errors.ts";
import type { DurableObjectCredentialsConfig } from "./config.ts";
import type { CredentialsObject } from "./credentials-object.ts";
import { exchangeForTokens } from "./exchange.ts";
import { timeOf } from "./instants.ts";
import type { KeyNames } from "./key-ring.ts";
import { BACKOFF } from "./limits.ts";
import { type Outcome, settled } from "./outcome.ts";
import { externalCredential, storedUpsert } from "./stored.ts";
import { configFaults } from "./tokens/config-faults.ts";
import { isFixed } from "./tokens/platform.ts";

const STORE: FailingObject = { name: "The credential store" };

export type StoreRequest = ProviderRequest<DurableObjectCredentialsConfig, never>;
export type Stub = DurableObjectStub<CredentialsObject>;

/** The object of a request's session, and the names of its keys. */
export interface Store {
  readonly object: Stub;
  readonly keys: KeyNames;
}

type Handlers = Required<ExternalCredentialHandlers<DurableObjectCredentialsConfig, never>>;

export function credentialHandlers(
  open: (request: StoreRequest) => Store,
  sources: BackoffSources | undefined,
): Handlers {
  /**
   * One call of the object. What the platform failed is tried again, writes too: what they say is the state to be in. A stub that
   * has failed stays broken, so each try takes a new one.
   */
  const ask = async <T>(request: StoreRequest, call: (store: Store) => Promise<T>): Promise<T> => {
    const asked = withBackoff(() => call(open(request)), isRetryable, BACKOFF, request, sources);
    // The worker must not end before the object has what it was sent, should the caller have gone.
    request.waitUntil(asked.catch(() => undefined));
    return asked.catch((failure: unknown) => {
      throw durableObjectError(failure, STORE);
    });
  };
  const value = async <T>(request: StoreRequest, call: (store: Store) => Promise<Outcome<T>>): Promise<T> =>
    settled(await ask(request, call));

  return {
    async upsertCredential({ credential, preserveTimestamps }, request) {
      const upsert = storedUpsert(credential);
      const stored = await value(request, ({ object, keys }) => object.upsert(upsert, preserveTimestamps, keys));
      return externalCredential(stored);
    },

    async getCredential(key, request) {
      const stored = await value(request, ({ object, keys }) => object.get(key, keys));
      return stored && externalCredential(stored);
    },

    async listCredentials(filter, request) {
      const stored = await value(request, ({ object, keys }) => object.list(filter, keys));
      return stored.map(externalCredential);
    },

    deleteCredential: ({ id }, request) => ask(request, ({ object }) => object.remove(id)),

    validateCredentialConfig: (input) => configFaults(input),

    async resolveCredential(input, request) {
      assertGood(input);
      const { connectionId, instance, credentialSubjectId: subjectId } = input;
      const { auth, connectionParams } = sendable(input);
      if (input.mode === "user") {
        const question = { subjectId, connectionId, instance, auth, connectionParams };
        const stored = await value(request, ({ object, keys }) => object.userToken(question, keys));
        const credential = externalCredential(stored);
        const params = { ...connectionParams, ...credentialParams(stored.metadataJson) };
        return { token: credential.accessToken, expiresAt: credential.expiresAt, params, credential };
      }
      if (isFixed(input)) return { token: fixedToken(auth), params: connectionParams };
      const question = { connectionId, auth, connectionParams };
      const { token, expiresAt } = await value(request, ({ object, keys }) => object.platformToken(question, keys));
      return { token, params: connectionParams, ...(expiresAt !== null && { expiresAt: timeOf(expiresAt) }) };
    },

    exchangeCredential(input) {
      assertGood({ ...input, mode: "user" });
      return exchangeForTokens(input);
    },

    rotateKeys: ({ forget }, request) => value(request, ({ object, keys }) => object.rotateKeys(forget, keys)),
  };
}

/** Objects without a prototype do not cross to an object. */
function sendable({ auth, connectionParams }: Pick<CredentialConfigInput, "auth" | "connectionParams">) {
  const { tokenParams, refreshParams, tokenExchangeDrivers } = auth;
  const drivers = tokenExchangeDrivers.map((driver) => ({ ...driver, params: { ...driver.params } }));
  const plain = { tokenParams: { ...tokenParams }, refreshParams: { ...refreshParams }, tokenExchangeDrivers: drivers };
  return { auth: { ...auth, ...plain }, connectionParams: { ...connectionParams } };
}

/** gestaltd has asked before, at its start; but what it sends then and now may differ. */
function assertGood(input: Pick<CredentialConfigInput, "mode" | "auth">): void {
  const faults = configFaults(input);
  if (faults.length > 0)
    throw new ConnectError(`The connection cannot be used: ${faults.join("; ")}`, Code.InvalidArgument);
}
