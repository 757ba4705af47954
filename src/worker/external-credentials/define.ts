// What the author of an external-credential provider writes, and what becomes of it.
import type { ProviderRequest } from "../call.ts";
import type { AnyHostUse, HostUse } from "../host/uses.ts";
import type { Provider, ProviderOptions } from "../provider.ts";
import { providerBase } from "../sessions/lifecycle.ts";
import { credentialKeysSurface } from "./keys-surface.ts";
import type {
  CredentialConfigInput,
  CredentialExchangeInput,
  CredentialFilter,
  CredentialKey,
  CredentialKeyRotation,
  CredentialResolveInput,
  CredentialUpsert,
  ExchangedCredential,
  ExternalCredential,
  ResolvedCredential,
} from "./objects.ts";
import { externalCredentialSurface } from "./surface.ts";

type Request<Config, Use extends HostUse> = ProviderRequest<Config, NoInfer<Use>>;

/**
 * The handlers of an external-credential provider. Ids, modes, times and metadata are checked before a handler runs.
 * `CredentialNotFoundError`, `ReconnectRequiredError` and `AmbiguousCredentialError` mean to gestaltd what they say, and a
 * `ConnectError` goes out as it is. Anything else is INTERNAL, and the log gets its type and place but not its text, which may
 * hold what must not be there.
 */
export interface ExternalCredentialHandlers<Config = unknown, Use extends HostUse = AnyHostUse> {
  /**
   * Stores a credential, all of it or nothing, and answers it as stored. One with the same key keeps its id, and its `createdAt`
   * too unless `preserveTimestamps`: then both times are as given, because gestaltd puts back what it had read before.
   */
  upsertCredential(
    input: { readonly credential: CredentialUpsert; readonly preserveTimestamps: boolean },
    request: Request<Config, Use>,
  ): Promise<ExternalCredential> | ExternalCredential;
  /** Null and undefined both mean that there is none. */
  getCredential(
    input: CredentialKey,
    request: Request<Config, Use>,
  ): Promise<ExternalCredential | null | undefined> | ExternalCredential | null | undefined;
  /** All that match. gestaltd always names a subject. */
  listCredentials(
    input: CredentialFilter,
    request: Request<Config, Use>,
  ): Promise<readonly ExternalCredential[]> | readonly ExternalCredential[];
  /** Answers whether there was one. */
  deleteCredential(input: { readonly id: string }, request: Request<Config, Use>): Promise<boolean> | boolean;
  /**
   * Says all that is wrong with a connection's config, each fault as a sentence that names the key (`auth.tokenUrl is missing`).
   * Any fault ends gestaltd's start. When left out, every config is good.
   */
  validateCredentialConfig?(
    input: CredentialConfigInput,
    request: Request<Config, Use>,
  ): Promise<readonly string[]> | readonly string[];
  /**
   * The token to use now, renewed if need be. Made of `getCredential` and `listCredentials` when left out: a stored token while it
   * has not expired, a fixed one (`bearer`, `manual`) for platform connections.
   */
  resolveCredential?(
    input: CredentialResolveInput,
    request: Request<Config, Use>,
  ): Promise<ResolvedCredential> | ResolvedCredential;
  /** Null and undefined both mean that what was entered is stored as it is, as when this is left out. */
  exchangeCredential?(
    input: CredentialExchangeInput,
    request: Request<Config, Use>,
  ): Promise<ExchangedCredential | null | undefined> | ExchangedCredential | null | undefined;
  /**
   * For providers that encrypt with keys of their own: encrypts some credentials with the current key that lie under another one,
   * and deletes those under the keys to forget that no key opens. `gestalt-edge rotate-keys` asks for it until none remain.
   */
  rotateKeys?(
    input: { readonly forget: readonly string[] },
    request: Request<Config, Use>,
  ): Promise<CredentialKeyRotation> | CredentialKeyRotation;
}

/** gestaltd offers these providers its databases, as `indexedDB` in `uses`, but no store in them except `external_credentials`. */
export interface ExternalCredentialProviderOptions<Config = unknown, Use extends HostUse = AnyHostUse>
  extends ProviderOptions<Config, Use>,
    ExternalCredentialHandlers<Config, Use> {}

/** Makes an external-credential provider for `serve({ … })`. gestaltd runs exactly one. */
export function defineExternalCredentialProvider<Config = Record<string, unknown>, Use extends HostUse = AnyHostUse>(
  options: ExternalCredentialProviderOptions<Config, Use>,
): Provider {
  const base = providerBase(options);
  const keys = options.rotateKeys === undefined ? [] : [credentialKeysSurface(options, base.uses)];
  return {
    kind: "external_credentials",
    ...base,
    surfaces: [externalCredentialSurface(options, base.uses), ...keys],
  };
}
