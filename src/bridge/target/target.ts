// Where a bridge's calls go: one interface over the embedded worker and a deployed one.
import type { Dispatcher } from "undici";
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
  /** Gives up connections and, for an embedded worker, the claim on its node. */
  close(): Promise<void>;
}
