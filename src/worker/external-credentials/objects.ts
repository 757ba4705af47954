// What the handlers of an external-credential provider get and give, as plain values. Nearly all of it is secret.

/** Three parts that together are one credential. None holds NUL, and each has at most 1,024 bytes. */
export interface CredentialKey {
  /** Whose it is, such as `user:…`. */
  readonly subjectId: string;
  /** Stable id of the connection, such as `github:default`. */
  readonly connectionId: string;
  /** Tells several of one connection apart. Empty is a value like any other here. */
  readonly instance: string;
}

/** Undefined matches everything. */
export type CredentialFilter = { readonly [part in keyof CredentialKey]: string | undefined };

/** What is stored of a credential, as its writer gives it. Texts that are not there are empty. */
export interface CredentialValue extends CredentialKey {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Granted scopes, separated by spaces. */
  readonly scopes: string;
  /** Undefined when the access token does not expire. A time beyond the millisecond is a `Timestamp`, here and below. */
  readonly expiresAt: Date | undefined;
  readonly lastRefreshedAt: Date | undefined;
  /** Failed refreshes since the last successful one. */
  readonly refreshErrorCount: number;
  /** A JSON object, as text; empty for none. */
  readonly metadataJson: string;
}

/** A credential to store. */
export interface CredentialUpsert extends CredentialValue {
  /** The writer's wish, for a credential that is new; empty for none. One that exists keeps its own. */
  readonly id: string;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
}

/** A stored credential. */
export interface ExternalCredential extends CredentialValue {
  /** Given at the first write. */
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/**
 * Who owns a connection's credentials: each `user` their own, or the deployment itself (`platform`), which has them in gestaltd's
 * config.
 */
export type CredentialMode = "user" | "platform";

/** Which connection a call is about, and how that one authenticates. */
export interface CredentialConnection {
  /** The plugin's name. */
  readonly provider: string;
  readonly connection: string;
  readonly connectionId: string;
  readonly auth: CredentialAuth;
  /** Parameters of the connection, such as a host name; they may stand in URLs as `{name}`. Without a prototype. */
  readonly connectionParams: Readonly<Record<string, string>>;
}

export interface CredentialConfigInput extends CredentialConnection {
  readonly mode: CredentialMode | "none";
}

/** A token is wanted. */
export interface CredentialResolveInput extends CredentialConnection {
  readonly mode: CredentialMode;
  /** Whose credential to use; empty for `platform`. */
  readonly credentialSubjectId: string;
  /** Who makes the call; empty when that is the same. */
  readonly actorSubjectId: string;
  /** Empty when the caller does not say, which is ambiguous when the subject has several. */
  readonly instance: string;
}

export interface ResolvedCredential {
  /** Goes out to the connection's API; never empty. */
  readonly token: string;
  /** Undefined when it does not expire. */
  readonly expiresAt?: Date | undefined;
  /** A JSON object, as text. That of the credential when left out. */
  readonly metadataJson?: string | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** The record behind the token. gestaltd takes no answer without it in mode `user`. */
  readonly credential?: ExternalCredential | undefined;
}

/** What somebody entered is to be exchanged for tokens. */
export interface CredentialExchangeInput extends CredentialConnection {
  readonly credentialSubjectId: string;
  readonly actorSubjectId: string;
  readonly instance: string;
  /** What was entered, as JSON text; not checked. */
  readonly credentialJson: string;
}

/** Tokens to store. */
export interface ExchangedCredential {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** Lifetime of the access token in seconds. */
  readonly expiresIn?: number | undefined;
  readonly tokenType?: string | undefined;
  /** The endpoint's answer, from which gestaltd takes connection parameters. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** What gestaltd stores as the refresh token in place of {@link refreshToken}. */
  readonly refreshSource?: string | undefined;
}

/** How a connection authenticates. Texts that the config does not give are empty; maps have no prototype. */
export interface CredentialAuth {
  /** `oauth2`, `mcp_oauth`, `bearer`, `manual` or `none`, as far as gestaltd checks it. */
  readonly type: string;
  /** A fixed token, for platform connections. */
  readonly token: string;
  /** Put before the token by whoever uses it. */
  readonly tokenPrefix: string;
  /** `client_credentials` or `refresh_token`, for platform connections. */
  readonly grantType: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** How the client authenticates: in the `body`, as when empty, or in a `header`. */
  readonly clientAuth: string;
  /** How a token request is encoded: as a `form`, as when empty, or as `json`. */
  readonly tokenExchange: string;
  readonly scopes: readonly string[];
  /** Name of the parameter for them; `scope` when empty. */
  readonly scopeParam: string;
  /** Between them; a space when empty. */
  readonly scopeSeparator: string;
  /** Further parameters of token requests. */
  readonly tokenParams: Readonly<Record<string, string>>;
  /** Further parameters of refreshes. */
  readonly refreshParams: Readonly<Record<string, string>>;
  /** `accept` header of token requests. */
  readonly acceptHeader: string;
  /** Where in the endpoint's answer the token stands, such as `authed_user.access_token`; `access_token` when empty. */
  readonly accessTokenPath: string;
  /** Steps that turn one token into another, in order. */
  readonly tokenExchangeDrivers: readonly CredentialExchangeDriver[];
  /** A fixed refresh token, for platform connections. */
  readonly refreshToken: string;
}

/** One step from one token to another. */
export interface CredentialExchangeDriver {
  readonly type: string;
  /** Whom the resulting token stands for. */
  readonly targetPrincipal: string;
  readonly scopes: readonly string[];
  /** 0 when the config does not say. */
  readonly lifetimeSeconds: number;
  readonly endpoint: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What one step of a key rotation has done. */
export interface CredentialKeyRotation {
  /** Id of the current key. */
  readonly keyId: string;
  readonly rotated: number;
  readonly forgotten: number;
  readonly remaining: number;
  /** Keys that are not at hand, with how many credentials lie under each. */
  readonly missing: readonly { readonly keyId: string; readonly credentials: number }[];
}
