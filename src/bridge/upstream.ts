// Where a session's calls go: the contract between the translation (proxy/) and what knows targets and tokens (session/).
import type { Dispatcher } from "undici";

/** A worker that can be called right now. */
export interface Upstream {
  /** Scheme, host and port: `https://billing.acme.workers.dev`. */
  readonly origin: string;
  /** Path before the method's, without a trailing slash; usually empty. */
  readonly basePath: string;
  /** Connection pool of this target; owned by the target, never closed by a caller. */
  readonly dispatcher: Dispatcher;
  /** Sent with each call: `authorization` with a valid session token, Cloudflare Access headers when configured. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Gives the upstream for the next call. */
export interface UpstreamSource {
  /**
   * Synchronous when a valid token is at hand and the target is up, which is nearly always; a promise otherwise.
   * Throws or rejects with a {@link BridgeError} when the session is not configured or its worker cannot be reached.
   */
  upstream(): Upstream | Promise<Upstream>;
  /**
   * Tells that a call could not connect, or lost its connection before an answer. The embedded target then finds out
   * whether its worker still runs, and lets later calls wait until it does; the deployed one does nothing.
   */
  connectFailed(upstream: Upstream): void;
}
