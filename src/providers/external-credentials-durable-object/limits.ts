// Sizes and times of the credential store. What is not said to be another's is ours.

/**
 * Largest content of a credential that is taken, in bytes: tokens, scopes and metadata together, as JSON. ResolveCredential answers
 * with the metadata three times and the token twice in at most 4 MiB.
 */
export const MAX_CONTENT_BYTES = 1024 * 1024;

/**
 * Largest content that is kept, in bytes. A renewal may make it grow by the endpoint's answer, which must not be lost, for it may hold the
 * only refresh token. A row takes 2 MB (Durable Objects, "Limits").
 */
export const MAX_RENEWED_BYTES = MAX_CONTENT_BYTES + 512 * 1024;

/** Content that one ListCredentials reads, in bytes: what gestaltd takes in one answer. */
export const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** Credentials in a page: at their largest 30 MiB, of the 32 MiB that one answer of an object takes. */
export const PAGE = 20;

/** Shortest key, in bytes: as long as the AES-256 key that is derived from it. */
export const MIN_KEY_BYTES = 32;

/** Credentials that one RotateKeys encrypts anew: some tens of milliseconds of the object's one thread. */
export const ROTATED_AT_ONCE = 200;

/**
 * How long before its end a token is renewed at most, in milliseconds: 5 minutes, as gestaltd's own provider has it. That is also how
 * far the clock of whoever wrote the expiry may be ahead of the object's.
 */
export const RENEW_BEFORE_MS = 5 * 60_000;

/** Part of a token's life that is enough to renew it in: else one that lives 5 minutes would be renewed at each call. */
export const RENEW_BEFORE_PART = 1 / 5;

/** How long the token of a platform connection is kept whose endpoint states no lifetime, in milliseconds. It may be revoked unseen. */
export const UNSTATED_LIFETIME_MS = 5 * 60_000;

/**
 * How long a caller waits for a renewal, in milliseconds; the renewal goes on. gestaltd waits 30 s for an answer, and a token that
 * still holds is better than waiting.
 */
export const PATIENCE_MS = { expired: 20_000, valid: 3_000 } as const;

/** How long a token endpoint has, in milliseconds: more than callers wait, for its answer may hold the only refresh token there is. */
export const ENDPOINT_MS = 60_000;

/** Pause after a failed renewal, in milliseconds; doubles with each further failure. */
export const PAUSE_MS = { first: 1_000, most: 60_000 } as const;

/** Longest pause that a token endpoint may ask for (`retry-after`), in milliseconds. */
export const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** Largest answer of a token endpoint, in bytes; real ones have some kilobytes. */
export const MAX_ANSWER_BYTES = 256 * 1024;

/** Longest life of a token that is believed, in seconds: 10 years. An endpoint may state any number. */
export const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;

/**
 * How long a platform connection's tokens are kept after their last renewal, in milliseconds: a year. They are found by what
 * gestaltd's config says, so nobody tells when they are of no use any more.
 */
export const PLATFORM_KEPT_MS = 365 * 24 * 3600 * 1000;

/** Longest `lifetimeSeconds` of an impersonation (Google IAM, `generateAccessToken`): 12 hours. */
export const MAX_IMPERSONATION_SECONDS = 12 * 3600;

/** Pauses after the object's infrastructure failed: it is back within a second or two, or for long not. */
export const BACKOFF = { attempts: 4, firstMs: 100, maxMs: 1_000 } as const;
