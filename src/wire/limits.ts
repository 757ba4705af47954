// Sizes and times that both sides of the wire must agree on, each with its unit and source.

/** The protocol generation both sides speak (gestaltd v0.0.1-alpha.20, `CurrentProtocolVersion`). */
export const PROTOCOL_VERSION = 3;

/**
 * Largest gRPC message, in bytes, in either direction. grpc-go's default receive limit; gestaltd sets no larger one,
 * so anything bigger fails there with a text that helps nobody.
 */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * One part of an object write, in bytes. R2 wants every part but the last of equal size and at least 5 MiB; 8 MiB keeps
 * two in flight and one being filled at 24 MiB, and lets one object have 78 GiB in R2's 10,000 parts.
 */
export const UPLOAD_PART_BYTES = 8 * 1024 * 1024;

/** Most parts one R2 multipart upload takes (R2 platform limits). */
export const MAX_UPLOAD_PARTS = 10_000;

/** Payload of one `ReadObject` data frame, in bytes: well under {@link MAX_MESSAGE_BYTES}, large enough to amortise framing. */
export const READ_CHUNK_BYTES = 256 * 1024;

/** Largest provider config, as JSON in bytes, that travels in a session token (DESIGN §5). */
export const MAX_CONFIG_BYTES = 16 * 1024;

/** Largest sum of session variables, as JSON in bytes, that travels in a session token; same reasoning as the config. */
export const MAX_SESSION_VARIABLES_BYTES = 16 * 1024;

/** Largest egress policy of a session, in bytes of JSON: some 500 hosts. It travels in the token, beside config and variables. */
export const MAX_EGRESS_BYTES = 16 * 1024;

/** Lifetime of a session token, in seconds: short, so that a leaked one is soon worthless. */
export const TOKEN_LIFETIME_SECONDS = 300;

/**
 * Longest lifetime, in seconds, of a session token that a worker accepts: twelve times what bridges sign, so that a bridge
 * of another version may differ, while one signed for years by mistake is refused at its first use.
 */
export const MAX_TOKEN_LIFETIME_SECONDS = 3_600;

/** The bridge stops using a token this many seconds before it expires, so that none expires on the way. */
export const TOKEN_REFRESH_MARGIN_SECONDS = 60;

/** Difference between the bridge's and the worker's clocks that is forgiven, in seconds. */
export const CLOCK_TOLERANCE_SECONDS = 30;

/** Largest request body the real edge accepts on every plan, in bytes (Workers platform limits, free and pro). */
export const MAX_EDGE_BODY_BYTES = 100 * 1000 * 1000;
