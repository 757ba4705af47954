// Where a bridge's calls go: one interface over the embedded worker and a deployed one.
import type { Dispatcher } from "undici";
import type { SessionEgress } from "../egress/session-egress.ts";
import type { Log } from "../log.ts";
import type { SessionLog } from "../runtime-logs/session-log.ts";
import type { SigningKey } from "../session/signing-key.ts";

/** A worker that can be reached right now. A new object is made whenever anything in it changes. */
export interface Endpoint {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path before the method's, without a trailing slash; usually empty. */
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
  /** Sent beside the session token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the worker: the audience of its session tokens. */
  readonly audience: string;
  readonly key: SigningKey;
}

export interface Target {
  /** For messages: a folder or an origin. */
  readonly description: string;
  /**
   * Synchronous when the worker is known to be up. Rejects with a {@link BridgeError} that says what to do when it
   * cannot be had.
   */
  endpoint(): Endpoint | Promise<Endpoint>;
  /** Tells that a call could not connect to this endpoint, or lost its connection. */
  connectFailed(endpoint: Endpoint): void;
  /**
   * The same worker for a session whose egress its surroundings guard: calls to this target, and what they set off, reach only what
   * the policy allows. Its endpoint is there when the guard is; closing it gives up the guard alone. Denials go to `log`. Undefined
   * where nothing around the worker can guard it.
   */
  readonly guarded?: ((egress: SessionEgress, log: Log) => Target) | undefined;
  /**
   * What the worker prints for `session` goes to `log` from now on, and so does what it says of itself: for each session that is
   * followed, or once for all bridges that have it `shared`. Returns what ends it. Undefined when the worker prints elsewhere.
   */
  readonly followLog?: ((session: string, log: SessionLog, faults: "each" | "shared") => () => void) | undefined;
  /** Gives up connections and, for an embedded worker, the claim on its node. */
  close(): Promise<void>;
}
