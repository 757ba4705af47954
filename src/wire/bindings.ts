// Names of the Worker variables and secrets that gestalt-edge itself reads.

/** JSON Web Key Set with the public keys of the bridges this worker trusts. Without it the worker refuses everything. */
export const JWKS_BINDING = "GESTALT_EDGE_JWKS";

/** Name of the worker: the audience its session tokens must have. */
export const NAME_BINDING = "GESTALT_EDGE_NAME";

/** Digest of the deployed bundle, `sha256:<64 hex>`; set by `gestalt-edge deploy` and by the embedded target. */
export const DIGEST_BINDING = "GESTALT_EDGE_DIGEST";

/** Secret that signs presigned object URLs, at least 32 bytes; a Worker secret, random in the embedded target. */
export const PRESIGN_SECRET_BINDING = "GESTALT_EDGE_PRESIGN_SECRET";

/** Secret that seals the state of sign-ins, at least 32 bytes; a Worker secret, random in the embedded target. */
export const LOGIN_SECRET_BINDING = "GESTALT_EDGE_LOGIN_SECRET";

/**
 * Secret that external credentials are encrypted with, at least 32 bytes; a Worker secret, random in the embedded target. With it lost,
 * they are.
 */
export const CREDENTIALS_KEY_BINDING = "GESTALT_EDGE_CREDENTIALS_KEY";

/** `1` makes the worker print one JSON line for each call; `gestalt-edge dev` sets it. */
export const CALL_LOG_BINDING = "GESTALT_EDGE_CALL_LOG";

/** Durable Object namespace of the class `HostChannel`, over which providers call gestaltd. Without it there is no channel. */
export const CHANNEL_BINDING = "GESTALT_EDGE_CHANNEL";

/**
 * `1` in a service whose egress the node of the embedded worker guards from outside. Of no use to set by hand: the worker would
 * believe it, and nothing would be guarded.
 */
export const EGRESS_GATE_BINDING = "GESTALT_EDGE_EGRESS_GATE";

/**
 * Random text, set by the node of an embedded worker and by nobody else: the worker begins each line that it prints for a session
 * with {@link logMark}, so that the node knows whose line it is. Callers cannot forge it, for they cannot know it.
 */
export const LOG_MARK_BINDING = "GESTALT_EDGE_LOG_MARK";

/** What stands before a line of `session`, with a space behind it. */
export function logMark(mark: string, session: string): string {
  return `\u001e${mark} ${session}\u001f`;
}

/** Takes a printed line apart again; one without the mark is nobody's. */
export function splitMarkedLine(mark: string, line: string): { readonly session?: string; readonly text: string } {
  const start = `\u001e${mark} `;
  const end = line.startsWith(start) ? line.indexOf("\u001f", start.length) : -1;
  if (end < 0) return { text: line };
  // A space stands between the mark and the text.
  return { session: line.slice(start.length, end), text: line.slice(end + 2) };
}
