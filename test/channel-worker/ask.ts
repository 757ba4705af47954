// What a test asks of the provider in channel.worker.ts.

/** As JSON in the request's body. */
export interface Ask {
  readonly service?: string;
  readonly key?: string;
  readonly size?: number;
  readonly count?: number;
  readonly timeoutMs?: number;
  readonly headers?: Record<string, string>;
  /** Aborts the call after so many replies. */
  readonly abortAfter?: number;
  /** Aborts the call when `progress` is told something under this key. */
  readonly stop?: string;
  /** Waits so long after each reply. */
  readonly pauseMs?: number;
  readonly token?: string;
  readonly object?: readonly string[];
}
