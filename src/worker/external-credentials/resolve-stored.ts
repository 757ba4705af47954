// ResolveCredential for providers that only store: which credential is meant, and whether its token is still good.
import { Code, ConnectError } from "@connectrpc/connect";
import type { ProviderRequest } from "../call.ts";
import type { HostUse } from "../host/uses.ts";
import type { ExternalCredentialHandlers } from "./define.ts";
import { AmbiguousCredentialError, CredentialNotFoundError, ReconnectRequiredError } from "./errors.ts";
import type { CredentialAuth, CredentialResolveInput, ExternalCredential, ResolvedCredential } from "./objects.ts";

type Store<Config, Use extends HostUse> = Pick<
  ExternalCredentialHandlers<Config, Use>,
  "getCredential" | "listCredentials"
>;

export async function resolveStored<Config, Use extends HostUse>(
  store: Store<Config, Use>,
  input: CredentialResolveInput,
  request: ProviderRequest<Config, Use>,
): Promise<ResolvedCredential> {
  if (input.mode === "platform") return { token: fixedToken(input.auth), params: input.connectionParams };
  const credential = await findCredential(store, input, request);
  if (credential.expiresAt !== undefined && credential.expiresAt.getTime() <= Date.now()) {
    throw new ReconnectRequiredError("The credential has expired; connect again.");
  }
  return {
    token: credential.accessToken,
    expiresAt: credential.expiresAt,
    params: { ...input.connectionParams, ...paramsOf(credential.metadataJson) },
    credential,
  };
}

/**
 * The credential a `resolveCredential` call means: the one of its instance, or the only one of the connection.
 *
 * @throws CredentialNotFoundError when there is none, AmbiguousCredentialError when several fit.
 */
export async function findCredential<Config, Use extends HostUse>(
  store: Store<Config, Use>,
  { credentialSubjectId: subjectId, connectionId, instance }: CredentialResolveInput,
  request: ProviderRequest<Config, Use>,
): Promise<ExternalCredential> {
  if (instance !== "") {
    const found = await store.getCredential({ subjectId, connectionId, instance }, request);
    if (found === undefined || found === null) throw new CredentialNotFoundError();
    return found;
  }
  const [first, second] = await store.listCredentials({ subjectId, connectionId, instance: undefined }, request);
  if (first === undefined) throw new CredentialNotFoundError();
  if (second !== undefined) throw new AmbiguousCredentialError();
  return first;
}

/**
 * The token that a platform connection has in gestaltd's config.
 *
 * @throws ConnectError FAILED_PRECONDITION when it has none.
 */
export function fixedToken({ type, token }: CredentialAuth): string {
  if ((type === "bearer" || type === "manual") && token.trim() !== "") return token.trim();
  const kinds = "auth.type bearer or manual with auth.token";
  throw new ConnectError(`Of platform connections this provider serves those of ${kinds}.`, Code.FailedPrecondition);
}

/** Connection parameters that lie in a credential's metadata: its texts, by name. */
export function paramsOf(metadataJson: string): Record<string, string> {
  if (metadataJson === "") return {};
  const metadata: unknown = JSON.parse(metadataJson);
  const texts = Object.entries(metadata ?? {}).filter(([, value]) => typeof value === "string");
  return Object.fromEntries(texts);
}
