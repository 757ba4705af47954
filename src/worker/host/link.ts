// What a host client needs of the call it belongs to: the way to its service, and the limits its own calls inherit.
import type { CallOptions, Transport } from "@connectrpc/connect";
import type { RequestTrace } from "../telemetry/request-trace.ts";

/** Each method of a host client takes these last. */
export interface HostCallOptions {
  /** Ends the call CANCELED when it aborts, beside the request's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds the call may take. The request's deadline holds all the same. */
  readonly timeoutMs?: number | undefined;
  /** What the call belongs to, where that is not the request itself: `operation.trace` of an operation that is under way. */
  readonly trace?: RequestTrace | undefined;
}

/** The provider's request a host client was made for. */
export interface HostCaller {
  /** Host services the session was offered, by the names of its token: `CACHE`, `CACHE_MAIN`. */
  readonly offered: readonly string[];
  /** The way to one of them; whether it was offered is not asked here but by whoever performs the call. */
  transport(name: string): Transport;
  /** Aborts when the request's caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** When the request's caller stops waiting, in milliseconds since the epoch; undefined when it set no deadline. */
  readonly deadline: number | undefined;
  /** Opaque proof of the request, which gestaltd's managers and its invoker want to see; empty when the request has none. */
  readonly invocationToken: string;
  /** The session's variables. */
  readonly env: Readonly<Record<string, string>>;
}

/** One offered service. Clients are made of this and nothing else. */
export interface HostLink {
  readonly transport: Transport;
  readonly invocationToken: string;
  readonly env: Readonly<Record<string, string>>;
  /** For one call: the request's signal and deadline, and what the author gave, whichever ends first. */
  options(given?: HostCallOptions): CallOptions;
}

export function hostLink(caller: HostCaller, name: string): HostLink {
  return {
    transport: caller.transport(name),
    invocationToken: caller.invocationToken,
    env: caller.env,
    options: (given) => callOptions(caller, given),
  };
}

function callOptions(caller: HostCaller, given: HostCallOptions = {}): CallOptions {
  const signal = given.signal === undefined ? caller.signal : AbortSignal.any([caller.signal, given.signal]);
  const left = caller.deadline === undefined ? undefined : caller.deadline - Date.now();
  const limits = [left, given.timeoutMs].filter((limit) => limit !== undefined);
  return {
    signal,
    // Connect takes 0 and less for a deadline that has passed.
    ...(limits.length === 0 ? {} : { timeoutMs: Math.min(...limits) }),
    ...(given.trace === undefined ? {} : { headers: given.trace.headers }),
  };
}
