// What may end a host call from the caller's side: its signal, its deadline.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call.ts";
import { deadlineExceeded, watchDeadline } from "../serving/deadline.ts";

export interface CallLimits {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
}

/** The given limits, and the deadline of the provider call around it. A timeout of 0 or less has passed. */
export function callLimits(
  call: Pick<Call, "deadline">,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
): CallLimits {
  const own = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
  const deadline = Math.min(own, call.deadline ?? Number.POSITIVE_INFINITY);
  return { signal, deadline: Number.isFinite(deadline) ? deadline : undefined };
}

/** Throws when one of the limits is reached already. */
export function assertWithin({ signal, deadline }: CallLimits): void {
  if (signal?.aborted === true) throw aborted(signal);
  if (deadline !== undefined && deadline <= Date.now()) throw deadlineExceeded();
}

/** Calls `reached` at most once. Returns what stops it. */
export function watch({ signal, deadline }: CallLimits, reached: (error: ConnectError) => void): () => void {
  const abort = () => reached(aborted(signal));
  const stop = watchDeadline(deadline, () => reached(deadlineExceeded()));
  signal?.addEventListener("abort", abort, { once: true });
  return () => {
    stop?.();
    signal?.removeEventListener("abort", abort);
  };
}

function aborted(signal: AbortSignal | undefined): ConnectError {
  return ConnectError.from(signal?.reason, Code.Canceled);
}
