// Names of the Worker variables and secrets that gestalt-edge itself reads.

/** JSON Web Key Set with the public keys of the bridges this worker trusts. Without it the worker refuses everything. */
export const JWKS_BINDING = "GESTALT_EDGE_JWKS";

/** Name of the worker: the audience its session tokens must have. */
export const NAME_BINDING = "GESTALT_EDGE_NAME";

/** Digest of the deployed bundle, `sha256:<64 hex>`; set by `gestalt-edge deploy` and by the embedded target. */
export const DIGEST_BINDING = "GESTALT_EDGE_DIGEST";

/** Secret that signs presigned object URLs, at least 32 bytes; a Worker secret, random in the embedded target. */
export const PRESIGN_SECRET_BINDING = "GESTALT_EDGE_PRESIGN_SECRET";

/** `1` makes the worker print one JSON line for each call; `gestalt-edge dev` sets it. */
export const CALL_LOG_BINDING = "GESTALT_EDGE_CALL_LOG";

/** Durable Object namespace of the class `HostChannel`, over which providers call gestaltd. Without it there is no channel. */
export const CHANNEL_BINDING = "GESTALT_EDGE_CHANNEL";
