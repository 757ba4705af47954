// Between the protocol's messages and an author's shapes. What is malformed is refused here, once for every provider.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  ExchangeExternalCredentialRequest,
  ExternalCredentialAuthConfig,
  ExternalCredentialSchema,
  ExternalCredentialTokenResponseSchema,
  ListExternalCredentialsRequest,
  ResolveExternalCredentialRequest,
  ResolveExternalCredentialResponseSchema,
  ValidateExternalCredentialConfigRequest,
  ExternalCredential as WireCredential,
} from "../../gen/gestalt/provider/v1/external_credential_pb.ts";
import { bareObject } from "../bare-object.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { checkConfigMode, checkId, checkKey, checkMetadata, checkMode, checkText, invalid } from "./checks.ts";
import type {
  CredentialAuth,
  CredentialConfigInput,
  CredentialConnection,
  CredentialExchangeInput,
  CredentialFilter,
  CredentialResolveInput,
  CredentialUpsert,
  ExchangedCredential,
  ExternalCredential,
  ResolvedCredential,
} from "./objects.ts";
import { timeFrom, timeTo } from "./times.ts";

/** Largest int32: what `expires_in` can say. */
const MAX_INT32 = 2 ** 31 - 1;

export function upsertFrom(credential: WireCredential | undefined): CredentialUpsert {
  if (credential === undefined) throw invalid("The request holds no credential.");
  const { accessToken, refreshToken, scopes, refreshErrorCount } = credential;
  if (refreshErrorCount < 0) throw invalid("refresh_error_count is negative.");
  return {
    ...checkKey(credential),
    ...{ id: checkText(credential.id, "id"), accessToken, refreshToken, scopes, refreshErrorCount },
    expiresAt: timeFrom(credential.expiresAt, "expires_at"),
    lastRefreshedAt: timeFrom(credential.lastRefreshedAt, "last_refreshed_at"),
    metadataJson: checkMetadata(credential.metadataJson),
    createdAt: timeFrom(credential.createdAt, "created_at"),
    updatedAt: timeFrom(credential.updatedAt, "updated_at"),
  };
}

export function filterFrom({ subjectId, connectionId, instance }: ListExternalCredentialsRequest): CredentialFilter {
  return {
    subjectId: checkText(subjectId, "subject_id") || undefined,
    connectionId: checkText(connectionId, "connection_id") || undefined,
    instance: checkText(instance, "instance") || undefined,
  };
}

export function configFrom(request: ValidateExternalCredentialConfigRequest): CredentialConfigInput {
  return { ...connectionFrom(request), mode: checkConfigMode(request.mode) };
}

export function resolveFrom(request: ResolveExternalCredentialRequest): CredentialResolveInput {
  const { credentialSubjectId, connectionId } = request;
  const mode = checkMode(request.mode);
  if (mode === "user") {
    checkId(credentialSubjectId, "credential_subject_id");
    checkId(connectionId, "connection_id");
  }
  return { ...connectionFrom(request), ...subjectsFrom(request), mode };
}

export function exchangeFrom(request: ExchangeExternalCredentialRequest): CredentialExchangeInput {
  return { ...connectionFrom(request), ...subjectsFrom(request), credentialJson: request.credentialJson };
}

export function credentialTo(credential: ExternalCredential): MessageInitShape<typeof ExternalCredentialSchema> {
  const { id, subjectId, connectionId, instance, accessToken, refreshToken, scopes, metadataJson } = credential;
  if (id === "") throw new ConnectError("The provider gave a credential no id.", Code.Internal);
  return withoutUndefined({
    ...{ id, subjectId, connectionId, instance, accessToken, refreshToken, scopes, metadataJson },
    refreshErrorCount: Math.min(credential.refreshErrorCount, MAX_INT32),
    expiresAt: timeTo(credential.expiresAt, "expiresAt"),
    lastRefreshedAt: timeTo(credential.lastRefreshedAt, "lastRefreshedAt"),
    createdAt: timeTo(credential.createdAt, "createdAt"),
    updatedAt: timeTo(credential.updatedAt, "updatedAt"),
  });
}

export function resolvedTo(
  { token, expiresAt, metadataJson, params, credential }: ResolvedCredential,
  { mode }: CredentialResolveInput,
): MessageInitShape<typeof ResolveExternalCredentialResponseSchema> {
  // gestaltd would take an empty token for a stored one, and no record for a user who is not connected.
  if (token === "") throw new ConnectError("The provider resolved a credential to no token.", Code.Internal);
  if (mode === "user" && credential === undefined) {
    throw new ConnectError("The provider resolved a user's credential without the record behind it.", Code.Internal);
  }
  return withoutUndefined({
    ...{ token, metadataJson: metadataJson ?? credential?.metadataJson ?? "", params: { ...params } },
    expiresAt: timeTo(expiresAt, "expiresAt"),
    credential: credential && credentialTo(credential),
  });
}

export function exchangedTo(
  exchanged: ExchangedCredential,
): MessageInitShape<typeof ExternalCredentialTokenResponseSchema> {
  const { accessToken, refreshToken = "", expiresIn = 0, tokenType = "", extra, refreshSource = "" } = exchanged;
  if (accessToken === "") throw new ConnectError("The provider exchanged a credential for no token.", Code.Internal);
  return {
    ...{ accessToken, refreshToken, tokenType, refreshSource },
    expiresIn: Math.trunc(Math.min(Math.max(expiresIn, 0), MAX_INT32)),
    extraJson: extra === undefined ? "" : JSON.stringify(extra),
  };
}

function connectionFrom(
  request: Omit<CredentialConnection, "auth"> & { readonly auth?: ExternalCredentialAuthConfig | undefined },
): CredentialConnection {
  return {
    provider: checkText(request.provider, "provider"),
    connection: checkText(request.connection, "connection"),
    connectionId: checkText(request.connectionId, "connection_id"),
    auth: authFrom(request.auth),
    connectionParams: bareObject(request.connectionParams),
  };
}

function subjectsFrom(request: Pick<CredentialResolveInput, "credentialSubjectId" | "actorSubjectId" | "instance">) {
  return {
    credentialSubjectId: checkText(request.credentialSubjectId, "credential_subject_id"),
    actorSubjectId: checkText(request.actorSubjectId, "actor_subject_id"),
    instance: checkText(request.instance, "instance"),
  };
}

function authFrom(auth: ExternalCredentialAuthConfig | undefined): CredentialAuth {
  if (auth === undefined) return NO_AUTH;
  const { type, token, tokenPrefix, grantType, tokenUrl, clientId, clientSecret, clientAuth, tokenExchange } = auth;
  const { scopes, scopeParam, scopeSeparator, acceptHeader, accessTokenPath, refreshToken } = auth;
  return {
    ...{ type, token, tokenPrefix, grantType, tokenUrl, clientId, clientSecret, clientAuth, tokenExchange },
    ...{ scopes, scopeParam, scopeSeparator, acceptHeader, accessTokenPath, refreshToken },
    tokenParams: bareObject(auth.tokenParams),
    refreshParams: bareObject(auth.refreshParams),
    tokenExchangeDrivers: auth.tokenExchangeDrivers.map((driver) => ({
      type: driver.type,
      targetPrincipal: driver.targetPrincipal,
      scopes: driver.scopes,
      lifetimeSeconds: driver.lifetimeSeconds,
      endpoint: driver.endpoint,
      params: bareObject(driver.params),
    })),
  };
}

/** Of a connection that has none. */
const NO_AUTH: CredentialAuth = {
  ...{ type: "", token: "", tokenPrefix: "", grantType: "", tokenUrl: "", clientId: "", clientSecret: "" },
  ...{ clientAuth: "", tokenExchange: "", scopes: [], scopeParam: "", scopeSeparator: "", acceptHeader: "" },
  ...{ accessTokenPath: "", refreshToken: "", tokenParams: bareObject({}), refreshParams: bareObject({}) },
  tokenExchangeDrivers: [],
};
