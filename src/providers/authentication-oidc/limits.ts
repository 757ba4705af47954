// Times and sizes of what is asked of issuers. What is not said to be another's is ours.

/** Seconds an issuer has to answer one request, when the config does not say. gestaltd waits 30 for a whole sign-in. */
export const DEFAULT_TIMEOUT_SECONDS = 8;

/** Most seconds that the config may give an issuer: nobody waits after gestaltd's 30. */
export const MAX_TIMEOUT_SECONDS = 25;

/** Largest answer of an issuer, in bytes. Discovery documents have some 5 KiB, key sets of large issuers some 10. */
export const MAX_ANSWER_BYTES = 512 * 1024;

/** Tries of a discovery document or key set, and bounds of the pauses between them, in milliseconds. Codes are tried once. */
export const BACKOFF = { attempts: 3, firstMs: 100, maxMs: 500 } as const;

/** How long a discovery document or key set is used before it is fetched again, in milliseconds. */
export const FRESH_MS = 10 * 60_000;

/** How long it is used when fetching it again fails, in milliseconds: an issuer may have a bad hour, a withdrawn key no more. */
export const STALE_MS = 60 * 60_000;

/**
 * Milliseconds between two fetches of one key set because a token names a key that is not in it: anybody can send such tokens. As
 * jose's own.
 */
export const UNKNOWN_KEY_COOLDOWN_MS = 30_000;

/**
 * Milliseconds after a failed fetch in which the document of before serves without another try: while an issuer is down, nobody waits
 * for it at each call, and nobody's tokens can make the worker press it.
 */
export const RETRY_AFTER_MS = 30_000;

/** Issuers whose documents an isolate keeps. */
export const KEPT_ISSUERS = 64;

/** Seconds that clocks may differ when the config does not say: what machines with a time service stay far below. */
export const DEFAULT_CLOCK_TOLERANCE_SECONDS = 30;

/** Most seconds that clocks may differ. More would keep ended tokens alive. */
export const MAX_CLOCK_TOLERANCE_SECONDS = 300;

/** Longest display name passed on, in UTF-16 units; what is longer is cut. */
export const MAX_NAME_LENGTH = 200;

/** Longest address of a picture passed on, in characters; what is longer is left out. */
export const MAX_PICTURE_LENGTH = 1000;
