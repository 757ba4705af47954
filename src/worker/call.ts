// One call as a surface sees it: the session it belongs to, its deadline, and the worker around it.
import type { Transport } from "@connectrpc/connect";
import type { AnyHostUse, HostFor, HostUse } from "./host/uses.ts";
import type { Log, LogFields } from "./log.ts";
import type { Session } from "./sessions/session.ts";
import type { RequestTrace } from "./telemetry/request-trace.ts";

export interface Call {
  readonly session: Session;
  /** Aborts when the caller has gone or the deadline has passed. Made on first use, because most calls need none. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, in milliseconds since the epoch; undefined when it set no deadline. */
  readonly deadline: number | undefined;
  /** Headers of the HTTP request, less the session token. */
  readonly headers: Headers;
  /** Sent before the answer. Made on first use; fill them before the first message of a stream is yielded. */
  readonly responseHeaders: Headers;
  /** Sent after the answer. Made on first use. */
  readonly responseTrailers: Headers;
  /** The Worker's bindings (`env`). */
  readonly bindings: Bindings;
  /** The token the call came with, for the session's own Durable Object: nothing else may see it. */
  readonly sessionToken: string;
  /** Calls of a host service of the session, by its name in {@link Session.hosts}. */
  hostTransport(name: string): Transport;
  /** Scheme, host and port the call came to, for URLs that lead back here. */
  readonly origin: string;
  readonly log: Log;
  /** Adds fields to the line that the call log prints for this call, or replaces its own (`call`, `status`). */
  note(fields: LogFields): void;
  /** Keeps the worker alive until the promise settles, after the answer has gone out. */
  waitUntil(promise: Promise<unknown>): void;
}

/** The Worker's `env`: variables, secrets and resource bindings by name. */
export type Bindings = Readonly<Record<string, unknown>>;

/** What every handler of an authored provider gets beside its input. */
export interface ProviderRequest<Config = unknown, Use extends HostUse = AnyHostUse> {
  /** gestaltd's name for this provider. */
  readonly name: string;
  /** The provider's config, as its schema parsed it. */
  readonly config: Config;
  /** Session variables: the environment gestaltd gave this instance. */
  readonly env: Readonly<Record<string, string>>;
  /** The Worker's bindings. */
  readonly bindings: Bindings;
  /** Aborts when the caller has gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; undefined when the caller set none. */
  readonly deadline: number | undefined;
  /** What gestaltd offers this provider: those host services it declares in `uses`, or any when it declares none. */
  readonly host: HostFor<Use>;
  /** The trace the request belongs to, for requests and spans of the provider's own. */
  readonly trace: RequestTrace;
  readonly log: Log;
  /** Keeps the worker alive until the promise settles, after the answer has gone out. */
  waitUntil(promise: Promise<unknown>): void;
}
