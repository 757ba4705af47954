// Sizes and times of sign-ins. What is not said to be another's is ours.

/** Longest callback or authorization URL, in characters: servers take request lines of 8 KiB (Apache httpd, nginx by default). */
export const MAX_URL_LENGTH = 8 * 1024;

/**
 * Largest `provider_state`, in bytes. gestaltd puts it into the authorization URL and the redirect, in base64 twice, so that this makes
 * 5.4 KiB of the 8 KiB of a request line.
 */
export const MAX_STATE_BYTES = 3 * 1024;

/** Longest `host_state`, in characters. gestaltd takes any from the client that signs in. */
export const MAX_HOST_STATE_LENGTH = 16 * 1024;

/** Most query parameters of a redirect, and most scopes and options of a sign-in. */
export const MAX_ENTRIES = 64;

/** Longest name and value of each, in characters together: an authorization code may be a JWT. */
export const MAX_ENTRY_LENGTH = 16 * 1024;

/** Longest external token, in characters: what most servers take as one header. */
export const MAX_TOKEN_LENGTH = 16 * 1024;

/** Longest address, in characters (RFC 5321 §4.5.3.1.3, less the brackets of a path). */
export const MAX_EMAIL_LENGTH = 254;

/**
 * Longest other text of a user, in characters. gestaltd puts name, address and picture into the session cookie, in base64, and browsers
 * take 4 KiB (RFC 6265bis §5.5).
 */
export const MAX_USER_TEXT_LENGTH = 1024;

/** Most claims of a user. */
export const MAX_CLAIMS = 64;

/** Longest session, in seconds: 400 days, after which browsers drop a cookie anyway (RFC 6265bis §5.5). */
export const MAX_SESSION_SECONDS = 400 * 24 * 3600;

/** How long a sign-in may take, in seconds; gestaltd's own cookie for it ends after as long (`loginStateTTL`). */
export const LOGIN_SECONDS = 600;
